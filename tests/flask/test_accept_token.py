"""The decorator of flask-oidc 1."""

import json
from typing import Any

import pytest
from flask import Flask, g, jsonify
from flask.testing import FlaskClient
from flask.views import MethodView

from resource_protector import AccessToken, RealmTokenValidator
from resource_protector.dev import DevRealm
from resource_protector.flask import ResourceProtector, current_token


@pytest.fixture
def oidc(dev_realm: DevRealm) -> ResourceProtector:
    """What used to be flask-oidc's OpenIDConnect."""
    return ResourceProtector(dev_realm.issuer, audience="orders-api")


@pytest.fixture
def app(oidc: ResourceProtector) -> Flask:
    """An application as written for flask-oidc 1."""
    app = Flask(__name__)
    app.testing = True

    def view() -> Any:
        return jsonify(info=g.oidc_token_info)

    app.add_url_rule("/optional", "optional", oidc.accept_token()(view))
    app.add_url_rule("/required", "required", oidc.accept_token(require_token=True)(view))
    app.add_url_rule("/scopes", "scopes", oidc.accept_token(True, ["a", "b"])(view), methods=["GET", "POST"])
    app.add_url_rule("/optional-scopes", "optional-scopes", oidc.accept_token(scopes_required=["a"])(view))
    app.add_url_rule("/returned", "returned", oidc.accept_token(True, ["a"], render_errors=False)(view))
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Its test client."""
    return app.test_client()


def test_the_claims_are_where_the_code_looks_for_them(dev_realm: DevRealm, app: Flask, oidc: ResourceProtector) -> None:
    """`g.oidc_token_info` indexes, has .get, and dumps, as the plain dict did."""
    seen: list[Any] = []

    @app.get("/")
    @oidc.accept_token(True)
    def view() -> Any:
        info = g.oidc_token_info
        seen.append(info)
        return {"sub": info["sub"], "email": info.get("email"), "all": json.loads(json.dumps(info)), **info}

    response = app.test_client().get("/", headers=dev_realm.bearer(sub="alice"))

    assert response.json is not None
    assert (response.json["sub"], response.json["email"], response.json["all"]["sub"]) == ("alice", None, "alice")
    assert isinstance(seen[0], AccessToken)
    assert seen[0] == response.json["all"]


@pytest.mark.parametrize("path", ["/optional", "/optional-scopes"])
def test_without_a_token_it_is_none(dev_realm: DevRealm, client: FlaskClient, path: str) -> None:
    """require_token=False, its default: the view is called."""
    assert client.get(path).json == {"info": None}
    assert client.get(path, headers={"Authorization": "Basic eDp5"}).json == {"info": None}
    response = client.get(path, headers=dev_realm.bearer(sub="alice", scope="a"))
    assert response.json is not None
    assert response.json["info"]["sub"] == "alice"


@pytest.mark.parametrize("wrong", ["expired", "signature", "audience", "issuer", "id_token", "alg_none"])
def test_a_bad_token_is_refused_although_none_is_required(dev_realm: DevRealm, client: FlaskClient, wrong: Any) -> None:
    """flask-oidc called the view."""
    assert client.get("/optional", headers=dev_realm.bearer(wrong=wrong)).status_code == 401
    assert client.get("/optional", headers={"Authorization": "Bearer garbage"}).status_code == 401


def test_a_required_token(dev_realm: DevRealm, client: FlaskClient) -> None:
    """Our usual refusals: status, challenge, body, no-store."""
    missing, expired = client.get("/required"), client.get("/required", headers=dev_realm.bearer(wrong="expired"))

    assert (missing.status_code, missing.headers["WWW-Authenticate"], missing.json) == (401, "Bearer", {})
    assert expired.status_code == 401
    assert expired.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
    assert expired.json == {"error": "invalid_token", "error_description": "The access token expired"}
    assert expired.headers["Cache-Control"] == "no-store"
    assert client.get("/required", headers=dev_realm.bearer()).status_code == 200


@pytest.mark.parametrize("path", ["/required", "/scopes"])
def test_a_token_is_read_from_the_header_only(dev_realm: DevRealm, client: FlaskClient, path: str) -> None:
    """flask-oidc read the query and the form first."""
    token = dev_realm.mint(scope="a b")

    assert client.get(path, query_string={"access_token": token}).status_code == 401
    assert client.post("/scopes", data={"access_token": token}).status_code == 401
    assert client.get(path, headers=dev_realm.bearer(token), query_string={"access_token": "x"}).status_code == 200


@pytest.mark.parametrize(("scope", "status"), [("a b", 200), ("b c a", 200), ("a", 403), ("ab", 403), ("", 403)])
def test_all_scopes_are_required(dev_realm: DevRealm, client: FlaskClient, scope: str, status: int) -> None:
    """A list means all, here as there; a missing one is 403 and names what is needed."""
    response = client.get("/scopes", headers=dev_realm.bearer(scope=scope))

    assert response.status_code == status
    assert ('scope="a b"' in response.headers.get("WWW-Authenticate", "")) == (status == 403)


def test_a_token_without_the_scope_is_refused_although_none_is_required(
    dev_realm: DevRealm, client: FlaskClient
) -> None:
    """Optional is the token, not what it must hold."""
    assert client.get("/optional-scopes", headers=dev_realm.bearer(scope="b")).status_code == 403


def test_errors_may_be_returned_from_the_view(dev_realm: DevRealm, app: Flask, oidc: ResourceProtector) -> None:
    """render_errors=False: body as a dict, status, header fields, for whoever renders them, once each."""
    returned: list[Any] = []

    class Orders(MethodView):
        decorators = [oidc.accept_token(True, ["a"], render_errors=False)]  # noqa: RUF012 - as Flask documents it

        def get(self) -> str:
            return "orders"

    view = Orders.as_view("orders")

    @app.get("/orders")
    def rendered() -> Any:
        returned.append(view())
        body, status, headers = returned[-1]
        return json.dumps({"rendered": body}), status, headers

    client = app.test_client()
    expired = client.get("/orders", headers=dev_realm.bearer(wrong="expired"))
    lacking = client.get("/orders", headers=dev_realm.bearer(scope="b"))

    assert returned[0] == (
        {"error": "invalid_token", "error_description": "The access token expired"},
        401,
        {
            "Cache-Control": "no-store",
            "Pragma": "no-cache",
            "WWW-Authenticate": 'Bearer error="invalid_token", error_description="The access token expired"',
        },
    )
    assert (returned[1][0]["error"], returned[1][1]) == ("insufficient_scope", 403)
    assert json.loads(expired.data)["rendered"]["error"] == "invalid_token"
    assert expired.headers.getlist("WWW-Authenticate") == [returned[0][2]["WWW-Authenticate"]]
    assert lacking.headers.getlist("Cache-Control") == ["no-store"]


def test_returned_errors_are_json_in_plain_flask(dev_realm: DevRealm, app: Flask, client: FlaskClient) -> None:
    """Flask makes JSON of a dict; no token has no error code; keys that cannot be had are returned too."""
    app.register_error_handler(503, lambda error: ("an error page", 503))
    with dev_realm.down():
        down = client.get("/returned", headers=dev_realm.bearer(scope="a"))

    assert (client.get("/returned").status_code, client.get("/returned").json) == (401, {})
    assert client.get("/returned", headers=dev_realm.bearer(scope="b")).content_type == "application/json"
    assert (down.status_code, down.headers["Retry-After"]) == (503, "1")
    assert down.json is not None
    assert down.json["error"] == "temporarily_unavailable"


def test_what_the_view_raises_is_not_a_refusal_of_the_decorator(
    dev_realm: DevRealm, app: Flask, oidc: ResourceProtector
) -> None:
    """render_errors=False returns the decorator's own refusals, and no other."""

    @app.get("/nested")
    @oidc.accept_token(render_errors=False)
    def nested() -> str:
        with oidc.acquire("z"):
            return "ok"

    response = app.test_client().get("/nested", headers=dev_realm.bearer(scope="a"))
    assert response.status_code == 403
    assert response.headers["WWW-Authenticate"].endswith('scope="z"')


