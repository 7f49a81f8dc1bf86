"""Our validator under Authlib's own ResourceProtector: it answers as under ours."""

from typing import Any

import pytest
from authlib.integrations.flask_oauth2 import ResourceProtector, current_token
from flask import Flask, jsonify
from flask.testing import FlaskClient

from resource_protector import RealmTokenValidator, any_of
from resource_protector.dev import DevRealm


@pytest.fixture
def client(dev_realm: DevRealm) -> FlaskClient:
    """Its test client."""
    app = Flask(__name__)
    app.testing = True
    require_auth = ResourceProtector()
    require_auth.register_token_validator(RealmTokenValidator(dev_realm.issuer, audience="orders-api", realm="Orders"))

    def view() -> Any:
        return jsonify(sub=current_token["sub"])

    app.add_url_rule("/any", "any", require_auth(None)(view))
    app.add_url_rule("/one", "one", require_auth("a")(view))
    app.add_url_rule("/both", "both", require_auth(["a", "b"])(view))
    app.add_url_rule("/choice", "choice", require_auth(any_of("a", "b"))(view))
    app.add_url_rule("/role", "role", require_auth(None, roles="r", claims={"g": "x"})(view))
    app.add_url_rule("/empty", "empty", require_auth("")(view))
    return app.test_client()


def test_a_list_of_scopes_means_all(dev_realm: DevRealm, client: FlaskClient) -> None:
    """Authlib's own validators are content with any of them."""
    assert client.get("/both", headers=dev_realm.bearer(scope="a")).status_code == 403
    assert client.get("/both", headers=dev_realm.bearer(scope="b")).status_code == 403
    assert client.get("/both", headers=dev_realm.bearer(scope="a b", sub="alice")).json == {"sub": "alice"}
    assert client.get("/one", headers=dev_realm.bearer(scope="a")).status_code == 200
    assert client.get("/choice", headers=dev_realm.bearer(scope="b")).status_code == 200
    assert client.get("/any", headers=dev_realm.bearer(scope="")).status_code == 200


def test_roles_and_claims_are_keywords_here_too(dev_realm: DevRealm, client: FlaskClient) -> None:
    """Authlib hands keywords on to the validator."""
    good = dev_realm.bearer(realm_access={"roles": ["r"]}, g="x")

    assert client.get("/role", headers=good).status_code == 200
    assert client.get("/role", headers=dev_realm.bearer(g="x")).status_code == 403


def test_an_empty_requirement_fails_closed(dev_realm: DevRealm, client: FlaskClient) -> None:
    """Authlib cannot refuse it at decoration; the request does."""
    with pytest.raises(ValueError, match="scopes"):
        client.get("/empty", headers=dev_realm.bearer())


def test_refusals_carry_our_challenge_and_reason(dev_realm: DevRealm, client: FlaskClient) -> None:
    """401, 403, 400 and 503, with header fields and body as under our protector."""
    expired = client.get("/any", headers=dev_realm.bearer(wrong="expired"))
    lacking = client.get("/both", headers=dev_realm.bearer(scope="a"))
    malformed = client.get("/any", headers={"Authorization": "Bearer a b"})

    assert (expired.status_code, expired.headers["WWW-Authenticate"]) == (
        401,
        'Bearer realm="Orders", error="invalid_token", error_description="The access token expired"',
    )
    assert expired.json == {"error": "invalid_token", "error_description": "The access token expired"}
    assert expired.headers["Cache-Control"] == "no-store"
    assert lacking.headers["WWW-Authenticate"].endswith('scope="a b"')
    assert (malformed.status_code, malformed.json and malformed.json["error"]) == (400, "invalid_request")


def test_unavailable_keys_are_503(dev_realm: DevRealm, client: FlaskClient) -> None:
    """Retry-After, and no challenge."""
    with dev_realm.down():
        response = client.get("/any", headers=dev_realm.bearer())

    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")


def test_introspection_under_authlibs_protector(dev_realm: DevRealm) -> None:
    """`introspect=True` is a keyword there too, and roles are judged as the realm has them today."""
    require_oauth = ResourceProtector()
    require_oauth.register_token_validator(
        RealmTokenValidator(
            dev_realm.issuer,
            audience="orders-api",
            client_id="orders-api",
            client_secret="orders-api-secret",
            introspection_seconds=0,
        )
    )
    app = Flask(__name__)

    @app.get("/asked")
    @require_oauth(None, client_roles={"orders-api": "writer"}, introspect=True)  # type: ignore[untyped-decorator]  # Authlib has no types
    def asked() -> str:
        return "today"

    client = app.test_client()
    headers = dev_realm.bearer(dev_realm.token(client="web", user="alice", scope="test_api_access"))
    good = client.get("/asked", headers=headers)
    with dev_realm.remove_role("alice", "writer", client="orders-api"):
        removed = client.get("/asked", headers=headers)
    with dev_realm.log_out("alice"):
        ended = client.get("/asked", headers=headers)

    assert [answer.status_code for answer in (good, removed, ended)] == [200, 403, 401]
