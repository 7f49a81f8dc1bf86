import asyncio
from typing import Any

import pytest

from resource_protector.dev import DevRealm
from resource_protector.keycloak import (
    JWException,
    JWTExpired,
    KeycloakAuthenticationError,
    KeycloakConnectionError,
    KeycloakOpenID,
)
from tests.drop_in.drop_ins import BAD_TOKENS, SCOPE, drop_in, original, outcome
from tests.keys.provider import answering, talking

METHODS = ("introspect", "decode_token", "userinfo")


def test_without_it_there_is_no_report(dev_realm: DevRealm) -> None:
    """Offline alone: nothing is compared."""
    assert drop_in(dev_realm).shadow is None


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", [*BAD_TOKENS, "good"])
def test_online_decides_exactly_as_the_original(dev_realm: DevRealm, method: str, name: str) -> None:
    """What the caller gets is what the original answers: the same value, or an exception of the same kin."""
    token = dev_realm.token(user="alice", scope=SCOPE) if name == "good" else BAD_TOKENS[name](dev_realm)
    ours = outcome(getattr(drop_in(dev_realm, shadow="online", audience="wrong"), method), token)
    theirs = outcome(getattr(original(dev_realm), method), token)

    if not isinstance(theirs, Exception):
        assert ours == theirs
    elif method == "decode_token":
        assert isinstance(ours, JWException)
    elif name == "not ASCII":  # which no header can carry, so that the original fails before it asks
        assert isinstance(ours, KeycloakAuthenticationError)
    else:
        assert (type(ours).__name__, str(ours)) == (type(theirs).__name__, str(theirs))


def test_a_wrong_audience_is_every_disagreement(dev_realm: DevRealm) -> None:
    """A mixed load with `audience` misspelt: nobody is refused for it, and the report names it each time."""
    api = drop_in(dev_realm, shadow="online", audience="order-api")
    good = dev_realm.token(user="alice", scope=SCOPE)
    for token in (good, *(make(dev_realm) for name, make in BAD_TOKENS.items())):
        for method in METHODS:
            outcome(getattr(api, method), token)
    assert api.shadow is not None
    report = api.shadow.report()

    assert report.requests == 3 * (1 + len(BAD_TOKENS))
    assert report.disagreements == {"audience": 3}
    assert report.agreements == report.requests - 3


def test_a_right_configuration_has_no_disagreement(dev_realm: DevRealm) -> None:
    """The report that an operator waits for: nothing differs, in any method."""
    api = drop_in(dev_realm, shadow="online")
    good = dev_realm.token(user="alice", scope=SCOPE)
    for token in (good, dev_realm.mint("expired"), dev_realm.mint("key"), "garbage"):
        for method in METHODS:
            outcome(getattr(api, method), token)
    assert api.shadow is not None

    assert api.shadow.report().disagreements == {}
    assert api.shadow.report().agreements == 12


def test_decode_token_is_compared_with_what_it_was(dev_realm: DevRealm) -> None:
    """It never asked for audience or kind, and let 60 seconds pass: as before, and the report says what will change."""
    api = drop_in(dev_realm, shadow="online")
    tokens = [dev_realm.mint("audience"), dev_realm.mint("id_token")]
    decoded = [api.decode_token(token) for token in tokens]
    assert api.shadow is not None

    assert decoded == [original(dev_realm).decode_token(token) for token in tokens]
    assert api.shadow.report().disagreements == {"audience": 1, "token_type": 1}


@pytest.mark.parametrize(("leeway", "accepted"), [({}, True), ({"leeway": 0}, False)])
def test_online_decode_token_has_the_leeway_of_the_original(
    dev_realm: DevRealm, leeway: dict[str, Any], accepted: bool
) -> None:
    """60 seconds unless the call names others."""
    token = dev_realm.mint()
    exp = original(dev_realm).decode_token(token)["exp"]
    api = drop_in(dev_realm, shadow="online", now=lambda: exp + 50)

    assert isinstance(outcome(api.decode_token, token, **leeway), dict) is accepted


def test_online_decode_token_wants_a_date_for_exp(dev_realm: DevRealm) -> None:
    """As jwcrypto does."""
    api = drop_in(dev_realm, shadow="online")

    assert isinstance(outcome(api.decode_token, dev_realm.mint(exp="never")), JWException)


def test_userinfo_that_the_realm_signs_is_heard_as_it_is() -> None:
    """Bytes, as from the original."""
    head = "HTTP/1.1 200 OK\nContent-Type: application/jwt\nContent-Length: 5\nConnection: close"
    with talking(answering(head, b"a.b.c")) as url:
        api = KeycloakOpenID(url.removesuffix("/certs"), "myorg", "orders-api", shadow="online")

        assert api.userinfo("token") == b"a.b.c"


def test_a_logout_is_a_difference(dev_realm: DevRealm) -> None:
    """What offline cannot know shows up as `inactive`; turned round, the offline answer counts."""
    token = dev_realm.token(user="alice", scope=SCOPE)
    online, offline = (drop_in(dev_realm, shadow=side) for side in ("online", "offline"))
    with dev_realm.log_out("alice"):
        answers = [api.introspect(token)["active"] for api in (online, offline)]

    assert answers == [False, True]
    assert [api.shadow.report().disagreements for api in (online, offline) if api.shadow] == [{"inactive": 1}] * 2


def test_offline_decides_when_it_is_turned_round(dev_realm: DevRealm) -> None:
    """The realm is asked beside it, and its failing hurts nobody."""
    api = drop_in(dev_realm, shadow="offline")
    good, expired = dev_realm.mint(scope="openid"), dev_realm.mint("expired")
    api.introspect(good)
    with dev_realm.down():
        answers = [
            api.introspect(good),
            api.introspect(expired),
            outcome(api.decode_token, expired),
            api.userinfo(good),
        ]
    assert api.shadow is not None

    assert [answers[0]["active"], answers[1]] == [True, {"active": False}]
    assert isinstance(answers[2], JWTExpired)
    assert api.shadow.report().unavailable == {"online": 4, "offline": 0}


def test_online_says_that_nobody_can_be_asked(dev_realm: DevRealm) -> None:
    """As before: an exception, and nothing is compared."""
    api = drop_in(dev_realm, shadow="online")
    with dev_realm.down():
        errors = [outcome(getattr(api, method), dev_realm.mint()) for method in METHODS]
    assert api.shadow is not None

    assert [type(error) for error in errors] == [KeycloakConnectionError] * 3
    assert api.shadow.report().unavailable["online"] == 3


def test_the_a_forms_are_compared_as_well(dev_realm: DevRealm) -> None:
    """Each asks the realm once, in a thread, and agrees."""

    async def asked(api: KeycloakOpenID, token: str) -> None:
        await api.a_introspect(token)
        await api.a_decode_token(token)
        await api.a_userinfo(token)

    api = drop_in(dev_realm, shadow="online")
    asyncio.run(asked(api, dev_realm.token(user="alice", scope=SCOPE)))
    assert api.shadow is not None

    assert api.shadow.report().agreements == 3
    assert (dev_realm.requests["introspection"], dev_realm.requests["userinfo"]) == (1, 1)
