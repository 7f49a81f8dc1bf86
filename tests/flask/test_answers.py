"""What a request is answered: the table of status, challenge and body, row by row."""

import json
from typing import Any

import pytest
from flask import Flask, jsonify
from flask.testing import FlaskClient

from resource_protector import KeysUnavailable, RealmTokenValidator, TokenRejected, any_of
from resource_protector.dev import DevRealm
from resource_protector.flask import ResourceProtector, current_token

MALFORMED_REQUEST = (
    'Bearer error="invalid_request", error_description="The request must carry exactly one bearer token"'
)


@pytest.fixture
def app(dev_realm: DevRealm) -> Flask:
    """An application to protect."""
    app = Flask(__name__)
    require_auth = ResourceProtector(dev_realm.issuer, audience="orders-api")

    @app.get("/private")
    @require_auth(None)
    def private() -> Any:
        return jsonify(sub=current_token["sub"])

    @app.get("/scoped")
    @require_auth("orders:read orders:list")
    def scoped() -> Any:
        return jsonify(sub=current_token["sub"])

    @app.get("/choice")
    @require_auth(any_of("orders:read", "orders:write"))
    def choice() -> Any:
        return jsonify(sub=current_token["sub"])

    @app.get("/role")
    @require_auth(roles="admin")
    def role() -> Any:
        return jsonify(sub=current_token["sub"])

    @app.route("/optional", methods=["GET", "POST"])
    @require_auth("orders:read", optional=True)
    def optional() -> Any:
        return jsonify(sub=current_token["sub"] if current_token else None)

    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Its test client."""
    return app.test_client()


def test_without_credentials(client: FlaskClient) -> None:
    """E1: 401, the bare challenge with the scope that the route needs, no error code."""
    response = client.get("/scoped")

    assert response.status_code == 401
    assert response.headers.getlist("WWW-Authenticate") == ['Bearer scope="orders:read orders:list"']
    assert response.headers["Cache-Control"] == "no-store"
    assert response.json == {}
    assert client.get("/private").headers["WWW-Authenticate"] == "Bearer"
    assert client.get("/choice").headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("value", ["Basic dXNlcjpwYXNz", 'Digest username="x", realm="y"', ""])
def test_another_scheme(client: FlaskClient, value: str) -> None:
    """E2: as if there were no credentials."""
    response = client.get("/private", headers={"Authorization": value})

    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    "value",
    [
        "Bearer",
        "Bearer\tabc",
        "Bearer a b",
        "Bearer abc,Bearer def",
        "Basic abc, Bearer def",
        "Bearer \u00e9",
        "Bearer =a",
    ],
)
def test_a_malformed_request(client: FlaskClient, value: str) -> None:
    """E3, E4: 400 invalid_request."""
    response = client.get("/private", headers={"Authorization": value})

    assert (response.status_code, response.headers["WWW-Authenticate"]) == (400, MALFORMED_REQUEST)
    assert response.json == {
        "error": "invalid_request",
        "error_description": "The request must carry exactly one bearer token",
    }


def test_two_fields_joined_by_the_server(dev_realm: DevRealm, client: FlaskClient) -> None:
    """E4: Werkzeug and gunicorn join two Authorization fields with a comma."""
    header = dev_realm.bearer()["Authorization"]
    response = client.get("/private", headers=[("Authorization", header), ("Authorization", header)])

    assert (response.status_code, response.headers["WWW-Authenticate"]) == (400, MALFORMED_REQUEST)


def test_a_token_elsewhere_is_not_read(dev_realm: DevRealm, client: FlaskClient) -> None:
    """E5: query, form and cookie are not where a token belongs (RFC 6750 sections 2.2, 2.3)."""
    token = dev_realm.mint()
    client.set_cookie("access_token", token)

    assert client.get(f"/private?access_token={token}").status_code == 401
    assert client.post("/optional", data={"access_token": token}).json == {"sub": None}


@pytest.mark.parametrize("path", ["/private", "/optional", "/scoped"])
def test_a_bad_token(dev_realm: DevRealm, client: FlaskClient, path: str) -> None:
    """E6, E20b: 401 invalid_token with the fixed sentence; also on an optional route: bad is never anonymous."""
    response = client.get(path, headers=dev_realm.bearer(wrong="expired"))

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == (
        'Bearer error="invalid_token", error_description="The access token expired"'
    )
    assert response.headers["Cache-Control"] == "no-store"
    assert response.json == {"error": "invalid_token", "error_description": "The access token expired"}


@pytest.mark.parametrize("path", ["/private", "/optional"])
def test_a_good_token(dev_realm: DevRealm, client: FlaskClient, path: str) -> None:
    """200, and the scheme is compared without case."""
    token = dev_realm.mint(sub="alice", scope="orders:read")

    assert client.get(path, headers={"Authorization": f"bEARER  {token}"}).json == {"sub": "alice"}


def test_a_missing_scope(dev_realm: DevRealm, client: FlaskClient) -> None:
    """E7: 403 with everything that the route needs; for a choice there is no single list."""
    headers = dev_realm.bearer(scope="orders:read")
    response = client.get("/scoped", headers=headers)

    assert response.status_code == 403
    assert response.headers["WWW-Authenticate"] == (
        'Bearer error="insufficient_scope", '
        'error_description="The access token lacks a scope that this needs", scope="orders:read orders:list"'
    )
    assert client.get("/scoped", headers=dev_realm.bearer(scope="orders:list orders:read")).status_code == 200
    assert "scope=" not in client.get("/choice", headers=dev_realm.bearer(scope="x")).headers["WWW-Authenticate"]
    assert client.get("/choice", headers=headers).status_code == 200
    assert client.get("/optional", headers=dev_realm.bearer(scope="x")).status_code == 403


def test_a_missing_role(dev_realm: DevRealm, client: FlaskClient) -> None:
    """E8: 403 with a description that names the kind and not the value."""
    response = client.get("/role", headers=dev_realm.bearer(realm_access={"roles": ["reader"]}))

    assert response.status_code == 403
    assert response.headers["WWW-Authenticate"] == (
        'Bearer error="insufficient_scope", error_description="The access token lacks a role that this needs"'
    )
    assert client.get("/role", headers=dev_realm.bearer(realm_access={"roles": ["admin"]})).status_code == 200


@pytest.mark.parametrize("path", ["/private", "/optional"])
def test_keys_unavailable(dev_realm: DevRealm, client: FlaskClient, path: str) -> None:
    """E17: 503 with Retry-After and no challenge."""
    with dev_realm.down():
        response = client.get(path, headers=dev_realm.bearer())

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert response.headers["Cache-Control"] == "no-store"
    assert "WWW-Authenticate" not in response.headers
    assert response.json is not None
    assert response.json["error"] == "temporarily_unavailable"


def test_optional_without_a_token(client: FlaskClient) -> None:
    """E20: no credentials, or another scheme, is anonymous; two readings of one header are not."""
    assert client.get("/optional").json == {"sub": None}
    assert client.get("/optional", headers={"Authorization": "Basic abc"}).json == {"sub": None}
    assert client.get("/optional", headers={"Authorization": "Bearer"}).status_code == 400


def test_the_realm_is_named_where_one_is_configured(dev_realm: DevRealm) -> None:
    """realm="..." in every challenge (RFC 9110 section 11.5)."""
    app = Flask(__name__)
    require_auth = ResourceProtector(dev_realm.issuer, audience="orders-api", realm="Orders API")
    app.add_url_rule("/", view_func=require_auth("a")(lambda: ""))
    client = app.test_client()

    assert client.get("/").headers["WWW-Authenticate"] == 'Bearer realm="Orders API", scope="a"'
    for headers in (dev_realm.bearer("x.y.z"), dev_realm.bearer(scope="b"), {"Authorization": "Bearer"}):
        assert client.get("/", headers=headers).headers["WWW-Authenticate"].startswith('Bearer realm="Orders API", ')


# Error handlers of the application's own


@pytest.mark.parametrize("handled", [401, Exception, TokenRejected], ids=str)
def test_an_error_handler_sees_the_refusal_and_cannot_lose_the_header_fields(
    dev_realm: DevRealm, app: Flask, handled: Any
) -> None:
    """By status, by TokenRejected or for everything; the body is the application's, the challenge stays."""

    @app.errorhandler(handled)
    def handle(error: Any) -> Any:
        return jsonify(problem=error.description, reason=error.reason), error.code

    response = app.test_client().get("/private", headers=dev_realm.bearer(wrong="audience"))

    assert response.status_code == 401
    assert response.json == {"problem": "The access token is not meant for this API", "reason": "audience"}
    assert response.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
    assert response.headers["Cache-Control"] == "no-store"


