import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from resource_protector.dev import DevRealm
from resource_protector.keycloak import (
    KeycloakAuthenticationError,
    KeycloakConnectionError,
    KeycloakError,
    KeycloakGetError,
    KeycloakOpenID,
    KeycloakPostError,
)
from tests.dev import realms
from tests.drop_in.drop_ins import API, SCOPE, SECRET, WEB, drop_in, original, outcome, server_url
from tests.drop_in.relay import relaying
from tests.keys.provider import answering, talking

# Letters that a form, a URL or HTTP Basic would spoil if they were not encoded.
ODD_SECRET = "%41+ &=:;/?#é€\u2603\"'\\ "


def test_a_password_is_exchanged_for_tokens(dev_realm: DevRealm) -> None:
    """The answer has the members that the original's has, and its token is accepted here."""
    ours, theirs = (api.token("alice", "alice", scope=SCOPE) for api in both(dev_realm, WEB))

    assert ours.keys() == theirs.keys()
    assert drop_in(dev_realm).introspect(ours["access_token"])["username"] == "alice"


def test_a_client_gets_a_token_of_its_own(dev_realm: DevRealm) -> None:
    """By its id and secret in the form."""
    secret = dev_realm.clients["test_api_client"].secret
    api = drop_in(dev_realm, "test_api_client", secret, audience=API)
    answer = api.token(grant_type="client_credentials", scope="test_api_access")

    assert api.introspect(answer["access_token"])["client_id"] == "test_api_client"


@pytest.mark.parametrize("secret", [ODD_SECRET, "plain", "%2B", "+", "a&client_id=x"])
def test_every_character_of_a_secret_arrives(secret: str) -> None:
    """Also those that mean something in a form."""
    file = realms.file(realms.client("ap i%+&", secret=secret))
    with DevRealm(file) as realm:
        api = KeycloakOpenID(server_url(realm), realm.name, "ap i%+&", secret)
        answer = api.token(grant_type="client_credentials", scope="profile")

    assert answer["token_type"] == "Bearer"


def test_a_session_is_refreshed_and_ended(dev_realm: DevRealm) -> None:
    """New tokens for a refresh token, none after logout; logout answers an empty dict."""
    api = drop_in(dev_realm, WEB, None)
    first = api.token("alice", "alice")
    second = api.refresh_token(first["refresh_token"])
    ended = api.logout(second["refresh_token"])
    after = outcome(api.refresh_token, second["refresh_token"])

    assert second["access_token"] != first["access_token"]
    assert ended == {}
    assert isinstance(after, KeycloakPostError)
    assert after.response_code == 400


@pytest.mark.parametrize("name", ["well_known", "public_key", "certs"])
def test_a_document_is_the_originals(dev_realm: DevRealm, name: str) -> None:
    """Asked for anew each time, as it is."""
    ours, theirs = (getattr(api, name)() for api in both(dev_realm))

    assert ours == theirs
    assert ours


Call = Callable[[Any], Any]


@pytest.mark.parametrize(
    ("client", "secret", "call"),
    [
        pytest.param(WEB, None, lambda api: api.token("alice", "wrong"), id="wrong password"),
        pytest.param(WEB, None, lambda api: api.token("nobody", "wrong"), id="unknown user"),
        pytest.param(WEB, None, lambda api: api.token(), id="no user"),
        pytest.param(WEB, None, lambda api: api.token(None, None), id="no parameter"),
        pytest.param(WEB, None, lambda api: api.token("alice", "alice", scope="nope"), id="unknown scope"),
        pytest.param(WEB, None, lambda api: api.token("alice", "alice", grant_type="x"), id="unknown grant"),
        pytest.param(WEB, None, lambda api: api.token(grant_type="client_credentials"), id="public client"),
        pytest.param(API, "wrong", lambda api: api.token("alice", "alice"), id="wrong secret"),
        pytest.param("nobody", None, lambda api: api.token("alice", "alice"), id="unknown client"),
        pytest.param(WEB, None, lambda api: api.refresh_token("x"), id="bad refresh token"),
        pytest.param(WEB, None, lambda api: api.logout("x"), id="bad logout"),
    ],
)
def test_a_refusal_is_the_originals(dev_realm: DevRealm, client: str, secret: str | None, call: Call) -> None:
    """The same class by name, status, message and body."""
    ours, theirs = (outcome(call, api) for api in both(dev_realm, client, secret))
    names = ("response_code", "response_body", "error_message")

    assert isinstance(ours, KeycloakError)
    assert type(ours).__name__ == type(theirs).__name__
    assert [getattr(ours, name) for name in names] == [getattr(theirs, name) for name in names]


@pytest.mark.parametrize("name", ["well_known", "public_key", "certs"])
def test_a_realm_that_does_not_exist_is_404(dev_realm: DevRealm, name: str) -> None:
    """A KeycloakGetError as from the original, without advice about a path that there is not."""
    error = outcome(getattr(KeycloakOpenID(server_url(dev_realm), "nope", API), name))

    assert isinstance(error, KeycloakGetError)
    assert error.response_code == 404
    assert not hasattr(error, "__notes__")


@pytest.mark.parametrize("tail", ["/auth", "/auth/"])
def test_a_path_that_keycloak_no_longer_has_is_named(dev_realm: DevRealm, tail: str) -> None:
    """The first mistake of whoever comes from an old Keycloak: each way to notice it says what to write."""
    api = KeycloakOpenID(server_url(dev_realm) + tail, dev_realm.name, API)
    errors = [
        outcome(api.certs),
        outcome(api.decode_token, dev_realm.mint(iss=f"{server_url(dev_realm)}{tail.rstrip('/')}/realms/myorg")),
    ]

    with dev_realm.answer_500():
        other = outcome(api.certs)

    assert [type(error) for error in errors] == [KeycloakGetError, KeycloakConnectionError]
    assert not hasattr(other, "__notes__")
    assert all("leave it out" in error.__notes__[0] for error in errors)


