"""What a request is answered, E1 to E22: in process, and through real servers that are sent raw bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.forge import Forge, forging
from tests.polling import eventually
from tests.raw_http import ASGI_SERVERS, HTTP_DOORS, SERVERS, Answer, Door, Doors, open_doors

BARE = "Bearer"
INVALID_REQUEST = 'Bearer error="invalid_request", error_description="The request must carry exactly one bearer token"'


def invalid_token(description: str) -> str:
    """The challenge of E6."""
    return f'Bearer error="invalid_token", error_description="{description}"'


def insufficient(kind: str, scope: str | None = None) -> str:
    """The challenge of E7 and E8."""
    needed = "" if scope is None else f', scope="{scope}"'
    return f'Bearer error="insufficient_scope", error_description="The access token lacks a {kind} that this needs"{needed}'


MALFORMED = invalid_token("The access token is malformed")
UNVERIFIABLE = invalid_token("The signature of the access token could not be verified")
EXPIRED = invalid_token("The access token expired")
ISSUER = invalid_token("The access token was issued by another issuer")
LACKS_CLAIM = invalid_token("The access token lacks a required claim")


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """The servers, started once."""
    with forging() as forge, open_doors(forge, tmp_path_factory.mktemp("doors")) as opened:
        yield opened


@pytest.fixture(params=[*HTTP_DOORS, "fastapi, as it answers by itself"])
def door(request: pytest.FixtureRequest, doors: Doors) -> Door:
    """Each way in."""
    return doors[request.param]


@pytest.fixture
def forge(doors: Doors) -> Forge:
    """The realm behind all of them."""
    return doors.forge


Fields = Callable[[Forge], tuple[bytes, ...]]


@dataclass(frozen=True)
class Row:
    """A request, and its answer: the challenge None is none at all, `server` may answer before we can."""

    fields: Fields
    status: int
    challenge: str | None
    path: str = "/private"
    method: str = "GET"
    headers: bytes = b""
    server_may_refuse: bool = False


def good(**claims: Any) -> Fields:
    """One field with a good token."""
    return lambda forge: (bearer(forge.token(**claims)),)


def bearer(token: str) -> bytes:
    """The value of an Authorization field."""
    return b"Bearer " + token.encode()


def around(before: bytes, after: bytes = b"") -> Fields:
    """One field: a good token with something before and after it."""
    return lambda forge: (before + forge.token().encode() + after,)


def fixed(*values: bytes) -> Fields:
    """These fields."""
    return lambda forge: values


PREFLIGHT = b"Origin: https://shop.example\r\nAccess-Control-Request-Method: GET\r\n"

ROWS = [
    # No credentials
    pytest.param(Row(fixed(), 401, BARE), id="E1 no credentials"),
    pytest.param(Row(fixed(), 401, 'Bearer scope="orders:read orders:list"', "/scoped"), id="E1 the scopes needed"),
    pytest.param(Row(fixed(), 401, BARE, "/choice"), id="E1 a choice of scopes has no list"),
    pytest.param(Row(fixed(), 401, BARE, "/role"), id="E1 a role is not named"),
    pytest.param(Row(fixed(), 401, 'Bearer realm="Orders API", scope="orders:read"', "/named"), id="E1 with a realm"),
    pytest.param(Row(fixed(b""), 401, BARE), id="E1 an empty field"),
    pytest.param(Row(fixed(b"Basic dXNlcjpwYXNz"), 401, BARE), id="E2 Basic"),
    pytest.param(Row(fixed(b'Digest username="a", realm="b"'), 401, BARE), id="E2 Digest with commas"),
    pytest.param(
        Row(fixed(b"Basic abc"), 401, 'Bearer scope="orders:read orders:list"', "/scoped"),
        id="E2 Basic, where scopes are needed",
    ),
    pytest.param(Row(around(b"DPoP "), 401, BARE), id="E2 DPoP"),
    pytest.param(Row(around(b""), 401, BARE), id="E2 a token without a scheme"),
    # Malformed requests
    pytest.param(Row(fixed(b"Bearer"), 400, INVALID_REQUEST), id="E3 Bearer alone"),
    pytest.param(Row(fixed(b"bearer"), 400, INVALID_REQUEST), id="E3 bearer alone"),
    pytest.param(Row(around(b"Bearer\t"), 400, INVALID_REQUEST), id="E3 a TAB"),
    pytest.param(Row(around(b"Bearer \t"), 400, INVALID_REQUEST), id="E3 a space and a TAB"),
    pytest.param(Row(around(b"Bearer ", b" x"), 400, INVALID_REQUEST), id="E3 two tokens"),
    pytest.param(Row(around(b"Bearer ", b",x"), 400, INVALID_REQUEST), id="E3 a comma behind it"),
    pytest.param(Row(around(b"Bearer ", b", Bearer x"), 400, INVALID_REQUEST), id="E3 a comma-joined pair"),
    pytest.param(Row(around(b"Basic x, Bearer "), 400, INVALID_REQUEST), id="E3 joined behind another scheme"),
    pytest.param(Row(around(b"Bearer ", b'"'), 400, INVALID_REQUEST), id="E3 a quote"),
    pytest.param(Row(around(b"Bearer ="), 400, INVALID_REQUEST), id="E3 padding first"),
    pytest.param(Row(around(b"Bearer ", b"\xc3\xa9"), 400, INVALID_REQUEST), id="E3 UTF-8"),
    pytest.param(Row(around(b"Bearer ", b"\xff"), 400, INVALID_REQUEST), id="E3 Latin-1"),
    pytest.param(Row(around(b"Bearer ", b"\x00"), 400, INVALID_REQUEST, server_may_refuse=True), id="E3 NUL"),
    pytest.param(Row(around(b"Bearer: "), 400, INVALID_REQUEST), id="E3 a colon"),
    # More than one field
    pytest.param(
        Row(lambda forge: (bearer(forge.token()), bearer(forge.token())), 400, INVALID_REQUEST), id="E4 two fields"
    ),
    pytest.param(Row(lambda forge: (bearer(forge.token()),) * 2, 400, INVALID_REQUEST), id="E4 the same field twice"),
    pytest.param(
        Row(lambda forge: (b"Basic abc", bearer(forge.token())), 400, INVALID_REQUEST), id="E4 Basic and Bearer"
    ),
    pytest.param(
        Row(lambda forge: (bearer(forge.token()), b"Basic abc"), 400, INVALID_REQUEST), id="E4 Bearer and Basic"
    ),
    pytest.param(Row(lambda forge: (bearer(forge.token()), b"Bearer"), 400, INVALID_REQUEST), id="E4 and a blank one"),
    # Bad tokens
    pytest.param(Row(fixed(b"Bearer x.y.z"), 401, MALFORMED), id="E6 malformed"),
    pytest.param(Row(fixed(b"Bearer opaque-token"), 401, MALFORMED), id="E6 an opaque token"),
    pytest.param(
        Row(lambda forge: (bearer(forge.altered(2, lambda part: "A" * len(part))),), 401, UNVERIFIABLE),
        id="E6 a bad signature",
    ),
    pytest.param(Row(good(key="attacker", kid="nobody"), 401, UNVERIFIABLE), id="E6 an unknown key, with fresh keys"),
    pytest.param(Row(good(kid="p256"), 401, UNVERIFIABLE), id="E6 an algorithm that is not the key's"),
    pytest.param(Row(good(iss="https://sso.example.com/realms/x"), 401, ISSUER), id="E6 another issuer"),
    pytest.param(
        Row(good(aud="billing-api"), 401, invalid_token("The access token is not meant for this API")),
        id="E6 another audience",
    ),
    pytest.param(
        Row(good(typ="ID"), 401, invalid_token("The token is not a bearer access token")), id="E6 another type"
    ),
    pytest.param(Row(good(exp=1), 401, EXPIRED), id="E6 expired"),
    pytest.param(
        Row(good(nbf=4_000_000_000), 401, invalid_token("The access token is not valid yet")), id="E6 not yet valid"
    ),
    pytest.param(Row(good(sub=None), 401, LACKS_CLAIM), id="E6 without a required claim"),
    pytest.param(
        Row(good(cnf={"jkt": "x"}), 401, invalid_token("The token is bound to a key and was sent without proof")),
        id="E6 bound to a key",
    ),
    pytest.param(
        Row(
            good(aud=None, acr=None, realm_access=None, preferred_username=None),
            401,
            invalid_token("The access token cannot be checked by this API"),
        ),
        id="E6 lightweight",
    ),
    pytest.param(Row(good(exp=1), 401, EXPIRED, "/scoped"), id="E6 names no scope"),
    pytest.param(
        Row(good(exp=1), 401, EXPIRED.replace("Bearer ", 'Bearer realm="Orders API", '), "/named"), id="E6 with a realm"
    ),
    # Good tokens that are not enough
    pytest.param(
        Row(good(scope="orders:read"), 403, insufficient("scope", "orders:read orders:list"), "/scoped"),
        id="E7 one scope of two",
    ),
    pytest.param(
        Row(good(scope=None), 403, insufficient("scope", "orders:read orders:list"), "/scoped"), id="E7 no scope"
    ),
    pytest.param(Row(good(scope="x"), 403, insufficient("scope"), "/choice"), id="E7 a choice has no list"),
    pytest.param(Row(good(), 403, insufficient("role"), "/role"), id="E8 a realm role"),
    pytest.param(
        Row(good(resource_access={"other": {"roles": ["clerk"]}}), 403, insufficient("role"), "/client-role"),
        id="E8 a client role",
    ),
    pytest.param(Row(good(groups=["/staff/x"]), 403, insufficient("role"), "/claim"), id="E8 a claim's value"),
    pytest.param(
        Row(
            good(scope="x"),
            403,
            insufficient("scope", "orders:read").replace("Bearer ", 'Bearer realm="Orders API", '),
            "/named",
        ),
        id="E7 with a realm",
    ),
    # Optional routes: bad is never anonymous
    pytest.param(Row(good(exp=1), 401, EXPIRED, "/optional"), id="E20b a bad token"),
    pytest.param(Row(fixed(b"Bearer"), 400, INVALID_REQUEST, "/optional"), id="E20b E3"),
    pytest.param(Row(around(b"Bearer\t"), 400, INVALID_REQUEST, "/optional"), id="E20b E3, a TAB"),
    pytest.param(Row(fixed(b"Basic abc", b"Bearer abc"), 400, INVALID_REQUEST, "/optional"), id="E20b E4"),
    pytest.param(
        Row(good(scope="x"), 403, insufficient("scope", "orders:read"), "/optional"), id="E20b without the scope"
    ),
    # A guarded application
    pytest.param(Row(fixed(), 401, 'Bearer scope="orders:read"', "/guarded/"), id="E22 a route that there is"),
    pytest.param(Row(fixed(), 401, 'Bearer scope="orders:read"', "/guarded/none"), id="E22 no such route"),
    pytest.param(Row(fixed(), 401, 'Bearer scope="orders:read"', "/guarded/", "DELETE"), id="E22 no such method"),
    pytest.param(Row(good(exp=1), 401, EXPIRED, "/guarded/none"), id="E22 no such route, and a bad token"),
    pytest.param(
        Row(fixed(), 401, 'Bearer scope="orders:read"', "/guarded/", "OPTIONS"), id="E21 OPTIONS without either field"
    ),
    pytest.param(
        Row(
            fixed(),
            401,
            'Bearer scope="orders:read"',
            "/guarded/",
            "OPTIONS",
            b"Origin: https://shop.example\r\n",
        ),
        id="E21 OPTIONS with Origin only",
    ),
    pytest.param(
        Row(
            fixed(),
            401,
            'Bearer scope="orders:read"',
            "/guarded/",
            "OPTIONS",
            b"Access-Control-Request-Method: GET\r\n",
        ),
        id="E21 OPTIONS with the method only",
    ),
    pytest.param(
        Row(fixed(), 401, 'Bearer scope="orders:read"', "/guarded/", "GET", PREFLIGHT), id="E21 another method"
    ),
]


@pytest.mark.parametrize("row", ROWS)
def test_a_refusal_is_answered_as_the_table_says(door: Door, forge: Forge, row: Row) -> None:
    """Status, one challenge, `no-store`, and a body that says the same."""
    answer = door.ask(*row.fields(forge), path=row.path, method=row.method, headers=row.headers)

    assert answer.status == row.status
    if row.server_may_refuse and answer.reason is None:
        return
    assert_refused(answer, row.challenge)


def assert_refused(answer: Answer, challenge: str | None) -> None:
    """What every refusal has in common."""
    assert answer.all("WWW-Authenticate") == ([] if challenge is None else [challenge])
    assert answer.all("Cache-Control") == ["no-store"]
    assert answer.all("Content-Type") == ["application/json"]
    if challenge is not None:
        stated = dict(part.split("=", 1) for part in challenge.removeprefix("Bearer").strip().split(", ") if part)
        expected = {name: stated[name].strip('"') for name in ("error", "error_description") if name in stated}
        assert answer.json == expected


@pytest.mark.parametrize("path", ["/private", "/optional"])
def test_a_token_that_was_served_before_is_read_no_less_suspiciously(door: Door, forge: Forge, path: str) -> None:
    """E3, E4: whoever remembers tokens still counts the fields, and looks at all of the value."""
    known = bearer(forge.token())
    assert door.ask(known, path=path).status == 200

    for fields in (
        (known, known),
        (known, b"Basic abc"),
        (b"Basic abc", known),
        (known, b"Bearer x"),
        (b"Bearer x", known),
        (known + b",",),
        (known + b", " + known,),
        (known.replace(b" ", b"\t"),),
        (known.replace(b" ", b" \t"),),
    ):
        assert_refused(door.ask(*fields, path=path), INVALID_REQUEST)


ALLOWED = [
    pytest.param(Row(good(), 200, None), id="E6 a good token"),
    pytest.param(Row(around(b"bEARER "), 200, None), id="E3 the scheme without case"),
    pytest.param(Row(around(b"Bearer    "), 200, None), id="E3 several spaces"),
    pytest.param(Row(good(scope="orders:list x orders:read"), 200, None, "/scoped"), id="E7 both scopes"),
    pytest.param(Row(good(scope="orders:write"), 200, None, "/choice"), id="E7 either scope"),
    pytest.param(Row(good(realm_access={"roles": ["x", "admin"]}), 200, None, "/role"), id="E8 the realm role"),
    pytest.param(
        Row(good(resource_access={"shop": {"roles": ["clerk"]}}), 200, None, "/client-role"), id="E8 the client role"
    ),
    pytest.param(Row(good(groups=["/staff"]), 200, None, "/claim"), id="E8 the claim's value"),
    pytest.param(Row(good(), 200, None, "/optional"), id="E20 a good token"),
    pytest.param(Row(good(), 200, None, "/guarded/"), id="E22 a good token"),
]


@pytest.mark.parametrize("row", ALLOWED)
def test_the_other_side_of_the_boundary(door: Door, forge: Forge, row: Row) -> None:
    """What is right is served, to whom the token says it is."""
    answer = door.ask(*row.fields(forge), path=row.path, method=row.method)

    assert (answer.status, answer.json) == (200, {"sub": "alice"})
    assert answer.all("WWW-Authenticate") == []


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param((), id="E20 no credentials"),
        pytest.param((b"",), id="E20 an empty field"),
        pytest.param((b"Basic dXNlcjpwYXNz",), id="E20 another scheme"),
        pytest.param((b'Digest username="a", realm="b"',), id="E20 another scheme, with commas"),
    ],
)
def test_an_optional_route_without_a_token_is_anonymous(door: Door, fields: tuple[bytes, ...]) -> None:
    """E20: 200, and nobody."""
    answer = door.ask(*fields, path="/optional")

    assert (answer.status, answer.json) == (200, {"sub": None})


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        pytest.param("/private?access_token={}", "", id="E5 query"),
        pytest.param("/private?Authorization=Bearer%20{}", "", id="E5 query, named as the field"),
        pytest.param("/private", "Cookie: access_token={0}; token={0}; Authorization={0}\r\n", id="E5 cookie"),
        pytest.param("/private", "X-Authorization: Bearer {}\r\n", id="E5 another field"),
        pytest.param("/private", "Proxy-Authorization: Bearer {}\r\n", id="E5 the proxy's field"),
    ],
)
def test_a_token_elsewhere_is_not_read(door: Door, forge: Forge, path: str, headers: str) -> None:
    """E5: as if it were not there (RFC 6750 sections 2.2 and 2.3)."""
    token = forge.token(key="ed25519", alg="EdDSA")
    answer = door.ask(path=path.format(token), headers=headers.format(token).encode())

    assert (answer.status, answer.reason) == (401, "missing")
    assert_refused(answer, BARE)


def test_a_token_in_a_form_is_not_read(doors: Doors) -> None:
    """E5: the body neither authorizes nor spoils a request (RFC 6750 section 2.2)."""
    form = f"access_token={doors.forge.token()}".encode()
    head = f"POST /optional HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {len(form)}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    said = [doors.served(name).exchange(head.encode() + form) for name in SERVERS]

    assert all(b" 200 " in answer.partition(b"\r\n")[0] for answer in said)
    assert all(answer.rstrip().endswith(b'{"sub":null}') for answer in said)


def test_white_space_at_the_end_of_a_field_is_not_part_of_it(doors: Doors) -> None:
    """RFC 9110 section 5.5: gunicorn takes it away, so it is not E3; Werkzeug leaves it, and then it is."""
    value = bearer(doors.forge.token()) + b" \t"

    assert doors["gunicorn"].ask(value).status == 200
    assert doors["werkzeug"].ask(value).status in {200, 400}


def test_a_folded_field_is_refused(doors: Doors) -> None:
    """E3: a value over two lines (RFC 9112 section 5.2) is one that two readers could disagree about."""
    value = b"Bearer " + doors.forge.token().encode() + b"\r\n x"

    assert {doors[name].ask(value).status for name in SERVERS} == {400}


# Keys that are not to be had


@pytest.mark.parametrize("path", ["/unreachable", "/optional/unreachable"], ids=["E17 never loaded", "E20b E17"])
def test_keys_that_were_never_loaded(door: Door, forge: Forge, path: str) -> None:
    """E17: 503, when to come back, and no challenge."""
    assert_unavailable(door.bearer(forge.token(), path))


def assert_unavailable(answer: Answer) -> None:
    """503 as the table has it."""
    assert answer.status == 503
    assert 1 <= int(answer.all("Retry-After")[0]) <= 30
    assert_refused(answer, None)
    assert answer.json == {
        "error": "temporarily_unavailable",
        "error_description": "The access token cannot be checked at the moment",
    }


def test_an_unknown_key_while_the_realm_cannot_be_asked(door: Door, forge: Forge) -> None:
    """E17: such a key may be good, so it is 503; a known one is served; with the realm back it is 401."""
    unknown = forge.token(key="attacker", kid="new")
    with forge.keys.down():
        assert_unavailable(door.bearer(unknown, "/fragile"))
        assert_unavailable(door.bearer(unknown, "/optional/fragile"))
        assert door.bearer(forge.token(), "/fragile").status == 200
    eventually(lambda: door.bearer(unknown, "/fragile").status == 401)

    assert_refused(door.bearer(unknown, "/fragile"), UNVERIFIABLE)


def test_keys_that_are_stale_beyond_the_limit(door: Door, forge: Forge) -> None:
    """E17: known keys too are 503 then, and 200 again when the realm is back."""
    good_token = forge.token()
    eventually(lambda: door.bearer(good_token, "/stale").status == 200)
    with forge.keys.down():
        eventually(lambda: door.bearer(good_token, "/stale").status == 503)
        assert_unavailable(door.bearer(good_token, "/stale"))
    eventually(lambda: door.bearer(good_token, "/stale").status == 200)


# A guarded application


def test_a_preflight_is_let_through(door: Door) -> None:
    """E21: a browser sends it without credentials; the framework answers with the methods, and the view nothing."""
    answer = door.ask(path="/guarded/", method="OPTIONS", headers=PREFLIGHT)

    assert answer.status in {200, 405}  # FastAPI has no OPTIONS of its own: that is for its CORSMiddleware
    assert answer.reason is None
    assert "POST" in answer.all("Allow")[0]
    assert b"sub" not in answer.body


def test_a_route_that_does_not_exist(door: Door, forge: Forge) -> None:
    """E22: who has a valid token learns that there is no such route; who has not, learns nothing."""
    inside = door.bearer(forge.token(), "/guarded/none")
    outside = door.ask(path="/guarded/none")

    assert inside.status == 404
    assert (outside.status, outside.body) == (401, door.ask(path="/guarded/").body)


# WebSockets

HANDSHAKE = (
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Origin: https://shop.example\r\n"
)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(Row(fixed(), 401, 'Bearer scope="orders:read"'), id="E1 no credentials"),
        pytest.param(Row(fixed(b"Bearer"), 400, INVALID_REQUEST), id="E3 Bearer alone"),
        pytest.param(Row(lambda forge: (bearer(forge.token()),) * 2, 400, INVALID_REQUEST), id="E4 two fields"),
        pytest.param(Row(good(exp=1), 401, EXPIRED), id="E6 expired"),
        pytest.param(Row(good(scope="x"), 403, insufficient("scope", "orders:read")), id="E7 without the scope"),
    ],
)
@pytest.mark.parametrize("server", ASGI_SERVERS)
def test_a_websocket_is_refused_before_it_is_opened(doors: Doors, forge: Forge, server: str, row: Row) -> None:
    """The handshake is answered as any other request, and never by 101."""
    answer = shake_hands(doors, server, *row.fields(forge))

    assert answer.status == row.status
    assert_refused(answer, row.challenge)


@pytest.mark.parametrize("server", ASGI_SERVERS)
def test_a_websocket_is_opened_by_the_field_only(doors: Doors, forge: Forge, server: str) -> None:
    """E5: a token in the query opens nothing."""
    token = forge.token()

    assert shake_hands(doors, server, bearer(token)).status == 101
    assert shake_hands(doors, server, path=f"/talk?access_token={token}").status == 401


def shake_hands(doors: Doors, server: str, *fields: bytes, path: str = "/talk") -> Answer:
    """The answer to a WebSocket's opening handshake (RFC 6455 section 4.1)."""
    return doors.served(server).ask(*fields, path=path, headers=HANDSHAKE)
