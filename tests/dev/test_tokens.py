import re

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from resource_protector import RealmTokenValidator
from resource_protector.dev import DevRealm
from resource_protector.realm import certs_url, token_url
from tests.dev import realms
from tests.keycloak import unverified

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def test_a_service_accounts_token(dev_realm: DevRealm) -> None:
    """The claims of Keycloak's token for a service account, each with its type."""
    token = dev_realm.token(scope="test_api_access")
    claims = unverified.claims(token)

    assert unverified.header(token) == {"alg": "RS256", "typ": "JWT", "kid": unverified.header(token)["kid"]}
    assert claims.pop("exp") - claims.pop("iat") == 300
    assert re.fullmatch(f"trrtcc:{UUID}", claims.pop("jti"))
    assert re.fullmatch(UUID, claims.pop("sub"))
    assert sorted(claims.pop("aud")) == ["account", "orders-api"]
    assert sorted(claims.pop("scope").split()) == ["email", "profile", "test_api_access"]
    assert claims == {
        "iss": dev_realm.issuer,
        "typ": "Bearer",
        "azp": "test_api_client",
        "acr": "1",
        "realm_access": {"roles": ["default-roles-myorg", "offline_access", "uma_authorization"]},
        "resource_access": {"account": {"roles": ["manage-account", "manage-account-links", "view-profile"]}},
        "email_verified": False,
        "preferred_username": "service-account-test_api_client",
        "client_id": "test_api_client",
        "clientHost": "127.0.0.1",
        "clientAddress": "127.0.0.1",
    }


def test_without_the_scope_there_is_one_audience(dev_realm: DevRealm) -> None:
    """`aud` is a string when it holds one audience."""
    assert unverified.claims(dev_realm.token())["aud"] == "account"


def test_a_users_token(dev_realm: DevRealm) -> None:
    """A user's token has his session, names, roles and origins, and no client_id."""
    answer = dev_realm.token_response(user="alice")
    claims = unverified.claims(answer["access_token"])

    assert claims["jti"].startswith("onrtro:")
    assert claims["sid"] == answer["session_state"]
    assert claims["name"] == "Alice Example"
    assert claims["email"] == "alice@example.com"
    assert claims["email_verified"] is True
    assert claims["realm_access"]["roles"] == ["default-roles-myorg", "offline_access", "reader", "uma_authorization"]
    assert claims["resource_access"]["orders-api"] == {"roles": ["writer"]}
    assert sorted(claims["aud"]) == ["account", "orders-api"]
    assert sorted(claims["allowed-origins"]) == ["http://127.0.0.1:8000", "http://localhost:8000"]
    assert "client_id" not in claims


@pytest.mark.parametrize(
    ("client", "algorithm", "kind"),
    [
        ("rfc9068", "RS256", "at+jwt"),
        ("ps256", "PS256", "JWT"),
        ("es256", "ES256", "JWT"),
        ("eddsa", "EdDSA", "JWT"),
    ],
)
def test_headers(dev_realm: DevRealm, client: str, algorithm: str, kind: str) -> None:
    """The client's attributes decide the header; the ID token beside it stays with the realm's own algorithm."""
    answer = dev_realm.token_response(client, scope="openid")

    assert unverified.header(answer["access_token"])["alg"] == algorithm
    assert unverified.header(answer["access_token"])["typ"] == kind
    assert unverified.header(answer["id_token"])["alg"] == "RS256"


def test_fallback_keys_appear_on_first_use(dev_realm: DevRealm) -> None:
    """A key for another algorithm is made by the first token that needs it, and only then."""

    def algorithms() -> list[str]:
        return [key["alg"] for key in requests.get(certs_url(dev_realm.issuer), timeout=10).json()["keys"]]

    before = algorithms()
    dev_realm.token("es256")
    dev_realm.token("es256")

    assert before == ["RSA-OAEP", "RS256"]
    assert algorithms() == ["RSA-OAEP", "RS256", "ES256"]


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # it warns of the name EdDSA
@pytest.mark.parametrize("client", ["test_api_client", "ps256", "es256", "eddsa"])
def test_tokens_verify_with_the_certs(dev_realm: DevRealm, client: str) -> None:
    """Somebody else's library finds the key in the certs and the signature good."""
    token = dev_realm.token(client)
    keys = KeySet.import_key_set(requests.get(certs_url(dev_realm.issuer), timeout=10).json())

    assert jwt.decode(token, keys, algorithms=[unverified.header(token)["alg"]]).claims["azp"] == client


