from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from resource_protector.dev import DEMO_REALM_FILE, DevRealm, TokenRefused
from tests.dev import realms
from tests.dev.asking import API, INACTIVE, SCOPE, introspected, refresh, userinfo
from tests.keycloak import unverified
from tests.polling import Clock

Verb = Callable[[DevRealm], AbstractContextManager[object]]

ENDINGS: dict[str, Verb] = {
    "log_out": lambda realm: realm.log_out("alice"),
    "log_out by e-mail address": lambda realm: realm.log_out("Alice@example.com"),
    "disable_user": lambda realm: realm.disable_user("alice"),
    "disable_client": lambda realm: realm.disable_client("web"),
    "push_not_before": lambda realm: realm.push_not_before(),
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_a_token_ends_and_comes_back(dev_realm: DevRealm, ending: Verb) -> None:
    """At once the token is inactive, userinfo and refresh are refused; after the block all is as before."""
    tokens = dev_realm.token_response("web", "alice", SCOPE)
    with ending(dev_realm):
        assert introspected(dev_realm, tokens["access_token"]) == INACTIVE
        assert userinfo(dev_realm, tokens["access_token"]).status_code == 401
        assert refresh(dev_realm, tokens["refresh_token"]).status_code in (400, 401)

    assert introspected(dev_realm, tokens["access_token"])["active"] is True
    assert userinfo(dev_realm, tokens["access_token"]).status_code == 200
    assert refresh(dev_realm, tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("undo", ["heal", "undoing_changes"])
@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_all_is_undone_together(dev_realm: DevRealm, ending: Verb, undo: str) -> None:
    """What is not undone by its own block is undone with the faults."""
    token = dev_realm.token("web", "alice", SCOPE)
    if undo == "heal":
        ending(dev_realm)
        dev_realm.heal()
    else:
        with dev_realm.undoing_changes():
            ending(dev_realm)

    assert introspected(dev_realm, token)["active"] is True


def test_another_user_s_tokens_stay(dev_realm: DevRealm) -> None:
    """What is done to one user, client or session is done to no other."""
    bob = dev_realm.token("lightweight", "bob", SCOPE)
    alice = dev_realm.token("lightweight", "alice", SCOPE)
    later = dev_realm.token("lightweight", "alice", SCOPE)
    dev_realm.disable_client("web")
    with dev_realm.end_session(unverified.claims(alice)["sid"]):
        assert introspected(dev_realm, alice) == INACTIVE
        assert introspected(dev_realm, later)["active"] is True
    dev_realm.log_out("alice")
    dev_realm.disable_user("alice")

    assert introspected(dev_realm, later) == INACTIVE
    assert introspected(dev_realm, bob)["active"] is True


def test_one_of_two_blocks_ends(dev_realm: DevRealm) -> None:
    """Each change is undone for itself, in whatever order."""
    token = dev_realm.token("web", "alice", SCOPE)
    first, second = dev_realm.disable_user("alice"), dev_realm.disable_user("alice")
    with first:
        pass

    assert introspected(dev_realm, token) == INACTIVE
    with second:
        pass
    assert introspected(dev_realm, token)["active"] is True


def test_a_logout_ends_offline_tokens(dev_realm: DevRealm) -> None:
    """What outlives sessions is void after a logout, too: an offline token, and a service account's."""
    offline = dev_realm.token_response("web", "alice", f"{SCOPE} offline_access")
    service = dev_realm.token(scope=SCOPE)
    dev_realm.log_out("alice")
    dev_realm.log_out("service-account-test_api_client")

    assert introspected(dev_realm, offline["access_token"]) == INACTIVE
    assert introspected(dev_realm, service) == INACTIVE
    assert refresh(dev_realm, offline["refresh_token"]).json()["error_description"] == "Stale token"


def test_a_new_login_after_a_logout() -> None:
    """As of the next second, new tokens are good again."""
    clock = Clock(realms.NOW)
    with DevRealm(DEMO_REALM_FILE, now=clock) as realm:
        realm.log_out("alice")
        realm.push_not_before()
        clock.advance(1)

        assert introspected(realm, realm.token("web", "alice", SCOPE))["active"] is True


def test_who_is_disabled_gets_no_token(dev_realm: DevRealm) -> None:
    """Neither a disabled user nor a disabled client, nor the client of a disabled service account."""
    dev_realm.disable_user("alice")
    dev_realm.disable_user("service-account-test_api_client")
    dev_realm.disable_client("lightweight")
    for client, user in [("web", "alice"), ("test_api_client", None), ("lightweight", "bob")]:
        with pytest.raises(TokenRefused):
            dev_realm.token(client, user)


def test_a_service_account_that_the_file_does_not_name(dev_realm: DevRealm) -> None:
    """A service account whose user is made by the realm can be disabled like any other."""
    token = dev_realm.token("ps256", scope=SCOPE)
    dev_realm.disable_user("service-account-ps256")

    assert introspected(dev_realm, token) == INACTIVE


def test_roles(dev_realm: DevRealm) -> None:
    """A role that is taken or given shows in introspection at once, in tokens as of the next; `aud` stays."""
    token = dev_realm.token("web", "alice", "openid")
    with dev_realm.remove_role("alice", "writer", API), dev_realm.remove_role("alice", "reader"):
        dev_realm.add_role("alice", "admin")
        claims = introspected(dev_realm, token)
        renewed = unverified.claims(dev_realm.token("web", "alice", "openid"))

    assert API in claims["aud"]
    assert API not in claims["resource_access"]
    assert "admin" in claims["realm_access"]["roles"]
    assert "reader" not in claims["realm_access"]["roles"]
    assert renewed["realm_access"] == claims["realm_access"]
    assert introspected(dev_realm, token)["resource_access"][API] == {"roles": ["writer"]}


def test_composite_roles() -> None:
    """A role goes and comes with the roles inside it, but for those that another role brings as well."""
    roles = [
        {"name": "reader"},
        {"name": "writer"},
        {"name": "staff", "composites": {"realm": ["reader", "writer"]}},
        {"name": "guest", "composites": {"realm": ["reader"]}},
    ]
    user = realms.user(realmRoles=["staff", "guest", "unlisted"])
    with DevRealm(realms.file(roles={"realm": roles}, users=[user])) as realm:

        def names() -> set[str]:
            return set(unverified.claims(realm.token("api", "alice"))["realm_access"]["roles"])

        with realm.remove_role("alice", "staff"):
            assert names() == {"guest", "reader", "unlisted"}
            with realm.remove_role("alice", "guest"):
                assert names() == {"unlisted"}
                realm.add_role("alice", "staff")
                assert names() == {"unlisted", "staff", "reader", "writer"}


@pytest.mark.parametrize(
    ("verb", "sentence"),
    [
        (lambda realm: realm.log_out("carol"), "no user 'carol': write one of alice, bob, service-account-"),
        (lambda realm: realm.disable_user("carol"), "no user 'carol'"),
        (lambda realm: realm.disable_client("nope"), "no client 'nope': write one of dpop, "),
        (lambda realm: realm.end_session("nope"), "no session 'nope'"),
        (lambda realm: realm.remove_role("bob", "reader"), "'bob' was not given the role 'reader': write one of 'def"),
        (lambda realm: realm.remove_role("bob", "writer", API), "was not given the role 'writer' of client 'orders"),
        (lambda realm: realm.add_role("bob", "nope"), "no role 'nope': write one of "),
        (lambda realm: realm.add_role("bob", "nope", API), "no role 'nope' of client 'orders-api'"),
    ],
)
def test_a_name_that_is_not_there(dev_realm: DevRealm, verb: Verb, sentence: str) -> None:
    """An unknown name is refused, with those that there are."""
    with pytest.raises(ValueError, match=sentence):
        verb(dev_realm)


def test_a_realm_without_anybody() -> None:
    """Where there is nothing to choose from, the error says what to do."""
    with (
        DevRealm({"realm": "empty", "enabled": True}) as realm,
        pytest.raises(ValueError, match="those that you add to the realm file"),
    ):
        realm.disable_user("alice")
