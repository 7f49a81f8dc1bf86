"""The token endpoint's refusals, row by row: Keycloak's, and the dev realm's after it."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from resource_protector.dev import DevRealm
from tests.keycloak import comparable, older_versions, realm_file
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.realm import Form, Realm

CLIENT = "test_api_client"
SECRET = "fsQJIcU3Ze3ymaYSA6cxlHVIw0LDIDeY"
SERVICE = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
USER = {"grant_type": "password", "client_id": "web", "username": "alice", "password": "alice"}
REFRESH = {"grant_type": "refresh_token", "client_id": "web"}

NO_CLIENT = (401, "invalid_client", "Invalid client or Invalid client credentials")
NO_SECRET = (401, "unauthorized_client", "Invalid client or Invalid client credentials")
NO_GRANT = (400, "invalid_request", "Missing form parameter: grant_type")
BAD_GRANT = (400, "unsupported_grant_type", "Unsupported grant_type")
BAD_USER = (400, "invalid_grant", "Invalid user credentials")
BAD_USER_OLDER = (401, "invalid_grant", "Invalid user credentials")
PUBLIC = (401, "unauthorized_client", "Public client not allowed to retrieve service account")
BAD_ESCAPE = (400, "unauthorized_client", "Unexpected error when authenticating client")


@dataclass(frozen=True)
class Row:
    """A request, and the status, error and description that answer it; None where it succeeds.

    `older` is what is answered up to 26.4.7, where that differs.
    """

    form: Form
    refusal: tuple[int, str, str] | None
    headers: dict[str, str] = field(default_factory=dict)
    older: tuple[int, str, str] | None = None


def basic(text: str) -> dict[str, str]:
    """An `Authorization` header with these credentials."""
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def without(form: dict[str, str], *names: str) -> dict[str, str]:
    """The form without these members."""
    return {name: value for name, value in form.items() if name not in names}


ANONYMOUS = {"grant_type": "client_credentials"}
ROWS = {
    "client by form": Row(SERVICE, None),
    "client by Basic": Row(ANONYMOUS, None, basic(f"{CLIENT}:{SECRET}")),
    "client by percent-encoded Basic": Row(ANONYMOUS, None, basic(f"test%5Fapi_client:{SECRET}")),
    "a parameter twice": Row(
        [*SERVICE.items(), ("scope", "email"), ("scope", "email")], (400, "invalid_request", "duplicated parameter")
    ),
    "grant_type twice": Row(
        [*SERVICE.items(), ("grant_type", "password")], (400, "invalid_request", "duplicated parameter")
    ),
    "an unknown parameter twice": Row(
        [*SERVICE.items(), ("x", "1"), ("x", "2")], (400, "invalid_request", "duplicated parameter")
    ),
    "an unknown parameter": Row(SERVICE | {"x": "1"}, None),
    "no grant_type": Row(without(SERVICE, "grant_type"), NO_GRANT),
    "an empty form": Row({}, NO_GRANT),
    "a JSON body": Row('{"grant_type": "client_credentials"}', NO_GRANT, {"Content-Type": "application/json"}),
    "a blank grant_type": Row(SERVICE | {"grant_type": ""}, BAD_GRANT),
    "an unknown grant_type": Row(SERVICE | {"grant_type": "magic"}, BAD_GRANT),
    "an unknown grant_type without a client": Row({"grant_type": "magic"}, BAD_GRANT),
    "no client": Row(ANONYMOUS, NO_CLIENT),
    "an unknown client": Row(SERVICE | {"client_id": "nobody"}, NO_CLIENT),
    "a blank client_id": Row(SERVICE | {"client_id": ""}, NO_CLIENT),
    "Basic that is not Base64": Row(ANONYMOUS, NO_CLIENT, {"Authorization": "Basic %%%"}, older=BAD_ESCAPE),
    "Basic without a colon": Row(ANONYMOUS, NO_CLIENT, basic(CLIENT)),
    "Basic of an unknown client": Row(ANONYMOUS, NO_CLIENT, basic("nobody:secret")),
    "another scheme than Basic": Row(ANONYMOUS, NO_CLIENT, {"Authorization": "Bearer x"}),
    "a wrong secret": Row(SERVICE | {"client_secret": "wrong"}, NO_SECRET),
    "a blank secret": Row(SERVICE | {"client_secret": ""}, NO_SECRET),
    "no secret": Row(without(SERVICE, "client_secret"), NO_SECRET),
    "a wrong secret by Basic": Row(ANONYMOUS, NO_SECRET, basic(f"{CLIENT}:wrong")),
    "an empty secret by Basic": Row(ANONYMOUS, NO_SECRET, basic(f"{CLIENT}:")),
    "Basic with a bad escape": Row(ANONYMOUS, BAD_ESCAPE, basic(f"{CLIENT}:100%zz")),
    "Basic with a cut escape": Row(ANONYMOUS, BAD_ESCAPE, basic(f"{CLIENT}:100%")),
    "Basic, and another client in the form": Row(SERVICE, None, basic("orders-api:orders-api-secret")),
    "Basic, and another client's id in the form": Row(
        ANONYMOUS | {"client_id": CLIENT}, NO_SECRET, basic("orders-api:orders-api-secret")
    ),
    "Basic, and the same client in the form": Row(ANONYMOUS | {"client_id": CLIENT}, None, basic(f"{CLIENT}:{SECRET}")),
    "Basic with a wrong secret, the right one in the form": Row(SERVICE, None, basic(f"{CLIENT}:wrong")),
    "client credentials by a public client": Row(ANONYMOUS | {"client_id": "web"}, PUBLIC),
    "client credentials by a public client with a secret": Row(
        ANONYMOUS | {"client_id": "web", "client_secret": "x"}, PUBLIC
    ),
    "client credentials by a client without a service account": Row(
        ANONYMOUS | {"client_id": "orders-api", "client_secret": "orders-api-secret"},
        (401, "unauthorized_client", "Client not enabled to retrieve service account"),
    ),
    "password grant by a client without it": Row(
        USER | {"client_id": CLIENT, "client_secret": SECRET},
        (400, "unauthorized_client", "Client not allowed for direct access grants"),
    ),
    "password grant": Row(USER, None),
    "password grant by a public client with a secret": Row(USER | {"client_secret": "x"}, None),
    "no username": Row(without(USER, "username"), (401, "invalid_request", "Missing parameter: username")),
    "a blank username": Row(USER | {"username": ""}, BAD_USER, older=BAD_USER_OLDER),
    "an unknown user": Row(USER | {"username": "carol"}, BAD_USER, older=BAD_USER_OLDER),
    "no password": Row(without(USER, "password"), BAD_USER, older=BAD_USER_OLDER),
    "a blank password": Row(USER | {"password": ""}, BAD_USER, older=BAD_USER_OLDER),
    "a wrong password": Row(USER | {"password": "wrong"}, BAD_USER, older=BAD_USER_OLDER),
    "a user by e-mail address": Row(USER | {"username": "alice@example.com"}, None),
    "a user in capitals": Row(USER | {"username": "ALICE"}, None),
    "an unknown scope": Row(SERVICE | {"scope": "nonsense"}, (400, "invalid_scope", "Invalid scopes: nonsense")),
    "an unknown scope among good ones": Row(
        SERVICE | {"scope": "email nonsense"}, (400, "invalid_scope", "Invalid scopes: email nonsense")
    ),
    "a scope that exists but is not the client's": Row(
        {
            "grant_type": "client_credentials",
            "client_id": "lightweight",
            "client_secret": "lightweight-secret",
            "scope": "address",
        },
        (400, "invalid_scope", "Invalid scopes: address"),
    ),
    "an empty scope": Row(SERVICE | {"scope": ""}, (400, "invalid_scope", "Invalid scopes: ")),
    "a blank scope": Row(SERVICE | {"scope": " "}, None),
    "an empty scope of a user": Row(USER | {"scope": ""}, (400, "invalid_scope", "Invalid scopes: ")),
    "no refresh token": Row(REFRESH, (400, "invalid_request", "No refresh token")),
    "a blank refresh token": Row(REFRESH | {"refresh_token": ""}, (400, "invalid_grant", "Invalid refresh token")),
    "a bad refresh token": Row(REFRESH | {"refresh_token": "x.y.z"}, (400, "invalid_grant", "Invalid refresh token")),
}


@pytest.fixture(scope="module")
def twin(myorg: Realm) -> Iterator[Realm]:
    """The dev realm, asked as Keycloak's realm is."""
    with DevRealm(realm_file.MYORG) as dev_realm:
        yield myorg.at(f"http://127.0.0.1:{dev_realm.port}")


