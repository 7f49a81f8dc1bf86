from __future__ import annotations

import json
import pickle
import string
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests

from resource_protector.client import TokenEndpoint, TokenRequestFailed
from resource_protector.dev import DevRealm
from tests.client.api_server import ApiServer, Reply, api_server

CLIENT = "test_api_client"
SECRET = "fsQJIcU3Ze3ymaYSA6cxlHVIw0LDIDeY"
HUNTER = "hunter2/+"
METHODS = ("client_secret_basic", "client_secret_post")
# Every printable ASCII character, in two halves for a name of at most 255 bytes, and some beyond it.
NAMES = {
    "letters äöü ß": string.ascii_letters + string.digits + " ÄÖÜ€",
    "punctuation " + string.punctuation: "".join(reversed(string.punctuation)) + "日本 🔑",
    "100%41 a+b": "50%25+%2B more",
}
ODD_REALM = {
    "realm": "odd",
    "enabled": True,
    "clients": [
        {"clientId": name, "secret": secret, "enabled": True, "serviceAccountsEnabled": True}
        for name, secret in NAMES.items()
    ],
}


@pytest.fixture(scope="module")
def odd_realm() -> Iterator[DevRealm]:
    """A realm of clients whose ids and secrets need encoding."""
    with DevRealm(ODD_REALM) as realm:
        yield realm


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """A token endpoint that answers whatever it is told to."""
    with api_server(lambda _: Reply(200)) as server:
        yield server


def endpoint(server: ApiServer, secret: Any = HUNTER, **options: Any) -> TokenEndpoint:
    """The client `me` of a realm there."""
    return TokenEndpoint(server.url("/realms/r"), "me", secret, **options)


def failure(realm: TokenEndpoint, scope: str | None = None) -> TokenRequestFailed:
    """What a request for the client's own token raises."""
    with pytest.raises(TokenRequestFailed) as raised:
        realm.client_credentials(scope)
    return raised.value


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NAMES, ids=["letters", "punctuation", "percent"])
def test_ids_and_secrets_of_any_characters(odd_realm: DevRealm, name: str, method: Any) -> None:
    """Percent-encoded before Base64 (RFC 6749 section 2.3.1), form-encoded in the form."""
    issued = TokenEndpoint(odd_realm.issuer, name, NAMES[name], auth_method=method).client_credentials()

    assert issued.access_token
    assert issued.expires_in == 300


def test_where_the_secret_stands(server: ApiServer) -> None:
    """In the header or in the form, never in both."""
    for method in METHODS:
        failure(endpoint(server, auth_method=method))
    basic, post = (parse_qs(seen.body.decode()) for seen in server.seen)

    assert server.tokens == ["Basic bWU6aHVudGVyMiUyRiUyQg==", None]
    assert basic == {"grant_type": ["client_credentials"]}
    assert post == {"grant_type": ["client_credentials"], "client_id": ["me"], "client_secret": ["hunter2/+"]}


@pytest.mark.parametrize(
    ("scope", "sent"),
    [
        (None, None),
        ("", None),
        (" ", None),
        ([], None),
        ("a", "a"),
        (" a  b ", "a b"),
        (["a", "b"], "a b"),
    ],
)
def test_scopes(server: ApiServer, scope: Any, sent: str | None) -> None:
    """A string or a list; none at all is left out, for Keycloak refuses an empty one."""
    failure(endpoint(server), scope)

    assert parse_qs(server.seen[0].body.decode()).get("scope") == (None if sent is None else [sent])


def test_a_secret_that_is_looked_up_each_time(dev_realm: DevRealm) -> None:
    """A secret that was changed is used from the next request on."""
    secrets = iter(["stale", SECRET])
    realm = TokenEndpoint(dev_realm.issuer, CLIENT, lambda: next(secrets))

    assert failure(realm).error == "unauthorized_client"
    assert realm.client_credentials().access_token


def test_a_secret_that_cannot_be_had(server: ApiServer) -> None:
    """The vault's own error is the cause; the realm is not asked."""
    vault = ConnectionError("vault: hunter2")

    def ask_the_vault() -> str:
        raise vault

    unreachable, empty = failure(endpoint(server, ask_the_vault)), failure(endpoint(server, lambda: ""))

    assert unreachable.__cause__ is vault
    assert "client_secret raised ConnectionError" in str(unreachable)
    assert "hunter2" not in str(unreachable)
    assert "what client_secret returned is empty" in str(empty)
    assert server.seen == []