def test_our_validator_accepts_them(dev_realm: DevRealm) -> None:
    """The validator of this package accepts what the realm issues."""
    validator = RealmTokenValidator(dev_realm.issuer, audience="orders-api")

    assert validator.verify(dev_realm.token(scope="test_api_access"))["azp"] == "test_api_client"


def test_a_lightweight_token(dev_realm: DevRealm) -> None:
    """A lightweight token says almost nothing: no audience, no roles, and a subject only for a service account."""
    service, alice = dev_realm.token("lightweight"), dev_realm.token("lightweight", "alice")

    assert sorted(unverified.claims(service)) == ["azp", "exp", "iat", "iss", "jti", "scope", "sub", "typ"]
    assert sorted(unverified.claims(alice)) == ["azp", "exp", "iat", "iss", "jti", "scope", "sid", "typ"]
    assert unverified.claims(service)["jti"].startswith("trltcc:")


def test_an_id_token() -> None:
    """An ID token is for the client that asked, says so, and names the access token beside it."""
    answer = realms.password(realms.issuer(), scope="openid")[1]
    claims = unverified.claims(answer["id_token"])

    assert claims["typ"] == "ID"
    assert claims["aud"] == "api"
    assert re.fullmatch("[A-Za-z0-9_-]{22}", claims["at_hash"])
    assert "scope" not in claims
    assert "realm_access" not in claims


@pytest.mark.parametrize(("algorithm", "length"), [("ES384", 32), ("EdDSA", 43)])
def test_the_hash_in_an_id_token(algorithm: str, length: int) -> None:
    """`at_hash` is half of the hash of the ID token's own algorithm."""
    issuer = realms.issuer(realms.client(attributes={"id.token.signed.response.alg": algorithm}))
    token = realms.ask(issuer, scope="openid")[1]["id_token"]

    assert unverified.header(token)["alg"] == algorithm
    assert len(unverified.claims(token)["at_hash"]) == length


def test_a_refresh_token(dev_realm: DevRealm) -> None:
    """A refresh token is HS512, under a key id that is not in the certs, for the issuer itself."""
    answer = dev_realm.token_response(user="alice", scope="openid")
    refresh = answer["refresh_token"]
    claims = unverified.claims(refresh)
    certs = dev_realm.fetch(certs_url(dev_realm.issuer))

    assert unverified.header(refresh)["alg"] == "HS512"
    assert unverified.header(refresh)["kid"] not in str(certs)
    assert (claims["typ"], claims["aud"], claims["exp"] - claims["iat"]) == ("Refresh", dev_realm.issuer, 1800)
    assert claims["aud_x"] == unverified.claims(answer["access_token"])["aud"]
    assert set(claims["scope"].split()) == {"openid", "acr", "basic", "email", "profile", "roles", "web-origins"}


def test_an_offline_token() -> None:
    """An offline token has no end, and the answer says 0 for it."""
    answer = realms.password(realms.issuer(), scope="offline_access")[1]

    assert answer["refresh_expires_in"] == 0
    assert unverified.claims(answer["refresh_token"])["typ"] == "Offline"
    assert "exp" not in unverified.claims(answer["refresh_token"])
    assert unverified.claims(answer["access_token"])["jti"].startswith("ofrtro:")


def test_the_members_of_an_answer() -> None:
    """The answer holds what Keycloak's does, with and without a user."""
    service = realms.ask(realms.issuer(notBefore=7))[1]
    alice = realms.password(realms.issuer(), scope="openid")[1]

    assert set(service) == {
        "access_token",
        "expires_in",
        "refresh_expires_in",
        "token_type",
        "not-before-policy",
        "scope",
    }
    assert set(alice) - set(service) == {"refresh_token", "session_state", "id_token"}
    assert (service["expires_in"], service["refresh_expires_in"], service["not-before-policy"]) == (300, 0, 7)
    assert alice["refresh_expires_in"] == 1800


