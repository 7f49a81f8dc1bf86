"""The error table of a Keycloak 26.7.4, row by row, over HTTP; tests/keycloak asks both the same."""

from typing import Any

import pytest
import requests

from resource_protector.dev import DevRealm
from resource_protector.realm import token_url
from tests.dev import realms

SECRET = {"client_id": "test_api_client", "client_secret": "fsQJIcU3Ze3ymaYSA6cxlHVIw0LDIDeY"}
SERVICE = {"grant_type": "client_credentials", **SECRET}
ALICE = {"grant_type": "password", "client_id": "web", "username": "alice", "password": "alice"}
NO_MATCH = "Invalid client or Invalid client credentials"
PROOF = "DPoP proof is missing"


@pytest.mark.parametrize(
    ("form", "status_code", "error", "description"),
    [
        pytest.param(
            [*SERVICE.items(), ("a", ""), ("a", "")], 400, "invalid_request", "duplicated parameter", id="twice"
        ),
        pytest.param(
            [*SERVICE.items(), ("client_secret", "x")],
            400,
            "invalid_request",
            "duplicated parameter",
            id="a secret twice",
        ),
        pytest.param(
            [("client_id", "nobody"), *SERVICE.items()], 401, "invalid_client", NO_MATCH, id="twice, the first unknown"
        ),
        pytest.param(SECRET, 400, "invalid_request", "Missing form parameter: grant_type", id="no grant_type"),
        pytest.param({}, 400, "invalid_request", "Missing form parameter: grant_type", id="nothing"),
        pytest.param(
            {**SERVICE, "grant_type": ""},
            400,
            "unsupported_grant_type",
            "Unsupported grant_type",
            id="blank grant_type",
        ),
        pytest.param(
            {"grant_type": "magic"},
            400,
            "unsupported_grant_type",
            "Unsupported grant_type",
            id="unknown, and no client",
        ),
        pytest.param({"grant_type": "client_credentials"}, 401, "invalid_client", NO_MATCH, id="no client"),
        pytest.param({**SERVICE, "client_id": ""}, 401, "invalid_client", NO_MATCH, id="blank client"),
        pytest.param({**SERVICE, "client_id": "nobody"}, 401, "invalid_client", NO_MATCH, id="unknown client"),
        pytest.param({**SERVICE, "client_secret": "x"}, 401, "unauthorized_client", NO_MATCH, id="wrong secret"),
        pytest.param({**SERVICE, "client_secret": ""}, 401, "unauthorized_client", NO_MATCH, id="blank secret"),
        pytest.param(
            {"grant_type": "client_credentials", "client_id": "test_api_client"},
            401,
            "unauthorized_client",
            NO_MATCH,
            id="no secret",
        ),
        pytest.param(
            {"grant_type": "client_credentials", "client_id": "web", "client_secret": "x"},
            401,
            "unauthorized_client",
            "Public client not allowed to retrieve service account",
            id="client credentials by a public client",
        ),
        pytest.param(
            {"grant_type": "client_credentials", "client_id": "orders-api", "client_secret": "orders-api-secret"},
            401,
            "unauthorized_client",
            "Client not enabled to retrieve service account",
            id="client credentials by a client without a service account",
        ),
        pytest.param(
            {**ALICE, **SECRET, "scope": "nope"},
            400,
            "unauthorized_client",
            "Client not allowed for direct access grants",
            id="password grant by a client without it, before its scope",
        ),
        pytest.param(
            {"grant_type": "password", "client_id": "web"},
            401,
            "invalid_request",
            "Missing parameter: username",
            id="no username",
        ),
        pytest.param({**ALICE, "username": ""}, 400, "invalid_grant", "Invalid user credentials", id="blank username"),
        pytest.param({**ALICE, "username": "eve"}, 400, "invalid_grant", "Invalid user credentials", id="unknown user"),
        pytest.param({**ALICE, "password": "x"}, 400, "invalid_grant", "Invalid user credentials", id="wrong password"),
        pytest.param(
            {"grant_type": "password", "client_id": "web", "username": "alice"},
            400,
            "invalid_grant",
            "Invalid user credentials",
            id="no password",
        ),
        pytest.param(
            {**ALICE, "username": "service-account-test_api_client"},
            400,
            "invalid_grant",
            "Invalid user credentials",
            id="the user of a service account",
        ),
        pytest.param(
            {**ALICE, "username": "eve", "scope": "nope"},
            400,
            "invalid_scope",
            "Invalid scopes: nope",
            id="scope first",
        ),
        pytest.param({**SERVICE, "scope": "a b"}, 400, "invalid_scope", "Invalid scopes: a b", id="unknown scopes"),
        pytest.param({**SERVICE, "scope": ""}, 400, "invalid_scope", "Invalid scopes: ", id="empty scope"),
        pytest.param({**SERVICE, "scope": " email"}, 400, "invalid_scope", "Invalid scopes:  email", id="blank first"),
        pytest.param(
            {**SERVICE, "scope": "email\t"}, 400, "invalid_scope", "Invalid scopes: email", id="a tab is not shown"
        ),
        pytest.param(
            {"grant_type": "client_credentials", "client_id": "dpop", "client_secret": "dpop-secret", "scope": "nope"},
            400,
            "invalid_request",
            PROOF,
            id="no proof, before its scope",
        ),
        pytest.param(
            {"grant_type": "refresh_token", "client_id": "web"}, 400, "invalid_request", "No refresh token", id="none"
        ),
        pytest.param(
            {"grant_type": "refresh_token", "client_id": "web", "refresh_token": "a.b.c"},
            400,
            "invalid_grant",
            "Invalid refresh token",
            id="a bad refresh token",
        ),
    ],
)
def test_a_refusal(dev_realm: DevRealm, form: Any, status_code: int, error: str, description: str) -> None:
    """Status, error and sentence are Keycloak's; there is no challenge, and nothing may be cached."""
    response = requests.post(token_url(dev_realm.issuer), data=form, timeout=10)

    assert response.status_code == status_code
    assert response.json() == {"error": error, "error_description": description}
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Pragma"] == "no-cache"
    assert "WWW-Authenticate" not in response.headers