def test_token_url(dev_realm: DevRealm) -> None:
    """Where another provider has its endpoint, or another address leads to the same realm."""
    realm = TokenEndpoint(
        "https://sso.example.com/realms/public",
        CLIENT,
        SECRET,
        token_url=f"{dev_realm.issuer}/protocol/openid-connect/token",
    )

    assert realm.client_credentials().access_token


def test_a_users_token(dev_realm: DevRealm) -> None:
    """By his password, also for a public client, which has no secret to send."""
    realm = TokenEndpoint(dev_realm.issuer, "web")
    with pytest.raises(TokenRequestFailed, match="password of user 'bob'"):
        realm.password("bob", "hunter2")

    assert realm.password("alice", "alice", "openid").access_token


def test_an_exchange(server: ApiServer) -> None:
    """RFC 8693 section 2.1, as Keycloak wants it."""
    server.answer = lambda _: Reply(200, {}, b'{"access_token": "new", "expires_in": 300, "scope": "a"}')
    issued = endpoint(server).exchange("old", audience="stock-api", scope="stock:read")
    endpoint(server).exchange("old")
    first, second = (parse_qs(seen.body.decode()) for seen in server.seen)

    assert (issued.access_token, issued.expires_in, issued.scope) == ("new", 300.0, "a")
    assert first == second | {"audience": ["stock-api"], "scope": ["stock:read"]}
    assert second == {
        "grant_type": ["urn:ietf:params:oauth:grant-type:token-exchange"],
        "subject_token": ["old"],
        "subject_token_type": ["urn:ietf:params:oauth:token-type:access_token"],
        "requested_token_type": ["urn:ietf:params:oauth:token-type:access_token"],
    }


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        pytest.param(
            b'{"error": "invalid_request", "error_description": "Invalid token"}',
            "the token to be exchanged has expired",
            id="expired",
        ),
        pytest.param(
            b'{"error": "access_denied", "error_description": "Client is not within the token audience"}',
            "not meant for client 'me'",
            id="audience of the caller's token",
        ),
        pytest.param(
            b'{"error": "invalid_client", "error_description": "Audience not found"}',
            "the realm has no client 'stock-api'",
            id="no such audience",
        ),
        pytest.param(
            b'{"error": "unsupported_grant_type"}',
            "no grant of the type 'urn:ietf:params:oauth:grant-type:token-exchange'",
            id="a server that knows no exchange",
        ),
    ],
)
def test_an_exchange_that_is_refused(server: ApiServer, body: bytes, advice: str) -> None:
    """Keycloak's words for it, and what to change; the caller's token is in none of them."""
    server.answer = lambda _: Reply(400, {}, body)
    with pytest.raises(TokenRequestFailed) as raised:
        endpoint(server).exchange("callers-token", audience="stock-api")

    assert advice in raised.value.advice
    assert "callers-token" not in str(raised.value)


# Refusals


REFUSALS = [
    pytest.param(CLIENT, "wrong", None, "unauthorized_client", 401, "check the secret of client", id="wrong secret"),
    pytest.param("nobody", "x", None, "invalid_client", 401, "no client 'nobody' in this realm", id="unknown client"),
    pytest.param(CLIENT, SECRET, "nope", "invalid_scope", 400, "scope 'nope' is not assigned", id="unknown scope"),
    pytest.param(
        "orders-api", "orders-api-secret", None, "unauthorized_client", 401, "'Service account roles'", id="no account"
    ),
    pytest.param("web", "x", None, "unauthorized_client", 401, "'Client authentication'", id="public client"),
    pytest.param("dpop", "dpop-secret", None, "invalid_request", 400, "bound to a key", id="DPoP-bound"),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("client", "secret", "scope", "error", "status", "advice"), REFUSALS)
def test_a_refusal(
    dev_realm: DevRealm, client: str, secret: str, scope: str | None, error: str, status: int, advice: str, method: Any
) -> None:
    """The realm's own words and status, and what to change."""
    failed = failure(TokenEndpoint(dev_realm.issuer, client, secret, auth_method=method), scope)

    assert (failed.error, failed.status_code) == (error, status)
    assert failed.error_description
    assert advice in failed.advice
    assert str(failed.error) in str(failed)
    assert failed.advice in str(failed)


