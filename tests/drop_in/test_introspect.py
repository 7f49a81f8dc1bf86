import logging
import threading
from typing import Any

import pytest

from resource_protector.dev import DevRealm
from resource_protector.errors import KeysUnavailable, Reason
from resource_protector.keycloak import KeycloakConnectionError, KeycloakRPTNotFound
from tests.drop_in.drop_ins import API, BAD_TOKENS, LET_PASS_BY_DECODE, SCOPE, Token, drop_in, original

# What the realm calls active, and nobody else can accept as an access token.
WRONG = {name: make for name, make in {**BAD_TOKENS, **LET_PASS_BY_DECODE}.items() if name != "ID token"}


def test_a_good_token_is_answered_as_by_the_original(dev_realm: DevRealm) -> None:
    """A user's token: the same members with the same values, claim by claim."""
    token = dev_realm.token(user="alice", scope=SCOPE)
    ours, theirs = drop_in(dev_realm).introspect(token), original(dev_realm).introspect(token)

    assert ours == theirs
    assert ours["active"] is True


def test_a_service_account_has_two_claims_more_than_introspection_tells(dev_realm: DevRealm) -> None:
    """Where a service account logged in from is in its token, and not in what the realm answers; all else is equal."""
    token = dev_realm.token(scope="test_api_access")
    ours, theirs = drop_in(dev_realm).introspect(token), original(dev_realm).introspect(token)

    assert set(ours) - set(theirs) == {"clientHost", "clientAddress"}
    assert {name: ours[name] for name in theirs} == theirs


@pytest.mark.parametrize("bad", [pytest.param(token, id=name) for name, token in WRONG.items()])
def test_a_bad_token_is_exactly_inactive(dev_realm: DevRealm, bad: Token) -> None:
    """Whatever is wrong with it: one member, as from the realm, and no exception."""
    token = bad(dev_realm)
    answers = [api.introspect(token) for api in (drop_in(dev_realm), original(dev_realm))]

    assert answers == [{"active": False}, {"active": False}]


def test_an_id_token_is_inactive(dev_realm: DevRealm) -> None:
    """Keycloak calls it active to the client that it was issued to; it is for that client, and not for an API."""
    token = dev_realm.mint("id_token")
    answers = [api.introspect(token)["active"] for api in (drop_in(dev_realm), original(dev_realm))]

    assert answers == [False, True]


def test_a_lightweight_token_is_completed_by_the_realm(dev_realm: DevRealm) -> None:
    """What it leaves out only the realm can add: one question for many requests, with the secret, and none without."""
    token = dev_realm.token("lightweight", "alice", "test_api_access")
    theirs = original(dev_realm).introspect(token)
    dev_realm.requests.clear()
    api = drop_in(dev_realm)
    mine = [api.introspect(token) for _ in range(3)]

    assert mine == [theirs] * 3
    assert api.decode_token(token)["resource_access"]["orders-api"]["roles"] == ["writer"]
    assert dev_realm.requests["introspection"] == 1
    assert drop_in(dev_realm, secret=None).introspect(token) == {"active": False}
    assert dev_realm.requests["introspection"] == 1


@pytest.mark.parametrize("value", [None, 7, b"bytes", "\ud800", "a" * 100_000])
def test_what_is_no_token_is_inactive(dev_realm: DevRealm, value: Any) -> None:
    """Not even a string: still no exception."""
    assert drop_in(dev_realm).introspect(value) == {"active": False}


def test_a_token_of_the_api_itself_is_named(dev_realm: DevRealm) -> None:
    """`client_id` is the claim or `azp`, `username` is `preferred_username`; what the token lacks is left out."""
    api = drop_in(dev_realm)
    by_claim = api.introspect(dev_realm.mint(client_id="one", azp="two", preferred_username="anna"))
    by_azp = api.introspect(dev_realm.mint(client_id=None, azp="two"))
    neither = api.introspect(dev_realm.mint(client_id=None, azp=None, preferred_username=None))

    assert (by_claim["client_id"], by_claim["username"], by_claim["token_type"]) == ("one", "anna", "Bearer")
    assert by_azp["client_id"] == "two"
    assert not {"client_id", "username"} & neither.keys()


