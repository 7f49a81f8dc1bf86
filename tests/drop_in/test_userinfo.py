import json

import pytest

from resource_protector.dev import DevRealm
from resource_protector.errors import Reason
from resource_protector.keycloak import KeycloakAuthenticationError, KeycloakConnectionError, KeycloakGetError
from tests.drop_in.drop_ins import BAD_TOKENS, SCOPE, WEB, Token, drop_in, original, outcome


def test_it_answers_as_the_original_and_the_roles(dev_realm: DevRealm) -> None:
    """A user's claims with the realm's values; the roles of the token are there as well, and nothing of its session."""
    token = dev_realm.token(user="alice", scope=SCOPE)
    ours, theirs = drop_in(dev_realm).userinfo(token), original(dev_realm).userinfo(token)

    assert isinstance(ours, dict)
    assert isinstance(theirs, dict)
    assert {name: ours[name] for name in theirs} == theirs
    assert set(ours) - set(theirs) == {"realm_access", "resource_access"}


def test_a_claim_of_the_realms_own_is_about_the_user(dev_realm: DevRealm) -> None:
    """What a mapper adds to the token is in the answer."""
    answer = drop_in(dev_realm).userinfo(dev_realm.mint(scope="openid", groups=["/staff"], department="sales"))

    assert isinstance(answer, dict)
    assert (answer["groups"], answer["department"]) == (["/staff"], "sales")
    assert not {"exp", "iat", "jti", "iss", "aud", "typ", "azp", "scope", "client_id", "clientHost"} & answer.keys()


@pytest.mark.parametrize(
    "bad", [pytest.param(token, id=name) for name, token in BAD_TOKENS.items() if name != "not ASCII"]
)
def test_a_bad_token_is_an_authentication_error(dev_realm: DevRealm, bad: Token) -> None:
    """401, as from the realm, with the reason as data and a body that holds a sentence."""
    token = bad(dev_realm)
    ours, theirs = (outcome(api.userinfo, token) for api in (drop_in(dev_realm), original(dev_realm)))

    assert (type(theirs).__name__, theirs.response_code) == ("KeycloakAuthenticationError", 401)
    assert isinstance(ours, KeycloakAuthenticationError)
    assert ours.response_code == 401
    assert ours.reason is not None
    assert ours.response_body is not None
    assert json.loads(ours.response_body)["error"] == "invalid_token"


def test_without_the_scope_openid_it_is_403(dev_realm: DevRealm) -> None:
    """As at the realm: the token is good, and was not issued for this."""
    token = dev_realm.token(user="alice", client=WEB, scope="test_api_access")
    ours, theirs = (outcome(api.userinfo, token) for api in (drop_in(dev_realm), original(dev_realm)))

    assert (type(theirs).__name__, theirs.response_code) == ("KeycloakGetError", 403)
    assert isinstance(ours, KeycloakGetError)
    assert (ours.response_code, ours.reason) == (403, Reason.INSUFFICIENT_SCOPE)


def test_keys_that_cannot_be_had_are_no_bad_token(dev_realm: DevRealm) -> None:
    """A KeycloakConnectionError, as where the original cannot ask."""
    token = dev_realm.mint(scope="openid")
    with dev_realm.down(), pytest.raises(KeycloakConnectionError):
        drop_in(dev_realm).userinfo(token)


def test_the_realm_is_not_asked(dev_realm: DevRealm) -> None:
    """Its keys are all that is fetched."""
    api, token = drop_in(dev_realm), dev_realm.mint(scope="openid")
    for _ in range(5):
        api.userinfo(token)

    assert dev_realm.requests == {"certs": 1}