def test_a_disabled_client(dev_realm: DevRealm) -> None:
    """Keycloak says of it what it says of an unknown one; the advice names both."""
    with dev_realm.disable_client(CLIENT):
        failed = failure(TokenEndpoint(dev_realm.issuer, CLIENT, SECRET))

    assert failed.error == "invalid_client"
    assert "or it is switched off" in failed.advice


def test_the_realm_is_away(dev_realm: DevRealm) -> None:
    """The address that was tried, from the error of the network."""
    with dev_realm.down():
        failed = failure(TokenEndpoint(dev_realm.issuer, CLIENT, SECRET))

    assert f"Nothing answers at {dev_realm.issuer}/protocol/openid-connect/token" in str(failed)
    assert isinstance(failed.__cause__, requests.ConnectionError)
    assert (failed.error, failed.status_code) == (None, None)


def test_a_realm_that_does_not_answer_is_given_up(dev_realm: DevRealm) -> None:
    """Nobody waits for a stalled realm for ever."""
    realm = TokenEndpoint(dev_realm.issuer, CLIENT, SECRET, timeout_seconds=0.1)
    with dev_realm.stall(30):
        failed = failure(realm)

    assert "did not answer within 0.1 seconds" in str(failed)


def test_a_host_without_tls(dev_realm: DevRealm) -> None:
    """https to a port that speaks http is said to be a matter of certificates."""
    realm = TokenEndpoint(dev_realm.issuer.replace("http:", "https:"), CLIENT, SECRET)

    assert "REQUESTS_CA_BUNDLE" in failure(realm).advice


def test_a_proxy_that_is_away(server: ApiServer) -> None:
    """It is the proxy that is to be looked at, and not the realm."""
    with requests.Session() as session:
        session.proxies = {"http": "http://127.0.0.1:9"}
        failed = failure(endpoint(server, session=session))

    assert "The proxy on the way to" in failed.advice
    assert server.seen == []


def test_an_answer_that_breaks_off(server: ApiServer) -> None:
    """The network fails in the middle of the body."""
    server.answer = lambda _: Reply(200, {"Content-Length": "100", "Connection": "close"}, b"{")

    assert "broke off its answer" in failure(endpoint(server)).advice


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        pytest.param(Reply(200, {}, b"<html>"), "answered 200 and no token", id="HTML"),
        pytest.param(Reply(200, {}, b"[" * 100_000), "answered 200 and no token", id="deep JSON"),
        pytest.param(Reply(200, {}, b" " * (2 << 20) + b"{}"), "answered 200 and no token", id="two megabytes"),
        pytest.param(Reply(200, {}, b'{"access_token": 1}'), "answered 200 and no token", id="a number"),
        pytest.param(Reply(200, {}, b'{"access_token": "a\\nb"}'), "answered 200 and no token", id="two lines"),
        pytest.param(
            Reply(200, {}, b'{"access_token": "a", "token_type": "DPoP"}'), "no bearer tokens", id="another type"
        ),
        pytest.param(Reply(302, {"Location": "/elsewhere"}), "answered 302 and no token", id="a redirect"),
        pytest.param(Reply(404, {}, b'{"error": "Realm does not exist"}'), "There is no realm at", id="no realm"),
        pytest.param(Reply(500), "answered 500 and no token", id="a server error"),
        pytest.param(Reply(400, {}, b'{"error": "x\\u001b[2J\\ny"}'), "(x?[2J?y)", id="an error with an escape"),
        pytest.param(Reply(400, {}, b'{"error": "x_y"}'), "the realm's events", id="an error of nobody's"),
        pytest.param(Reply(400, {}, b'{"error": 1}'), "answered 400 and no token", id="an error that is none"),
        pytest.param(Reply(403, {}, b'{"error": "access_denied"}'), "the realm is switched off", id="disabled realm"),
    ],
)
def test_an_odd_answer(server: ApiServer, reply: Reply, expected: str) -> None:
    """Whatever answers, the message is one printable line, and no redirect is followed with the secret."""
    server.answer = lambda _: reply
    failed = failure(endpoint(server))

    assert expected in str(failed)
    assert str(failed).isprintable()
    assert failed.status_code == reply.status
    assert len(server.seen) == 1


