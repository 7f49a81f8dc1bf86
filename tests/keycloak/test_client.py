"""The client's side on a real Keycloak, and on the dev realm where both must answer alike."""

import string
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests

from resource_protector.client import ClientCredentials, HttpxClientCredentials, TokenEndpoint, TokenRequestFailed
from resource_protector.dev import DevRealm
from tests.client.api_server import protected_api
from tests.keycloak import program, realm_file
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.realm import Realm
from tests.keycloak.server import free_port
from tests.keycloak.unverified import claims
from tests.processes import running

EXAMPLE = Path(__file__).parents[2] / "examples" / "service_to_service"
METHODS = ("client_secret_basic", "client_secret_post")
NAMES = {
    "letters äöü ß": string.ascii_letters + string.digits + " ÄÖÜ€",
    "punctuation " + string.punctuation: "".join(reversed(string.punctuation)) + "日本 é",
    "100%41 a+b": "50%25+%2B more",
}
CLIENTS: list[dict[str, Any]] = [
    *({"clientId": name, "secret": secret, "serviceAccountsEnabled": True} for name, secret in NAMES.items()),
    {"clientId": "service", "secret": "s", "serviceAccountsEnabled": True},
    {"clientId": "disabled", "secret": "s", "serviceAccountsEnabled": True, "enabled": False},
    {"clientId": "no-account", "secret": "s", "serviceAccountsEnabled": False},
    {"clientId": "public", "publicClient": True},
]
REPRESENTATION: dict[str, Any] = {"realm": "client", "enabled": True, "clients": CLIENTS}


@pytest.fixture(scope="module", params=["Keycloak", "dev realm"])
def issuer(request: pytest.FixtureRequest) -> Iterator[str]:
    """The same realm, on either."""
    if request.param == "Keycloak":
        keycloak: Keycloak = request.getfixturevalue("keycloak")
        with keycloak.own_realm(REPRESENTATION) as realm:
            yield realm.issuer
    else:
        with DevRealm(REPRESENTATION) as dev_realm:
            yield dev_realm.issuer


def failure(realm: TokenEndpoint, scope: str | None = None) -> TokenRequestFailed:
    """What a request for the client's own token raises."""
    with pytest.raises(TokenRequestFailed) as raised:
        realm.client_credentials(scope)
    return raised.value


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NAMES, ids=["letters", "punctuation", "percent"])
def test_ids_and_secrets_of_any_characters(issuer: str, name: str, method: Any) -> None:
    """Every printable ASCII character and some beyond, by HTTP Basic and in the form."""
    assert TokenEndpoint(issuer, name, NAMES[name], auth_method=method).client_credentials().access_token


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("client", "secret", "scope", "error", "status", "advice"),
    [
        pytest.param(
            "service", "x", None, "unauthorized_client", 401, "check the secret of client 'service'", id="secret"
        ),
        pytest.param("nobody", "x", None, "invalid_client", 401, "no client 'nobody' in this realm", id="unknown"),
        pytest.param("disabled", "s", None, "invalid_client", 401, "or it is switched off", id="disabled"),
        pytest.param("service", "s", "nope", "invalid_scope", 400, "scope 'nope' is not assigned", id="scope"),
        pytest.param("no-account", "s", None, "unauthorized_client", 401, "'Service account roles'", id="no account"),
        pytest.param("public", "s", None, "unauthorized_client", 401, "'Client authentication'", id="public"),
    ],
)
def test_a_refusal(
    issuer: str, client: str, secret: str, scope: str | None, error: str, status: int, advice: str, method: Any
) -> None:
    """The realm's own words and status, and what to change in its console."""
    failed = failure(TokenEndpoint(issuer, client, secret, auth_method=method), scope)

    assert (failed.error, failed.status_code) == (error, status)
    assert advice in failed.advice


def test_no_such_realm(issuer: str) -> None:
    """404 is a matter of the address."""
    assert "There is no realm at" in failure(TokenEndpoint(issuer + "x", "service", "s")).advice


def test_the_realm_is_away() -> None:
    """The address that was tried."""
    issuer = f"http://127.0.0.1:{free_port()}/realms/away"

    assert f"Nothing answers at {issuer}" in failure(TokenEndpoint(issuer, "service", "s")).advice


def test_a_disabled_realm(own_myorg: Realm, keycloak: Keycloak) -> None:
    """Said so, and not taken for a wrong secret."""
    keycloak.admin.update_realm(own_myorg.name, enabled=False)
    failed = failure(TokenEndpoint(own_myorg.issuer, "test_api_client", own_myorg.secrets["test_api_client"]))

    assert (failed.error, failed.status_code) == ("access_denied", 403)
    assert "the realm is switched off" in failed.advice


