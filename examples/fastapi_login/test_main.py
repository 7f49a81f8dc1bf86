"""Tests of the routes, in two ways; neither needs a Keycloak."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from resource_protector import AccessToken
from resource_protector.dev import DevRealm, Wrong

from .main import app
from .security import require_auth

# The first: real tokens of a realm in this process. `dev_realm` comes with resource_protector, as a pytest plugin.


@pytest.fixture
def client(dev_realm: DevRealm) -> Iterator[TestClient]:
    """The application, accepting the tokens of the dev realm instead of those of its settings."""
    with dev_realm.protects(require_auth), TestClient(app) as client:
        yield client


def test_me_shows_the_claims(client: TestClient, dev_realm: DevRealm) -> None:
    """Alice of the realm file sees what Keycloak would say of her."""
    token = dev_realm.token(client="local-api", user="alice")

    assert client.get("/me", headers=dev_realm.bearer(token)).json()["email"] == "alice@example.com"


def test_me_needs_a_token(client: TestClient) -> None:
    """Without a token there is a challenge."""
    response = client.get("/me")

    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("wrong", ["expired", "audience", "issuer", "id_token", "key"])
def test_bad_tokens_are_refused(client: TestClient, dev_realm: DevRealm, wrong: Wrong) -> None:
    """A token that is wrong in any one way is refused."""
    assert client.get("/me", headers=dev_realm.bearer(wrong=wrong)).status_code == 401


@pytest.mark.parametrize(("scope", "status"), [("openid phone", 200), ("openid", 403)])
def test_the_phone_needs_its_scope(client: TestClient, dev_realm: DevRealm, scope: str, status: int) -> None:
    """Claims are minted into a token, so no user with a telephone has to be in a realm file."""
    response = client.get("/phone", headers=dev_realm.bearer(scope=scope, phone_number="+43 1 58858"))

    assert response.status_code == status
    assert response.json().get("phone") == ("+43 1 58858" if status == 200 else None)


def test_a_new_key_is_noticed(client: TestClient, dev_realm: DevRealm) -> None:
    """The key that was loaded at start-up is not the last."""
    dev_realm.rotate(old="withdraw")

    assert client.get("/me", headers=dev_realm.bearer()).status_code == 200


# The second: no token, and the dependency replaced by what it would have handed over. The check itself is not tested so.


@pytest.fixture
def as_admin() -> Iterator[TestClient]:
    """The application, taking everybody for an administrator."""
    demanded = require_auth(roles="admin")  # equal to the one of the route: that is how FastAPI finds it
    app.dependency_overrides[demanded] = lambda: AccessToken({"sub": "1", "preferred_username": "root"})
    yield TestClient(app)
    del app.dependency_overrides[demanded]


def test_admin(as_admin: TestClient) -> None:
    """The route works with what it is given, and the others still want a token."""
    assert as_admin.get("/admin").json() == {"admin": "root"}
