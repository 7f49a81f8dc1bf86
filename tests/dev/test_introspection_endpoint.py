import base64
from typing import Any

import pytest
import requests

from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from resource_protector.dev.minting import Wrong
from resource_protector.realm import introspection_url
from tests.dev import realms
from tests.dev.asking import API, INACTIVE, SCOPE, credentials, introspect, introspected
from tests.keycloak import unverified
from tests.polling import Clock


def test_a_user_s_token(dev_realm: DevRealm) -> None:
    """An API that a token is for gets its claims, with the four members that only introspection has."""
    token = dev_realm.token(user="alice", client="web", scope=SCOPE)
    claims = introspected(dev_realm, token)

    assert claims.pop("active") is True
    assert (claims.pop("client_id"), claims.pop("username"), claims.pop("token_type")) == ("web", "alice", "Bearer")
    assert claims == unverified.claims(token)


def test_claims_are_computed_anew(dev_realm: DevRealm) -> None:
    """What only the token request knew is not in the answer."""
    claims = introspected(dev_realm, dev_realm.token(scope=SCOPE))

    assert claims["client_id"] == "test_api_client"
    assert claims["username"] == "service-account-test_api_client"
    assert {"clientHost", "clientAddress"}.isdisjoint(claims)


def test_the_caller_must_be_in_the_audience(dev_realm: DevRealm) -> None:
    """To a client that is not in `aud` a token is inactive, also to the one that got it."""
    token = dev_realm.token(scope=SCOPE)

    assert introspected(dev_realm, token, "test_api_client") == INACTIVE
    assert introspected(dev_realm, dev_realm.token(scope="openid")) == INACTIVE


def test_a_lightweight_token(dev_realm: DevRealm) -> None:
    """A lightweight token comes back whole."""
    token = dev_realm.token("lightweight", "alice", SCOPE)
    claims = introspected(dev_realm, token)

    assert "aud" not in unverified.claims(token)
    assert API in claims["aud"]
    assert claims["resource_access"][API] == {"roles": ["writer"]}


def test_a_minted_token(dev_realm: DevRealm) -> None:
    """A token that was minted is active with its own claims: there is no session that it could be computed from."""
    claims = introspected(dev_realm, dev_realm.mint(sub="carol", groups=["/staff"], preferred_username="carol"))

    assert (claims["active"], claims["username"], claims["sub"]) == (True, "carol", "carol")
    assert claims["groups"] == ["/staff"]


def test_a_minted_lightweight_token(dev_realm: DevRealm) -> None:
    """A minted lightweight token comes back with what minting left out of it, and with what was asked for."""
    token = dev_realm.mint("lightweight", groups=["/staff"])
    claims = introspected(dev_realm, token)

    assert "aud" not in unverified.claims(token)
    assert API in claims["aud"]
    assert "realm_access" in claims
    assert claims["groups"] == ["/staff"]
    assert claims["jti"] == unverified.claims(token)["jti"]


@pytest.mark.parametrize(
    "wrong",
    ["expired", "not_yet_valid", "audience", "issuer", "refresh_token", "key", "unknown_key", "signature", "alg_none"],
)
def test_a_wrong_token(dev_realm: DevRealm, wrong: Wrong) -> None:
    """A token that is not good is inactive, and nothing else is said about it."""
    assert introspected(dev_realm, dev_realm.mint(wrong)) == INACTIVE


@pytest.mark.parametrize("claims", [{"aud": 1}, {"aud": [1]}, {"aud": None}, {"exp": "soon"}, {"azp": ["x"]}])
def test_a_minted_token_with_odd_claims(dev_realm: DevRealm, claims: dict[str, Any]) -> None:
    """Claims of other types than Keycloak's are repeated or found not to fit, and harm nobody."""
    token = dev_realm.mint(None, **claims, sub=None, preferred_username=None, iat=None, sid=7, scope=" ")
    answer = introspected(dev_realm, token)

    assert answer["active"] is ("aud" not in claims)
    assert "scope" not in answer


@pytest.mark.parametrize("token", ["", ".", "..", "x", "a.b.c", "é.é.é", "W10.W10.W10", "bnVsbA.e30.AAAA", "[" * 9999])
def test_garbage(dev_realm: DevRealm, token: str) -> None:
    """What is no token is inactive."""
    assert introspected(dev_realm, token) == INACTIVE


def test_a_deeply_nested_header(dev_realm: DevRealm) -> None:
    """A header that no parser follows to its end is garbage, too."""
    header = base64.urlsafe_b64encode(b"[" * 100_000).decode()

    assert introspected(dev_realm, f"{header}.e30.AAAA") == INACTIVE


def test_hints(dev_realm: DevRealm) -> None:
    """A refresh token is active only with its hint and for its own client; an unknown hint is refused."""
    tokens = dev_realm.token_response("lightweight", "alice", SCOPE)
    refresh_token = tokens["refresh_token"]
    hinted = introspect(dev_realm, refresh_token, "lightweight", token_type_hint="refresh_token").json()

    assert (hinted["active"], hinted["typ"]) == (True, "Refresh")
    assert introspect(dev_realm, refresh_token, token_type_hint="refresh_token").json() == INACTIVE
    assert introspected(dev_realm, refresh_token, "lightweight") == INACTIVE
    assert introspect(dev_realm, tokens["access_token"], token_type_hint="refresh_token").json() == INACTIVE
    odd = dev_realm.mint("refresh_token", typ="Bearer")
    assert introspect(dev_realm, odd, token_type_hint="refresh_token").json() == INACTIVE
    assert introspect(dev_realm, "x", token_type_hint="nonsense").status_code == 400