def test_retry_after(server: ApiServer) -> None:
    """What the server says is passed on."""
    server.answer = lambda _: Reply(503, {"Retry-After": "7"})

    assert failure(endpoint(server)).retry_after_seconds == 7


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("300", 300.0),
        ("-5", None),
        (-5, None),
        (True, None),
        ("soon", None),
        (1e308, 10 * 366 * 86_400.0),
        (None, None),
    ],
)
def test_expires_in(server: ApiServer, value: object, expected: float | None) -> None:
    """A number, or one in a string; what is neither is as good as nothing."""
    server.answer = lambda _: Reply(200, {}, json.dumps({"access_token": "a", "expires_in": value}).encode())

    assert endpoint(server).client_credentials().expires_in == expected


# Secrets


def everything_about(error: BaseException | None) -> Iterator[str]:
    """What could be printed of an error and its causes, with their attributes and those of what they hold."""
    while error is not None:
        yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
        sent = getattr(error, "request", None)
        yield repr(vars(sent)) if sent is not None else ""
        error = error.__cause__


@pytest.mark.parametrize("method", METHODS)
def test_no_secret_in_an_error(server: ApiServer, method: Any) -> None:
    """Not where the realm repeats it, and not in the request that an error of the network holds."""
    secret = "hunter2/+geheim"
    server.answer = lambda seen: Reply(
        400, {}, b'{"error": "invalid_grant", "error_description": "hunter2/+geheim hunter2%2F%2Bgeheim"}'
    )
    echoed = failure(endpoint(server, secret, auth_method=method))
    nobody = failure(TokenEndpoint("http://127.0.0.1:9/realms/r", "me", secret, auth_method=method))
    realm = endpoint(server, secret)

    assert echoed.error_description == "... ..."
    for text in (*everything_about(echoed), *everything_about(nobody), repr(realm), str(realm)):
        assert "geheim" not in text


def test_a_failure_travels_between_processes() -> None:
    """Pickled and unpickled it says the same."""
    failed = TokenRequestFailed("Do this.", error="e", error_description="d", status_code=400, retry_after_seconds=3)
    copy = pickle.loads(pickle.dumps(failed))  # noqa: S301 - our own

    assert str(copy) == str(failed) == "The realm refused (e: d): Do this."
    assert vars(copy) == vars(failed)


# What cannot be used


@pytest.mark.parametrize(
    ("arguments", "options", "expected"),
    [
        pytest.param(("myorg", "me", "s"), {}, "no scheme", id="no scheme"),
        pytest.param(("http://sso.example.com/realms/r", "me", "s"), {}, "is plain http", id="plain http"),
        pytest.param(("https://h/realms/r", "", "s"), {}, "client_id is empty", id="no client"),
        pytest.param(("https://h/realms/r", "me", ""), {}, "client_secret is empty", id="an empty secret"),
        pytest.param(("https://h/realms/r", "me", b"hunter2"), {}, "client_secret is bytes", id="bytes"),
        pytest.param(("https://h/realms/r", "me", "hunter2\ud800"), {}, "half a character", id="a surrogate"),
        pytest.param(
            ("https://h/realms/r", "me", "s"), {"auth_method": "basic"}, "write 'client_secret_basic'", id="method"
        ),
        pytest.param(
            ("https://h/realms/r", "me", "s"),
            {"token_url": "http://h/token"},
            "token_url 'http://h/token' is plain http",
            id="token_url",
        ),
        pytest.param(("https://h/realms/r", "me", "s"), {"timeout_seconds": 0}, "timeout_seconds is 0", id="no time"),
    ],
)
def test_what_cannot_be_used(arguments: tuple[Any, ...], options: Mapping[str, Any], expected: str) -> None:
    """It is said when it is written, without the secret."""
    with pytest.raises(ValueError, match=expected) as raised:
        TokenEndpoint(*arguments, **options)

    assert "hunter2" not in str(raised.value)


def test_scopes_that_are_none(server: ApiServer) -> None:
    """A list of numbers is no list of scopes."""
    with pytest.raises(ValueError, match="write the scopes in one string"):
        endpoint(server).client_credentials([1])  # type: ignore[list-item]  # the mistake