@pytest.mark.parametrize("name", ["token", "certs", "well_known", "public_key"])
def test_nobody_there_is_a_connection_error(dev_realm: DevRealm, name: str) -> None:
    """As from the original; the message says where was asked, and holds no secret."""
    with dev_realm.down():
        ours, theirs = (outcome(getattr(api, name)) for api in both(dev_realm))

    assert type(ours).__name__ == type(theirs).__name__ == "KeycloakConnectionError"
    assert server_url(dev_realm) in str(ours)
    assert SECRET not in repr(ours)


@pytest.mark.parametrize("name", ["token", "certs", "well_known", "public_key"])
def test_what_is_no_keycloak_is_said(dev_realm: DevRealm, name: str) -> None:
    """A page of HTML with 200 is an error of the kind that the call raises."""
    with dev_realm.answer_html():
        error = outcome(getattr(drop_in(dev_realm), name))

    assert isinstance(error, KeycloakPostError if name == "token" else KeycloakGetError)
    assert "is server_url the address of a Keycloak?" in str(error)


def test_a_page_without_a_public_key_is_no_realm() -> None:
    """The sentence asks for the address, instead of a KeyError."""
    body = b'{"realm": "myorg"}'
    with talking(answering(f"HTTP/1.1 200 OK\nContent-Length: {len(body)}\nConnection: close", body)) as url:
        error = outcome(KeycloakOpenID(url.removesuffix("/certs"), "myorg", API).public_key)

    assert isinstance(error, KeycloakGetError)
    assert "is it the address of a realm?" in str(error)


def test_a_lone_surrogate_is_no_password(dev_realm: DevRealm) -> None:
    """A login form in JSON can hold one: that is a refused login, and not a failure."""
    error = outcome(drop_in(dev_realm, WEB, None).token, "alice", "\ud800")

    assert isinstance(error, KeycloakPostError)
    assert error.response_code == 400


def test_the_event_loop_goes_on(dev_realm: DevRealm) -> None:
    """While the realm keeps an `a_` call waiting, other coroutines run."""

    async def ticks_during(call: Any) -> int:
        task, ticks = asyncio.ensure_future(call), 0
        while not task.done():
            ticks += 1
            await asyncio.sleep(0.01)
        await task
        return ticks

    api = drop_in(dev_realm, WEB, None, audience=API)
    calls: list[Callable[[], Any]] = [
        lambda: api.a_token("alice", "alice"),
        api.a_certs,
        api.a_well_known,
        api.a_public_key,
        lambda: api.a_introspect(dev_realm.mint()),
    ]
    with dev_realm.stall(0.3):
        ticks = [asyncio.run(ticks_during(call())) for call in calls]

    assert min(ticks) > 5


def test_the_a_forms_answer_as_the_others(dev_realm: DevRealm) -> None:
    """Each of the nine, awaited; an exception arrives as well."""

    async def asked() -> list[Any]:
        api = drop_in(dev_realm, WEB, None, audience=API)
        first = await api.a_token("alice", "alice", scope=SCOPE)
        token = first["access_token"]
        second = await api.a_refresh_token(first["refresh_token"])
        answers = [await api.a_introspect(token) == api.introspect(token)]
        answers += [await api.a_decode_token(token) == api.decode_token(token)]
        answers += [await api.a_userinfo(token) == api.userinfo(token)]
        answers += [await api.a_certs() == api.certs(), await api.a_well_known() == api.well_known()]
        answers += [await api.a_public_key() == api.public_key(), await api.a_logout(second["refresh_token"]) == {}]
        with pytest.raises(KeycloakPostError):
            await api.a_token("alice", "wrong")
        with pytest.raises(KeycloakAuthenticationError):
            await api.a_userinfo("garbage")
        return answers

    assert asyncio.run(asked()) == [True] * 7


def test_no_cookie_goes_from_one_user_to_the_next(dev_realm: DevRealm) -> None:
    """Whatever the realm sets: one user's session there is none of another's."""
    with relaying(server_url(dev_realm)) as relay:  # it sets a cookie in each answer
        api = KeycloakOpenID(relay.url, dev_realm.name, WEB)
        for _ in range(2):
            api.token("alice", "alice")

    assert [seen.headers.get("Cookie") for seen in relay.seen] == [None, None]


def both(realm: DevRealm, client_id: str = API, secret: str | None = SECRET) -> tuple[Any, Any]:
    """Ours and theirs."""
    secret = None if client_id == WEB else secret
    return drop_in(realm, client_id, secret), original(realm, client_id, secret)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 100_000, id="nested without end"),
        pytest.param(b'{"a": "' + b"x" * 3_000_000 + b'"}', id="3 MB"),
    ],
)
def test_an_answer_that_nobody_should_read(body: bytes) -> None:
    """One of the exceptions that callers know, and no memory for it."""
    head = f"HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: {len(body)}\nConnection: close"
    with talking(answering(head, body)) as url:
        api = KeycloakOpenID(url.removesuffix("/certs"), "myorg", "orders-api", "s")
        for call in (api.well_known, api.certs, api.public_key, lambda: api.token("alice", "alice")):
            with pytest.raises(KeycloakError):
                call()