def test_a_handler_that_rewrites_every_http_error_keeps_status_and_reason(dev_realm: DevRealm, app: Flask) -> None:
    """As many applications have it: errorhandler(HTTPException) with get_response()."""
    from werkzeug.exceptions import HTTPException

    @app.errorhandler(HTTPException)
    def handle(error: HTTPException) -> Any:
        response = error.get_response()
        response.data = json.dumps({"name": error.name, "description": error.description})
        return response

    client = app.test_client()
    refused = client.get("/private", headers=dev_realm.bearer(wrong="expired"))
    forbidden = client.get("/role", headers=dev_realm.bearer())

    assert (refused.status_code, refused.json) == (
        401,
        {"name": "Unauthorized", "description": "The access token expired"},
    )
    assert len(refused.headers.getlist("WWW-Authenticate")) == 1
    assert (forbidden.status_code, forbidden.json) == (
        403,
        {"name": "Forbidden", "description": "The access token lacks a role that this needs"},
    )
    assert client.get("/private").json == {"name": "Unauthorized", "description": "The request carries no access token"}


def test_retry_after_survives_a_handler(dev_realm: DevRealm, app: Flask) -> None:
    """503 too, by KeysUnavailable or by 503."""

    @app.errorhandler(KeysUnavailable)
    def handle(error: KeysUnavailable) -> Any:
        return "later", 503

    with dev_realm.down():
        response = app.test_client().get("/private", headers=dev_realm.bearer())

    assert (response.status_code, response.text, response.headers["Retry-After"]) == (503, "later", "1")


