"""Every kind of token that the realm files can give: accepted, or refused with the right reason."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from resource_protector import AccessToken, RealmTokenValidator, Reason, TokenRejected
from tests.keycloak import dpop, older_versions, realm_file, unverified
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.realm import Realm

API = "orders-api"
SCOPE = "test_api_access"

Get = Callable[[Realm], str]


def access(client: str, user: str | None = None, scope: str | None = None) -> Get:
    """How to get an access token."""
    return lambda realm: realm.token(client, user=user, scope=scope)


def other(member: str, scope: str) -> Get:
    """How to get another token of a user's token response."""
    return lambda realm: str(realm.tokens("web", user="alice", scope=scope)[member])


ACCEPTED = [
    pytest.param(access("test_api_client", scope=SCOPE), id="service account with the scope"),
    pytest.param(access("web", "alice"), id="user with a client role of the API"),
    pytest.param(access("web", "alice", f"openid {SCOPE}"), id="user with openid and the scope"),
    pytest.param(access("web", "bob", SCOPE), id="user with the scope"),
    pytest.param(access("web", "alice", f"offline_access {SCOPE}"), id="user with an offline session"),
    pytest.param(access("rfc9068", scope=SCOPE), id="RFC 9068"),
    pytest.param(access("ps256", scope=SCOPE), id="PS256"),
    pytest.param(access("es256", scope=SCOPE), id="ES256"),
    pytest.param(access("eddsa", scope=SCOPE), id="EdDSA"),
]

REFUSED = [
    pytest.param(access("test_api_client"), Reason.AUDIENCE, id="service account without the scope"),
    pytest.param(access("web", "bob"), Reason.AUDIENCE, id="user without the scope"),
    pytest.param(access("lightweight", scope=SCOPE), Reason.LIGHTWEIGHT, id="lightweight service account"),
    pytest.param(access("lightweight", "alice", SCOPE), Reason.LIGHTWEIGHT, id="lightweight user"),
    pytest.param(other("id_token", "openid"), Reason.TOKEN_TYPE, id="ID token"),
    pytest.param(other("refresh_token", "openid"), Reason.ALGORITHM, id="refresh token"),
    pytest.param(other("refresh_token", "offline_access"), Reason.ALGORITHM, id="offline token"),
]


@pytest.fixture
def validator(myorg: Realm) -> RealmTokenValidator:
    """The validator of an API that knows nothing yet."""
    return RealmTokenValidator(myorg.issuer, audience=API)


@pytest.mark.parametrize("get", ACCEPTED)
def test_accepted(myorg: Realm, validator: RealmTokenValidator, get: Get) -> None:
    """The token is accepted, and what comes back are its claims."""
    token = get(myorg)

    accepted = validator.verify(token)

    assert isinstance(accepted, AccessToken)
    assert accepted == unverified.claims(token)
    assert accepted.issuer == myorg.issuer
    assert API in accepted.audience


@pytest.mark.parametrize(("get", "reason"), REFUSED)
def test_refused(myorg: Realm, validator: RealmTokenValidator, get: Get, reason: Reason) -> None:
    """The token is refused for the reason that an operator can act on."""
    token = get(myorg)

    assert reason_of_refusal(validator, token) is reason


def test_a_dpop_token_without_its_proof_is_refused(
    keycloak: Keycloak, myorg: Realm, validator: RealmTokenValidator
) -> None:
    """A token bound to a key by a real proof is refused as a plain bearer token, where Keycloak binds it (not 24.0.5)."""
    token = myorg.token("dpop", scope=SCOPE, DPoP=dpop.proof("POST", myorg.token_url))

    if older_versions.binds_tokens(keycloak):
        assert unverified.claims(token)["typ"] == "DPoP"
        assert "jkt" in unverified.claims(token)["cnf"]
        assert reason_of_refusal(validator, token) is Reason.BOUND
    else:
        assert "cnf" not in unverified.claims(token)
        assert validator.verify(token)


def test_an_rfc9068_token_says_so_in_its_header(keycloak: Keycloak, myorg: Realm) -> None:
    """The client's switch turns the header `typ` into at+jwt, except in 24.0.5, which ignores it."""
    header = unverified.header(myorg.token("rfc9068"))

    assert header["typ"] == ("at+jwt" if keycloak.is_at_least("26.0.0") else "JWT")


def test_the_field_s_words_of_a_service_account(myorg: Realm, validator: RealmTokenValidator) -> None:
    """A service account's token answers in the field's words."""
    token = validator.verify(myorg.token("test_api_client", scope=SCOPE))

    assert token.client_id == "test_api_client"
    assert token.username == "service-account-test_api_client"
    assert set(token.audience) == {API, "account"}
    assert set(token.scopes) == {"email", "profile", SCOPE}
    assert token.expires_at == token["exp"]


def test_the_field_s_words_of_a_user(myorg: Realm, validator: RealmTokenValidator) -> None:
    """A user's token names the client by `azp`, and the roles of realm and API."""
    token = validator.verify(myorg.token("web", user="alice"))

    assert "client_id" not in token
    assert token.client_id == "web"
    assert token.username == "alice"
    assert "reader" in token.realm_roles
    assert set(token.client_roles(API)) == {"writer"}