def test_a_revoked_token(myorg: Realm) -> None:
    """An API that asks the realm refuses it; the same call brings a fresh one, by either library."""
    client, secret = "test_api_client", myorg.secrets["test_api_client"]
    assert secret is not None
    by_requests = ClientCredentials(myorg.issuer, client, secret, scope="test_api_access")
    by_httpx = HttpxClientCredentials(myorg.issuer, client, secret, scope="test_api_access")

    def call_by_requests() -> tuple[int, str]:
        answer = requests.get(f"{api}/strict", auth=by_requests, timeout=30)
        return answer.status_code, answer.request.headers["Authorization"]

    def call_by_httpx() -> tuple[int, str]:
        answer = httpx.get(f"{api}/strict", auth=by_httpx, timeout=30, trust_env=False)
        return answer.status_code, answer.request.headers["Authorization"]

    with protected_api(myorg.issuer, str(myorg.secrets["orders-api"])) as api:
        for call in (call_by_requests, call_by_httpx):
            status, sent = call()
            revoked = myorg.send("POST", "revoke", {**myorg.credentials(client), "token": sent.split()[1]})
            status_after, sent_after = call()
            kept = call()

            assert revoked.status_code == 200
            assert (status, status_after) == (200, 200)
            assert sent_after != sent
            assert kept == (200, sent_after)


# Token exchange


@pytest.fixture(scope="module")
def shop(keycloak: Keycloak) -> Iterator[Realm]:
    """The example's realm."""
    if not keycloak.is_at_least("26.2"):
        pytest.skip("standard token exchange came with Keycloak 26.2")
    with keycloak.own_realm(realm_file.content(EXAMPLE / "shop-realm.json")) as realm:
        yield realm


def test_the_example(shop: Realm) -> None:
    """One service calls another with its own token, and with its caller's token exchanged for the next audience."""
    variables = {"ISSUER": shop.issuer, "PYTHONPATH": str(program.ROOT), "PORT": "0"}
    with ExitStack() as stack:
        for name in ("stock", "orders"):
            command = [sys.executable, f"{name}.py"]
            service = stack.enter_context(running(command, folder=EXAMPLE, **variables))
            variables[f"{name.upper()}_URL"] = service.wait_for(r"Running on (http://127\.0\.0\.1:\d+)")[1]
        finished = program.run(EXAMPLE / "caller.py", **variables)

    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.splitlines() == [
        '/in-stock 200 {"asked_by":"orders-api","stock":{"book":3}}',
        '/my-reservations 200 {"asked_by":"orders-api","of":"alice","reservations":[]}',
    ]


def test_what_is_exchanged(shop: Realm) -> None:
    """The new token is for the next API and no other, and lives no longer than it says."""
    callers = TokenEndpoint(shop.issuer, "web").password("alice", "alice")
    orders = TokenEndpoint(shop.issuer, "orders-api", shop.secrets["orders-api"])
    issued = orders.exchange(callers.access_token, audience="stock-api")
    found = claims(issued.access_token)

    assert (found["aud"], found["azp"], found["preferred_username"]) == ("stock-api", "orders-api", "alice")
    assert issued.expires_in == found["exp"] - found["iat"]


def test_what_an_exchange_needs(shop: Realm, keycloak: Keycloak) -> None:
    """Each setting that is missing is named by the advice."""
    callers = TokenEndpoint(shop.issuer, "web").password("alice", "alice").access_token
    orders = TokenEndpoint(shop.issuer, "orders-api", shop.secrets["orders-api"])
    stock = TokenEndpoint(shop.issuer, "stock-api", shop.secrets["stock-api"])

    def advice(realm: TokenEndpoint, token: str, audience: str, scope: str | None = None) -> str:
        with pytest.raises(TokenRequestFailed) as raised:
            realm.exchange(token, audience=audience, scope=scope)
        return raised.value.advice

    switched_off = advice(stock, callers, "stock-api")
    keycloak.admin.update_client(
        shop.name, "stock-api", attributes={"standard.token.exchange.enabled": "true"}, serviceAccountsEnabled=True
    )

    assert "switch on 'Standard token exchange' of client 'stock-api'" in switched_off
    assert "is not meant for client 'stock-api'" in advice(stock, callers, "stock-api")
    assert "no scope of client 'orders-api' brings 'web' into 'aud'" in advice(orders, callers, "web")
    assert "the realm has no client 'nobody'" in advice(orders, callers, "nobody")
    assert "has expired, was revoked, or is another realm's" in advice(orders, "garbage", "stock-api")
    assert "scope 'nope' is not assigned" in advice(orders, callers, "stock-api", "nope")