@pytest.mark.parametrize("name", ROWS)
def test_refusal(keycloak: Keycloak, myorg: Realm, twin: Realm, name: str) -> None:
    """Both answer with the same status, header fields and members, and those are the ones that we rely on."""
    row = ROWS[name]
    answers = [realm.ask(row.form, **underscored(row.headers)) for realm in (myorg, twin)]
    by_keycloak, by_dev_realm = (
        comparable.answer(answer, realm.issuer) for answer, realm in zip(answers, (myorg, twin), strict=True)
    )

    is_older = row.older is not None and older_versions.is_up_to(keycloak, "26.4.7")
    refusal = row.older if is_older else row.refusal

    if refusal is None:
        assert by_keycloak["status"] == 200
    else:
        status, error, description = refusal
        assert by_keycloak["body"] == {"error": error, "error_description": description}
        assert by_keycloak["status"] == status
        assert by_keycloak["fields"]["WWW-Authenticate"] is None
    if not is_older:  # the dev realm answers as the newest does
        assert older_versions.unexplained(keycloak, comparable.differences(by_keycloak, by_dev_realm)) == []


def ask_get(realm: Realm) -> requests.Response:
    """A GET on the token endpoint."""
    return requests.get(realm.token_url, timeout=30)


def another_client_s_refresh(realm: Realm) -> requests.Response:
    """A refresh token used by a client that it was not issued to."""
    refresh_token = realm.tokens("web", user="alice")["refresh_token"]
    return realm.ask(realm.refresh("lightweight", refresh_token))