def test_lifetimes() -> None:
    """The realm's lifetimes, and a client's own where it has some; nothing outlives the session."""
    client = realms.client(attributes={"access.token.lifespan": "33", "client.session.idle.timeout": "77"})
    realm = {"accessTokenLifespan": 60, "ssoSessionIdleTimeout": 600, "ssoSessionMaxLifespan": 500}
    own, realms_own = realms.password(realms.issuer(client, **realm))[1], realms.password(realms.issuer(**realm))[1]

    assert (own["expires_in"], own["refresh_expires_in"]) == (33, 77)
    assert (realms_own["expires_in"], realms_own["refresh_expires_in"]) == (60, 500)
    assert realms.password(realms.issuer(ssoSessionMaxLifespan=30))[1]["expires_in"] == 30
    assert realms.ask(realms.issuer(ssoSessionMaxLifespan=30))[1]["expires_in"] == 300


def test_a_client_without_refresh_tokens() -> None:
    """A client may be set to get none."""
    issuer = realms.issuer(realms.client(attributes={"use.refresh.tokens": "false"}))

    assert "refresh_token" not in realms.password(issuer)[1]


def test_a_service_account_with_refresh_tokens() -> None:
    """A service account may be set to have a session, which a refresh continues."""
    issuer = realms.issuer(realms.client(attributes={"client_credentials.use_refresh_token": "true"}))
    refresh = realms.ask(issuer)[1]["refresh_token"]
    claims = realms.access_claims(realms.ask(issuer, "refresh_token", refresh_token=refresh))

    assert claims["client_id"] == "api"
    assert claims["jti"].startswith("onrtrt:")


def test_scopes_that_are_not_shown() -> None:
    """A scope may be granted without being named in `scope`."""
    scopes = [{"name": "seen"}, {"name": "unseen", "attributes": {"include.in.token.scope": "false"}}]
    client = realms.client(defaultClientScopes=["seen"], optionalClientScopes=["unseen"])
    answer = realms.password(realms.issuer(client, clientScopes=scopes), scope="unseen")[1]

    assert answer["scope"] == "seen"
    assert set(unverified.claims(answer["refresh_token"])["scope"].split()) == {"seen", "unseen"}


def test_a_scope_that_is_tied_to_a_role() -> None:
    """A scope with roles is only for users who have one of them."""
    scopes = [{"name": "tied"}]
    tied = {"clientScopes": scopes, "scopeMappings": [{"clientScope": "tied", "roles": ["keeper"]}]}
    client = realms.client(defaultClientScopes=["tied"])

    assert realms.password(realms.issuer(client, **tied))[1]["scope"] == ""
    assert (
        realms.password(realms.issuer(client, **tied, users=[realms.user(realmRoles=["keeper"])]))[1]["scope"] == "tied"
    )


def test_a_client_that_may_not_see_all_roles() -> None:
    """Without full scope a client sees its own roles and those in its scope, and no others."""
    client = realms.client(fullScopeAllowed=False)
    members = {
        "scopeMappings": [{"client": "api", "roles": ["seen"]}],
        "clientScopeMappings": {"x": [{"client": "api", "roles": ["read"]}, {"client": "other", "roles": ["write"]}]},
        "users": [realms.user(realmRoles=["seen", "unseen"], clientRoles={"api": ["own"], "x": ["read", "write"]})],
    }
    claims = realms.access_claims(realms.password(realms.issuer(client, **members)))

    assert claims["realm_access"] == {"roles": ["seen"]}
    assert claims["resource_access"] == {"api": {"roles": ["own"]}, "x": {"roles": ["read"]}}
    assert claims["aud"] == "x"


def test_the_realms_own_algorithm() -> None:
    """A realm may sign with something else than RS256 by default."""
    issuer = realms.issuer(defaultSignatureAlgorithm="ES512")

    assert unverified.header(realms.ask(issuer)[1]["access_token"])["alg"] == "ES512"
    assert [key["alg"] for key in issuer.keys.certs()["keys"]] == ["RSA-OAEP", "ES512"]


@pytest.mark.parametrize("name", ["my org", "büro", "a/b?c#d"])
def test_a_name_that_must_be_encoded(name: str) -> None:
    """A realm's name is percent-encoded in its address and in `iss`, and found there."""
    with DevRealm(realms.file(realm=name)) as realm:
        response = requests.post(
            token_url(realm.issuer),
            data={"grant_type": "client_credentials", "client_id": "api", "client_secret": "s"},
            timeout=10,
        )
        claims = RealmTokenValidator(realm.issuer, audience="account").verify(response.json()["access_token"])

    assert realm.name == name
    assert claims["iss"] == realm.issuer
    assert " " not in realm.issuer
    assert realm.issuer.isascii()