@pytest.mark.parametrize(
    "arguments",
    [
        {"json": SERVICE},
        {"data": "grant_type=client_credentials", "headers": {"Content-Type": "text/plain"}},
        {"data": "grant_type=x", "headers": {"Content-Type": "Application/x-www-form-urlencoded"}},
        {"params": SERVICE},
    ],
    ids=["JSON", "text", "another spelling of the media type", "query"],
)
def test_only_a_form_is_read(dev_realm: DevRealm, arguments: dict[str, Any]) -> None:
    """What is not sent as a form is not there."""
    response = requests.post(token_url(dev_realm.issuer), timeout=10, **arguments)

    assert response.status_code == 400
    assert response.json()["error_description"] == "Missing form parameter: grant_type"


@pytest.mark.parametrize("scope", [" ", "email ", "email profile", "openid openid"])
def test_harmless_scopes(dev_realm: DevRealm, scope: str) -> None:
    """Blanks alone are no scope, blanks at the end do not count, and a name may come twice."""
    answer = dev_realm.token_response(scope=scope)

    assert set(answer["scope"].split()) - {"openid"} == {"email", "profile"}


@pytest.mark.parametrize(
    ("form", "status_code", "error", "description"),
    [
        ({"client_id": "bearer"}, 400, "invalid_client", "Bearer-only not allowed"),
        ({"client_id": "off"}, 401, "invalid_client", NO_MATCH),
        ({"client_id": "signs"}, 401, "unauthorized_client", NO_MATCH),
    ],
)
def test_clients_that_get_nothing(form: dict[str, str], status_code: int, error: str, description: str) -> None:
    """A bearer-only client, a disabled one, and one that authenticates by something else than a secret."""
    issuer = realms.issuer(
        realms.client("bearer", bearerOnly=True),
        realms.client("off", enabled=False),
        realms.client("signs", clientAuthenticatorType="client-jwt"),
    )

    assert realms.ask(issuer, **form) == (status_code, {"error": error, "error_description": description})


@pytest.mark.parametrize(
    ("user", "error", "description"),
    [
        ({"enabled": False}, "invalid_grant", "Account disabled"),
        ({"email": None}, "invalid_grant", "Account is not fully set up"),
        ({"firstName": None}, "invalid_grant", "Account is not fully set up"),
        ({"requiredActions": ["UPDATE_PASSWORD"]}, "invalid_grant", "Account is not fully set up"),
        ({"credentials": [{"type": "otp"}]}, "invalid_grant", "Invalid user credentials"),
    ],
)
def test_users_that_get_nothing(user: dict[str, Any], error: str, description: str) -> None:
    """A user who is disabled, or not set up, or has no password."""
    answer = realms.password(realms.issuer(users=[realms.user(**user)]))

    assert answer == (400, {"error": error, "error_description": description})


def test_a_disabled_user_with_a_wrong_password() -> None:
    """Whoever does not know the password does not learn that the account is disabled."""
    answer = realms.password(realms.issuer(users=[realms.user(enabled=False)]), password="x")

    assert answer[1]["error_description"] == "Invalid user credentials"


def test_a_client_that_asks_its_users() -> None:
    """Consent cannot be given in a password grant."""
    answer = realms.password(realms.issuer(realms.client(consentRequired=True)))

    assert answer == (400, {"error": "invalid_client", "error_description": "Client requires user consent"})


def test_offline_access_needs_its_role() -> None:
    """A user without the role `offline_access` gets no offline token."""
    issuer = realms.issuer(users=[realms.user(realmRoles=[])])
    answer = realms.password(issuer, scope="offline_access")

    assert answer[0] == 400
    assert answer[1]["error"] == "not_allowed"


def test_a_disabled_realm() -> None:
    """A realm that is disabled, or does not say that it is enabled, refuses before it looks at anything."""
    for members in ({"enabled": False}, {"enabled": None}):
        answer = realms.ask(realms.issuer(**members), client_id="nobody")

        assert answer == (403, {"error": "access_denied", "error_description": "Realm not enabled"})


@pytest.mark.parametrize("login", ["alice", "ALICE", "alice@example.com", "Alice@Example.com"])
def test_names_and_addresses_log_in(dev_realm: DevRealm, login: str) -> None:
    """A user logs in by name or e-mail address, in any case."""
    token = requests.post(token_url(dev_realm.issuer), data={**ALICE, "username": login}, timeout=10).json()

    assert token["token_type"] == "Bearer"