def test_an_id_token_for_the_very_api_is_refused_by_its_type(local: Realm) -> None:
    """Where the API is the client that logs in, only `typ` tells an ID token from an access token."""
    validator = RealmTokenValidator(local.issuer, audience="local-api")
    response = local.tokens("local-api", user="alice", scope="openid")

    assert validator.verify(response["access_token"]).username == "alice"
    assert unverified.claims(response["id_token"])["aud"] == "local-api"
    assert reason_of_refusal(validator, response["id_token"]) is Reason.TOKEN_TYPE


def test_a_token_outlives_its_lifetime_by_the_leeway(myorg: Realm) -> None:
    """A token is good until 30 s after `exp`, and expired from then on."""
    token = myorg.token("test_api_client", scope=SCOPE)
    expires_at = unverified.claims(token)["exp"]

    def at(moment: float) -> RealmTokenValidator:
        return RealmTokenValidator(myorg.issuer, audience=API, now=lambda: moment)

    assert at(expires_at + 29).verify(token)
    assert reason_of_refusal(at(expires_at + 30), token) is Reason.EXPIRED


def test_a_token_from_the_future_is_not_yet_valid(myorg: Realm) -> None:
    """A token issued further ahead than the leeway, by an API whose clock is behind, is refused as such."""
    token = myorg.token("test_api_client", scope=SCOPE)
    validator = RealmTokenValidator(myorg.issuer, audience=API, now=lambda: time.time() - 60)

    assert reason_of_refusal(validator, token) is Reason.NOT_YET_VALID


def test_a_tampered_token_is_refused_by_its_signature(myorg: Realm, validator: RealmTokenValidator) -> None:
    """One scope added to a genuine token breaks its signature."""
    head, _, signature = myorg.token("test_api_client", scope=SCOPE).split(".")
    _, payload, _ = myorg.token("test_api_client", scope=f"{SCOPE} offline_access").split(".")

    assert reason_of_refusal(validator, f"{head}.{payload}.{signature}") is Reason.SIGNATURE


def test_a_signed_userinfo_response_is_not_an_access_token(keycloak: Keycloak, own_myorg: Realm) -> None:
    """A userinfo response signed by the access tokens' key is refused, also where its audience fits."""
    keycloak.admin.update_client(own_myorg.name, "web", attributes={"user.info.response.signature.alg": "RS256"})
    token = own_myorg.token("web", user="alice", scope="openid")
    answer = requests.get(
        f"{own_myorg.issuer}/protocol/openid-connect/userinfo", headers={"Authorization": f"Bearer {token}"}, timeout=30
    )
    userinfo = answer.text
    validator = RealmTokenValidator(own_myorg.issuer, audience=["web", API])

    assert unverified.header(userinfo)["kid"] == unverified.header(token)["kid"]
    assert validator.verify(token)
    assert reason_of_refusal(validator, userinfo) is Reason.TOKEN_TYPE


def test_a_user_without_the_default_roles_has_no_audience_at_all(keycloak: Keycloak) -> None:
    """An imported user with no role at all gets a token without `aud`, refused for that claim."""
    representation = realm_file.content(realm_file.MYORG)
    (bob,) = [user for user in representation["users"] if user["username"] == "bob"]
    bob["realmRoles"] = []
    with keycloak.own_realm(representation) as realm:
        token = realm.token("web", user="bob")
        validator = RealmTokenValidator(realm.issuer, audience=API)

        with pytest.raises(TokenRejected) as refused:
            validator.verify(token)

        assert "aud" not in unverified.claims(token)
        assert refused.value.reason is Reason.MISSING_CLAIM
        assert refused.value.finding.claim == "aud"


def test_a_realm_without_the_scope_basic_issues_no_sub(keycloak: Keycloak) -> None:
    """A user's token of a client that lost the scope `basic` lacks `sub` (since 25), and is refused for that claim."""
    representation = realm_file.content(realm_file.MYORG)
    (web,) = [client for client in representation["clients"] if client["clientId"] == "web"]
    web["defaultClientScopes"].remove("basic")
    with keycloak.own_realm(representation) as realm:
        validator = RealmTokenValidator(realm.issuer, audience=API)
        token = realm.token("web", user="alice")

        if keycloak.is_at_least("25.0.0"):
            with pytest.raises(TokenRejected) as refused:
                validator.verify(token)
            assert refused.value.reason is Reason.MISSING_CLAIM
            assert refused.value.finding.claim == "sub"
        else:
            assert validator.verify(token).subject


def test_the_three_clicks_of_the_readme_put_an_audience_into_the_token(keycloak: Keycloak) -> None:
    """A realm clicked together as seed 001 says issues no audience; the mapper of our README adds it."""
    representation: dict[str, Any] = {
        "realm": "clicked",
        "enabled": True,
        "clients": [{"clientId": "caller", "secret": "s", "publicClient": False, "serviceAccountsEnabled": True}],
    }
    with keycloak.own_realm(representation) as realm:
        keycloak.admin.add_scope(realm.name, SCOPE)
        keycloak.admin.give_scope(realm.name, "caller", SCOPE)
        validator = RealmTokenValidator(realm.issuer, audience=API)
        before = reason_of_refusal(validator, realm.token("caller", scope=SCOPE))
        keycloak.admin.add_mapper_to_scope(realm.name, SCOPE, realm_file.AUDIENCE_MAPPER)
        after = validator.verify(realm.token("caller", scope=SCOPE))

    assert before is Reason.AUDIENCE
    assert API in after.audience


def reason_of_refusal(validator: RealmTokenValidator, token: str) -> Reason:
    """Why the validator refuses the token."""
    with pytest.raises(TokenRejected) as refused:
        validator.verify(token)
    return refused.value.reason