@pytest.mark.parametrize(
    ("arguments", "keywords", "match"),
    [
        (("yes",), {}, "require_token is 'yes'"),
        ((["a"],), {}, r"accept_token\(scopes\) is require_auth\(scopes\)"),
        ((None,), {}, "require_token"),
        ((1,), {}, "require_token"),
        ((True, 5), {}, "scopes"),
        ((True, []), {}, "leave it out"),
        ((True, "", True), {}, "scopes"),
        ((), {"render_errors": "no"}, "render_errors"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_refused_at_decoration(
    oidc: ResourceProtector, arguments: tuple[Any, ...], keywords: dict[str, Any], match: str
) -> None:
    """In a sentence that says what to write."""
    with pytest.raises(ValueError, match=match):
        oidc.accept_token(*arguments, **keywords)


def test_it_decorates_functions(oidc: ResourceProtector) -> None:
    """A class-based view has `decorators`."""

    class Orders(MethodView):
        pass

    with pytest.raises(TypeError, match=r"decorators = \["):
        oidc.accept_token(True)(Orders)


def test_async_views(dev_realm: DevRealm, app: Flask, oidc: ResourceProtector) -> None:
    """An `async def` view is awaited."""
    pytest.importorskip("asgiref", reason="Flask's own extra for async views")

    @app.get("/")
    @oidc.accept_token(True)
    async def view() -> Any:
        return jsonify(sub=g.oidc_token_info["sub"])

    assert app.test_client().get("/", headers=dev_realm.bearer(sub="alice")).json == {"sub": "alice"}


def test_it_protects_a_route(app: Flask, oidc: ResourceProtector) -> None:
    """`unprotected` lists none of its views; the name of a view stays."""

    @oidc.accept_token(True)
    def named() -> str:
        return "ok"

    assert [rule.rule for rule in oidc.unprotected(app)] == []
    assert named.__name__ == "named"


def test_beside_a_guard_the_token_is_verified_once(dev_realm: DevRealm) -> None:
    """Guard and decorator add up, in the challenge too; `current_token` is there as well."""
    verified: list[str] = []

    class Counting(RealmTokenValidator):
        def verify(self, token_string: str, *, introspect: bool = False) -> AccessToken:
            verified.append(token_string)
            return super().verify(token_string, introspect=introspect)

    oidc, app = ResourceProtector(Counting(dev_realm.issuer, audience="orders-api")), Flask(__name__)

    @app.get("/")
    @oidc.accept_token(True, "b")
    @oidc("c", roles="r")
    def view() -> Any:
        return jsonify(same=g.oidc_token_info == current_token)

    oidc.guard(app, "a", optional=True)
    client, token = app.test_client(), dev_realm.mint(scope="a b c", realm_access={"roles": ["r"]})

    assert client.get("/", headers=dev_realm.bearer(token)).json == {"same": True}
    assert verified == [token]
    assert client.get("/").headers["WWW-Authenticate"] == 'Bearer scope="b c"'
    assert client.get("/", headers=dev_realm.bearer(scope="b")).headers["WWW-Authenticate"].endswith('scope="a b c"')
    assert client.get("/", headers=dev_realm.bearer(scope="a b c")).status_code == 403


def test_an_earlier_requests_claims_are_gone(dev_realm: DevRealm, app: Flask, client: FlaskClient) -> None:
    """Under an outer application context `g` is shared; an error page of a refusal sees None."""
    seen: list[Any] = []

    def handler(error: Any) -> Any:
        seen.append(g.oidc_token_info)
        return {"message": error.description}, error.code

    app.register_error_handler(401, handler)
    with app.app_context():
        client.get("/optional", headers=dev_realm.bearer())
        assert client.get("/optional").json == {"info": None}
        client.get("/optional", headers=dev_realm.bearer())
        assert client.get("/required").status_code == 401
    assert seen == [None]


def test_the_parentheses_may_not_be_left_out(oidc: ResourceProtector) -> None:
    """flask-oidc 2 demanded a token there, flask-oidc 1 had no such form: nobody should have to guess."""
    with pytest.raises(ValueError, match="does not say whether a token is required"):
        oidc.accept_token(lambda: "x")  # type: ignore[arg-type]  # that is the point