def access_token_as_refresh_token(realm: Realm) -> requests.Response:
    """An access token in the place of a refresh token."""
    return realm.ask(realm.refresh("web", realm.token("web", user="alice")))


def used_after_use(realm: Realm) -> requests.Response:
    """A refresh token used twice, which a realm allows by default."""
    refresh_token = realm.tokens("web", user="alice")["refresh_token"]
    realm.ask(realm.refresh("web", refresh_token))
    return realm.ask(realm.refresh("web", refresh_token))


def refreshed_with_less(realm: Realm) -> requests.Response:
    """A refresh that asks for less than was granted."""
    refresh_token = realm.tokens("web", user="alice", scope="openid test_api_access")["refresh_token"]
    return realm.ask(realm.refresh("web", refresh_token) | {"scope": "openid"})


def refreshed_with_more(realm: Realm) -> requests.Response:
    """A refresh that asks for more than was granted."""
    refresh_token = realm.tokens("web", user="alice", scope="openid")["refresh_token"]
    return realm.ask(realm.refresh("web", refresh_token) | {"scope": "test_api_access"})


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        (ask_get, 405),
        (another_client_s_refresh, 400),
        (access_token_as_refresh_token, 400),
        (used_after_use, 200),
        (refreshed_with_less, 200),
        (refreshed_with_more, 200),
    ],
    ids=lambda value: value.__name__ if callable(value) else str(value),
)
def test_exchange(
    keycloak: Keycloak, myorg: Realm, twin: Realm, ask: Callable[[Realm], requests.Response], status: int
) -> None:
    """What takes more than one form is answered alike, too."""
    by_keycloak, by_dev_realm = (comparable.answer(ask(realm), realm.issuer) for realm in (myorg, twin))
    lines = [f"{ask.__name__}: {line}" for line in comparable.differences(by_keycloak, by_dev_realm)]

    assert by_keycloak["status"] == status
    assert older_versions.unexplained(keycloak, lines) == []


@pytest.mark.parametrize(
    "form", [SERVICE, USER, {}, {"grant_type": "magic"}], ids=["service", "user", "empty", "magic"]
)
def test_a_disabled_realm_refuses_everybody(keycloak: Keycloak, form: dict[str, str]) -> None:
    """A disabled realm answers 403 before it looks at anything else."""
    content = realm_file.content(realm_file.MYORG) | {"enabled": False}
    with keycloak.own_realm(content) as disabled, DevRealm({**content, "realm": disabled.name}) as dev_realm:
        twin = disabled.at(f"http://127.0.0.1:{dev_realm.port}")
        by_keycloak, by_dev_realm = (comparable.answer(realm.ask(form), realm.issuer) for realm in (disabled, twin))

    assert by_keycloak["status"] == 403
    assert by_keycloak["body"] == {"error": "access_denied", "error_description": "Realm not enabled"}
    assert comparable.differences(by_keycloak, by_dev_realm) == []


def underscored(headers: dict[str, str]) -> dict[str, Any]:
    """Header names as keywords."""
    return {name.replace("-", "_"): value for name, value in headers.items()}