def test_an_id_token(dev_realm: DevRealm) -> None:
    """As on Keycloak, an ID token is active for its own client, and `typ` alone tells what it is."""
    id_token = dev_realm.token_response("lightweight", "alice", SCOPE)["id_token"]
    claims = introspected(dev_realm, id_token, "lightweight")

    assert (claims["active"], claims["typ"], claims["token_type"]) == (True, "ID", "ID")
    assert introspected(dev_realm, id_token) == INACTIVE


def test_the_last_second() -> None:
    """As on Keycloak, a token is good in the second that `exp` names, and not after it."""
    clock = Clock(realms.NOW)
    with DevRealm(DEMO_REALM_FILE, now=clock) as realm:
        token = realm.token(scope=SCOPE)
        clock.advance(300.9)

        assert introspected(realm, token)["active"] is True
        clock.advance(0.1)
        assert introspected(realm, token) == INACTIVE


def test_a_withdrawn_key(dev_realm: DevRealm) -> None:
    """With its key, a token goes; under a key that is only published it stays."""
    token = dev_realm.token(scope=SCOPE)
    passive = dev_realm.rotate("passive")

    assert introspected(dev_realm, token)["active"] is True
    dev_realm.withdraw(unverified.header(token)["kid"])
    assert introspected(dev_realm, token) == INACTIVE
    assert unverified.header(dev_realm.token())["kid"] == passive


@pytest.mark.parametrize(
    ("form", "status_code", "error"),
    [
        ({}, 401, "invalid_client"),
        ({"client_id": "orders-api", "client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "web"}, 403, "invalid_request"),
        ({"client_id": "orders-api", "client_secret": "orders-api-secret"}, 400, "invalid_request"),
    ],
)
def test_a_refusal(dev_realm: DevRealm, form: dict[str, str], status_code: int, error: str) -> None:
    """Who may not ask, or asks nothing, is refused in Keycloak's words."""
    answer = requests.post(introspection_url(dev_realm.issuer), form, timeout=10)

    assert (answer.status_code, answer.json()["error"]) == (status_code, error)


def test_basic_with_a_bad_escape(dev_realm: DevRealm) -> None:
    """Credentials that cannot be decoded are another error than wrong ones."""
    answer = requests.post(introspection_url(dev_realm.issuer), {"token": "x"}, auth=("orders-api", "%"), timeout=10)

    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


def test_a_parameter_twice(dev_realm: DevRealm) -> None:
    """A parameter that is given twice is refused."""
    form = [*credentials(dev_realm, API).items(), ("token", "x"), ("token", "x")]
    answer = requests.post(introspection_url(dev_realm.issuer), form, timeout=10)

    assert answer.json()["error_description"] == "duplicated parameter"


def test_a_disabled_realm() -> None:
    """A disabled realm tells nobody anything."""
    with DevRealm(realms.file(enabled=False)) as realm:
        answer = requests.post(introspection_url(realm.issuer), timeout=10)

    assert (answer.status_code, answer.json()["error"]) == (403, "access_denied")


def test_a_session_of_a_service_account() -> None:
    """A service account with a session is introspected with what the session knows."""
    sessions = {"client_credentials.use_refresh_token": "true"}
    mapper = realms.mapper("oidc-audience-mapper", access__token__claim="true", included__client__audience="api")
    with DevRealm(realms.file(realms.client(attributes=sessions, protocolMappers=[mapper]))) as realm:
        token = realm.token()
        claims = introspected(realm, token, "api")

        assert claims["clientHost"] == "127.0.0.1"
        with realm.end_session(claims["sid"]):
            assert introspected(realm, token, "api") == INACTIVE


def test_a_bearer_only_client() -> None:
    """A client that gets no tokens of its own may introspect all the same."""
    mapper = realms.mapper("oidc-audience-mapper", access__token__claim="true", included__client__audience="api")
    clients = realms.client("web", protocolMappers=[mapper]), realms.client("api", bearerOnly=True)
    with DevRealm(realms.file(*clients)) as realm:
        assert introspected(realm, realm.token("web"), "api")["active"] is True


def test_where_a_mapper_writes() -> None:
    """A mapper that does not say so writes into introspection what it writes into access tokens."""
    switches = {
        "access": {"access__token__claim": "true"},
        "introspection": {"introspection__token__claim": "true"},
        "neither": {"access__token__claim": "true", "introspection__token__claim": "false"},
    }
    mappers = [
        realms.mapper("oidc-usermodel-attribute-mapper", user__attribute="username", claim__name=name, **switch)
        for name, switch in switches.items()
    ]
    mappers.append(realms.mapper("oidc-audience-mapper", access__token__claim="true", included__client__audience="api"))
    with DevRealm(realms.file(realms.client(protocolMappers=mappers))) as realm:
        claims = introspected(realm, realm.token("api", "alice"), "api")

    assert set(switches) & set(claims) == {"access", "introspection"}
