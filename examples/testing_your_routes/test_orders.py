"""Tests of the routes in orders.py. They need no Keycloak: `dev_realm` comes with resource_protector."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from orders import app, orders, require_auth

from resource_protector.dev import DevRealm, Wrong


@pytest.fixture
def client(dev_realm: DevRealm, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    """The application, accepting the tokens of the dev realm instead of those of production."""
    monkeypatch.setitem(orders, 1, "tea")
    with dev_realm.protects(require_auth):
        yield app.test_client()


def test_health_is_public(client: FlaskClient) -> None:
    """Anybody may ask whether the service is up."""
    assert client.get("/health").status_code == 200


def test_orders_need_a_token(client: FlaskClient) -> None:
    """Without a token there is a challenge and no order."""
    response = client.get("/orders")

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_orders_are_listed(client: FlaskClient, dev_realm: DevRealm) -> None:
    """The scope is enough to read, whoever the user is."""
    response = client.get("/orders", headers=dev_realm.bearer(scope="test_api_access", sub="alice"))

    assert response.get_json() == {"orders": ["tea"], "for_user": "alice"}


def test_orders_need_the_scope(client: FlaskClient, dev_realm: DevRealm) -> None:
    """A valid token without the scope is told what it lacks."""
    response = client.get("/orders", headers=dev_realm.bearer(scope="email"))

    assert response.status_code == 403
    assert 'scope="test_api_access"' in response.headers["WWW-Authenticate"]


@pytest.mark.parametrize("wrong", ["expired", "audience", "issuer", "id_token", "refresh_token", "key", "alg_none"])
def test_bad_tokens_are_refused(client: FlaskClient, dev_realm: DevRealm, wrong: Wrong) -> None:
    """A token that is wrong in any one way is refused."""
    response = client.get("/orders", headers=dev_realm.bearer(wrong=wrong, scope="test_api_access"))

    assert response.status_code == 401


def test_writers_add_orders(client: FlaskClient, dev_realm: DevRealm) -> None:
    """A role is minted into the token: no user with that role needs to be in a realm file."""
    headers = dev_realm.bearer(scope="test_api_access", resource_access={"orders-api": {"roles": ["writer"]}})
    response = client.post("/orders", json={"item": "milk"}, headers=headers)

    assert response.status_code == 201
    assert orders.pop(response.get_json()["number"]) == "milk"


def test_alice_adds_orders(client: FlaskClient, dev_realm: DevRealm) -> None:
    """Alice of the realm file is a writer; her token is what Keycloak would issue to her."""
    token = dev_realm.token(client="web", user="alice", scope="test_api_access")
    response = client.post("/orders", json={"item": "milk"}, headers=dev_realm.bearer(token))

    assert response.status_code == 201
    assert orders.pop(response.get_json()["number"]) == "milk"


@pytest.mark.parametrize(("role", "status"), [("admin", 204), ("reader", 403)])
def test_only_admins_cancel(client: FlaskClient, dev_realm: DevRealm, role: str, status: int) -> None:
    """Cancelling needs the realm role `admin`, and no scope."""
    response = client.delete("/orders/1", headers=dev_realm.bearer(realm_access={"roles": [role]}))

    assert response.status_code == status


def test_a_new_key_is_noticed(client: FlaskClient, dev_realm: DevRealm) -> None:
    """After a rotation of the realm's key the next token is good at once."""
    old = dev_realm.bearer(scope="test_api_access")
    client.get("/orders", headers=old)
    dev_realm.rotate()

    assert client.get("/orders", headers=dev_realm.bearer(scope="test_api_access")).status_code == 200
    assert client.get("/orders", headers=old).status_code == 200


def test_an_outage_of_the_realm_is_survived(client: FlaskClient, dev_realm: DevRealm) -> None:
    """With the realm gone, tokens of known keys stay good."""
    headers = dev_realm.bearer(scope="test_api_access")
    client.get("/orders", headers=headers)

    with dev_realm.down():
        assert client.get("/orders", headers=headers).status_code == 200


def test_an_outage_from_the_start_is_said(client: FlaskClient, dev_realm: DevRealm) -> None:
    """Without any key nobody can tell whether a token is good: 503, and when to try again."""
    headers = dev_realm.bearer(scope="test_api_access")

    with dev_realm.down():
        response = client.get("/orders", headers=headers)
    assert response.status_code == 503
    assert "Retry-After" in response.headers