@pytest.mark.parametrize("scope", ["", " "])
def test_a_blank_scope_is_left_out(dev_realm: DevRealm, scope: str) -> None:
    """RFC 7662 knows no empty scope, and Keycloak does not answer one."""
    assert "scope" not in drop_in(dev_realm).introspect(dev_realm.mint(scope=scope))


def test_the_answer_is_the_callers_own(dev_realm: DevRealm) -> None:
    """Plain dicts and lists all the way down, which may be changed without changing the next answer."""
    api, token = drop_in(dev_realm), dev_realm.mint(aud=[API, "account"])
    answer = api.introspect(token)
    answer["realm_access"]["roles"].append("admin")
    answer["aud"].clear()
    again = api.introspect(token)

    assert {type(answer), type(answer["realm_access"]), type(answer["aud"])} == {dict, list}
    assert "admin" not in again["realm_access"]["roles"]
    assert API in again["aud"]


def test_the_realm_is_asked_for_its_keys_alone(dev_realm: DevRealm) -> None:
    """A hundred tokens in eight threads, good and bad: one request for the keys, one reload for the unknown key."""
    api = drop_in(dev_realm)
    good, bad = dev_realm.mint(), [bad(dev_realm) for bad in WRONG.values()]
    answers: list[bool] = []

    def work() -> None:
        answers.extend(api.introspect(token)["active"] for token in [good, *bad] for _ in range(2))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers.count(True) == 16
    assert answers.count(False) == 16 * len(bad)
    assert set(dev_realm.requests) == {"certs"}
    assert dev_realm.requests["certs"] <= 2


def test_keys_that_cannot_be_had_are_an_exception(dev_realm: DevRealm) -> None:
    """Nobody can say whether the token is good, so nobody says that it is not."""
    api, token = drop_in(dev_realm), dev_realm.mint()
    with dev_realm.down(), pytest.raises(KeycloakConnectionError) as raised:
        api.introspect(token)

    assert raised.value.reason is Reason.KEYS_UNAVAILABLE
    assert isinstance(raised.value.__cause__, KeysUnavailable)
    assert raised.value.retry_after_seconds == 1
    assert raised.value.response_code is None
    assert f"{dev_realm.issuer}/protocol/openid-connect/certs" in str(raised.value)


@pytest.mark.parametrize(
    "arguments", [("", "rpt"), ("", "rpt", "requesting_party_token"), ("", None, "requesting_party_token")]
)
def test_a_requesting_party_token_raises(dev_realm: DevRealm, arguments: tuple[Any, ...]) -> None:
    """What it permits only the realm knows: the exception says who can ask."""
    with pytest.raises(KeycloakRPTNotFound, match=r"introspect\(\) of python-keycloak"):
        drop_in(dev_realm).introspect(*arguments)


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "anything"])
def test_another_hint_changes_nothing(dev_realm: DevRealm, hint: str) -> None:
    """A hint is a hint (RFC 7662 section 2.1)."""
    assert drop_in(dev_realm).introspect(dev_realm.mint(), token_type_hint=hint)["active"] is True


def test_a_logout_is_not_known(dev_realm: DevRealm) -> None:
    """The one difference that matters: the realm knows of a logout at once, the token until it expires."""
    token = dev_realm.token(user="alice", scope=SCOPE)
    api = drop_in(dev_realm)
    with dev_realm.log_out("alice"):
        answers = [api.introspect(token)["active"], original(dev_realm).introspect(token)["active"]]

    assert answers == [True, False]


def test_a_refusal_is_logged_with_its_reason(dev_realm: DevRealm, caplog: pytest.LogCaptureFixture) -> None:
    """`{"active": False}` says nothing; the log says what to do."""
    with caplog.at_level(logging.WARNING, "resource_protector"):
        drop_in(dev_realm).introspect(dev_realm.mint("audience"))

    assert [record.__dict__["reason"] for record in caplog.records] == ["audience"]
    assert "Audience" in caplog.text