def test_a_view_that_catches_a_refusal_answers_for_itself(dev_realm: DevRealm) -> None:
    """A refusal that was caught is no refusal: its header fields do not stick to another answer."""
    app = Flask(__name__)
    require_auth = ResourceProtector(dev_realm.issuer, audience="orders-api")

    @app.get("/")
    def view() -> Any:
        try:
            with require_auth.acquire("admin"):
                return "admin"
        except TokenRejected as error:
            return f"not for you: {error.reason}"

    response = app.test_client().get("/", headers=dev_realm.bearer())

    assert (response.status_code, response.text) == (200, "not for you: insufficient_scope")
    assert "WWW-Authenticate" not in response.headers


def test_a_refusal_is_a_wsgi_application_too(dev_realm: DevRealm, app: Flask) -> None:
    """Werkzeug's exceptions can be called; middleware relies on it."""
    from werkzeug.exceptions import HTTPException
    from werkzeug.test import run_wsgi_app

    with app.test_request_context(), pytest.raises(HTTPException) as refused:
        app.view_functions["private"]()
    body, status, _ = run_wsgi_app(refused.value, {"REQUEST_METHOD": "GET", "wsgi.url_scheme": "http"})

    assert status == "401 UNAUTHORIZED"
    assert b"".join(body) == b"{}"


def test_no_value_of_a_token_is_in_an_answer(dev_realm: DevRealm, client: FlaskClient) -> None:
    """Neither of the token nor of the configuration."""
    for claims in ({"aud": "secret-value"}, {"iss": "https://secret-value"}, {"typ": "secret-value"}, {"sub": None}):
        response = client.get("/private", headers=dev_realm.bearer(**claims))

        assert response.status_code == 401
        assert "secret-value" not in response.text + str(response.headers)
        assert "orders-api" not in response.text + str(response.headers)


def test_another_validator_for_the_same_answers(dev_realm: DevRealm) -> None:
    """A finished validator is as good as an issuer."""
    app = Flask(__name__)
    require_auth = ResourceProtector(RealmTokenValidator(dev_realm.issuer, audience="orders-api"))
    app.add_url_rule("/", view_func=require_auth(lambda: "ok"))

    assert app.test_client().get("/", headers=dev_realm.bearer()).text == "ok"
