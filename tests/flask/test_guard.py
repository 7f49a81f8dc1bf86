"""The guard of a whole application or blueprint."""

from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask, abort, g, jsonify
from flask.testing import FlaskClient
from flask.views import MethodView

from resource_protector.dev import DevRealm
from resource_protector.flask import ResourceProtector, current_token

PREFLIGHT = {"Origin": "https://spa.example.com", "Access-Control-Request-Method": "GET"}


@pytest.fixture
def require_auth(dev_realm: DevRealm) -> ResourceProtector:
    """A protector of the dev realm's tokens."""
    return ResourceProtector(dev_realm.issuer, audience="orders-api")


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """An application to protect."""
    (tmp_path / "logo.txt").write_text("logo")
    app = Flask(__name__, static_folder=str(tmp_path), static_url_path="/static")

    @app.route("/orders", methods=["GET", "POST"])
    def orders() -> Any:
        return jsonify(sub=current_token["sub"] if current_token else None)

    @app.get("/health")
    def health() -> str:
        return "up"

    @app.get("/health/details")
    def details() -> str:
        return "secret"

    @app.get("/gone")
    def gone() -> Any:
        abort(410)

    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Its test client."""
    return app.test_client()


def test_every_route_is_protected(
    dev_realm: DevRealm, app: Flask, client: FlaskClient, require_auth: ResourceProtector
) -> None:
    """Views, static files, error pages and routes that do not exist (E22)."""
    require_auth.guard(app, "orders:read")
    good = dev_realm.bearer(scope="orders:read", sub="alice")

    for path in ("/orders", "/static/logo.txt", "/gone", "/nowhere", "/orders/"):
        assert client.get(path).status_code == 401, path
    assert client.delete("/orders").status_code == 401
    assert client.get("/orders", headers=dev_realm.bearer()).status_code == 403
    assert client.get("/orders", headers=good).json == {"sub": "alice"}
    with client.get("/static/logo.txt", headers=good) as response:
        assert response.data == b"logo"
    assert client.get("/nowhere", headers=good).status_code == 404
    assert client.get("/gone", headers=good).status_code == 410
    assert client.delete("/orders", headers=good).status_code == 405


def test_exempt_is_exact(app: Flask, client: FlaskClient, require_auth: ResourceProtector) -> None:
    """Endpoint names, or whole rules; never a prefix, and one string is one entry."""
    require_auth.guard(app, exempt="/health")

    assert client.get("/health").text == "up"
    assert client.get("/health/details").status_code == 401
    assert client.get("/orders").status_code == 401


def test_exempt_takes_endpoints(app: Flask, client: FlaskClient, require_auth: ResourceProtector) -> None:
    """`static` is an endpoint like others."""
    require_auth.guard(app, exempt=["health", "static"])

    assert client.get("/health").text == "up"
    with client.get("/static/logo.txt") as response:
        assert response.data == b"logo"
    assert client.get("/health/details").status_code == 401


@pytest.mark.parametrize("exempt", [[""], [5], " "])
def test_a_blank_exemption_is_refused(app: Flask, require_auth: ResourceProtector, exempt: Any) -> None:
    """It would exempt nothing, or who knows what."""
    with pytest.raises(ValueError, match="exempt holds"):
        require_auth.guard(app, exempt=exempt)


def test_a_view_can_be_marked_as_exempt(app: Flask, client: FlaskClient, require_auth: ResourceProtector) -> None:
    """@require_auth.exempt above or below the route, and on a class-based view."""

    @require_auth.exempt
    @app.get("/above")
    def above() -> str:
        return "above"

    @app.get("/below")
    @require_auth.exempt
    def below() -> str:
        return "below"

    @require_auth.exempt
    class Open(MethodView):
        def get(self) -> str:
            return "open"

    app.add_url_rule("/open", view_func=Open.as_view("open"))
    require_auth.guard(app)

    assert [client.get(path).text for path in ("/above", "/below", "/open")] == ["above", "below", "open"]


def test_a_subclass_of_an_open_view_is_not_open(
    app: Flask, client: FlaskClient, require_auth: ResourceProtector
) -> None:
    """Nobody has marked it: what is open is said of each class."""

    @require_auth.exempt
    class Health(MethodView):
        def get(self) -> str:
            return "up"

    class Admin(Health):
        pass

    app.add_url_rule("/up", view_func=Health.as_view("up"))
    app.add_url_rule("/admin", view_func=Admin.as_view("admin"))
    assert "/admin" in {rule.rule for rule in require_auth.unprotected(app)}
    require_auth.guard(app)

    assert client.get("/up").text == "up"
    assert client.get("/admin").status_code == 401


@pytest.mark.parametrize("keywords", [{"optional": "false"}, {"on_refused": "login.html"}], ids=str)
def test_a_guard_that_could_not_work_is_refused(app: Flask, require_auth: ResourceProtector, keywords: Any) -> None:
    """At its installation, and not at each request."""
    with pytest.raises(ValueError, match=next(iter(keywords))):
        require_auth.guard(app, **keywords)


def test_a_preflight_passes_and_other_options_do_not(
    app: Flask, client: FlaskClient, require_auth: ResourceProtector
) -> None:
    """E21: a browser asks without credentials; only with both fields is it a preflight."""
    require_auth.guard(app)

    assert client.options("/orders", headers=PREFLIGHT).status_code == 200
    assert client.options("/orders").status_code == 401
    assert client.options("/orders", headers={"Origin": "https://spa.example.com"}).status_code == 401
    assert client.get("/orders", headers=PREFLIGHT).status_code == 401


def test_guard_and_decorator_add_up(
    dev_realm: DevRealm, app: Flask, client: FlaskClient, require_auth: ResourceProtector
) -> None:
    """Both must hold; the challenge names what the whole route needs."""

    @app.get("/reports")
    @require_auth("reports:read")
    def reports() -> str:
        return "reports"

    require_auth.guard(app, "orders:read")

    assert client.get("/reports").headers["WWW-Authenticate"] == 'Bearer scope="orders:read reports:read"'
    for scope in ("x", "orders:read", "reports:read"):
        refused = client.get("/reports", headers=dev_realm.bearer(scope=scope))
        assert refused.status_code == 403
        assert refused.headers["WWW-Authenticate"].endswith('scope="orders:read reports:read"')
    assert client.get("/reports", headers=dev_realm.bearer(scope="reports:read orders:read")).text == "reports"


def test_an_optional_guard_lets_anonymous_requests_through(
    dev_realm: DevRealm, app: Flask, client: FlaskClient, require_auth: ResourceProtector
) -> None:
    """A bad token is still refused, and a decorator under it still demands one."""

    @app.get("/private")
    @require_auth(None)
    def private() -> str:
        return "private"

    require_auth.guard(app, optional=True)

    assert client.get("/orders").json == {"sub": None}
    assert client.get("/orders", headers=dev_realm.bearer(sub="alice")).json == {"sub": "alice"}
    assert client.get("/orders", headers=dev_realm.bearer(wrong="expired")).status_code == 401
    assert client.get("/private").status_code == 401
    assert client.get("/private", headers=dev_realm.bearer()).text == "private"


def test_g_name_puts_the_token_where_the_code_looks_for_it(
    dev_realm: DevRealm, app: Flask, client: FlaskClient, require_auth: ResourceProtector
) -> None:
    """The claims or None, in exempt views too; other hooks keep their order."""
    seen: list[Any] = []
    app.before_request(lambda: seen.append("before"))
    require_auth.guard(app, optional=True, exempt="/health", g_name="auth_token")
    app.before_request(lambda: seen.append(g.auth_token and g.auth_token["sub"]))

    client.get("/orders")
    client.get("/orders", headers=dev_realm.bearer(sub="alice"))
    client.get("/health", headers=dev_realm.bearer(sub="alice"))

    assert seen == ["before", None, "before", "alice", "before", None]
    with pytest.raises(ValueError, match="g_name"):
        require_auth.guard(app, g_name="auth token")


def test_on_refused_makes_the_applications_own_body(
    dev_realm: DevRealm, app: Flask, client: FlaskClient, require_auth: ResourceProtector
) -> None:
    """The body is the application's; status, challenge and no-store stay."""
    require_auth.guard(app, on_refused=lambda error: {"message": error.description, "reason": error.reason})
    response = client.get("/orders", headers=dev_realm.bearer(wrong="expired"))

    assert response.status_code == 401
    assert response.json == {"message": "The access token expired", "reason": "expired"}
    assert response.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
    assert response.headers["Cache-Control"] == "no-store"


def test_on_refused_may_choose_another_error_status(
    app: Flask, client: FlaskClient, require_auth: ResourceProtector
) -> None:
    """An application that hides what it has answers 404; a refusal never becomes a success."""
    require_auth.guard(app, on_refused=lambda error: ("nothing here", 404))

    assert (client.get("/orders").status_code, client.get("/orders").text) == (404, "nothing here")


def test_on_refused_may_answer_nothing(app: Flask, client: FlaskClient, require_auth: ResourceProtector) -> None:
    """None leaves the refusal as it is."""
    seen: list[Any] = []
    require_auth.guard(app, on_refused=seen.append)

    assert (client.get("/orders").status_code, len(seen)) == (401, 1)


def test_a_blueprint_can_be_guarded(
    dev_realm: DevRealm, app: Flask, client: FlaskClient, require_auth: ResourceProtector
) -> None:
    """Its own routes, and those of blueprints in it; the rest of the application is left alone."""
    admin = Blueprint("admin", __name__, url_prefix="/admin")
    deep = Blueprint("deep", __name__, url_prefix="/deep")
    admin.add_url_rule("/", "index", lambda: "admin")
    deep.add_url_rule("/", "index", lambda: "deep")
    require_auth.guard(admin, roles="admin")
    admin.register_blueprint(deep)
    app.register_blueprint(admin)
    good = dev_realm.bearer(realm_access={"roles": ["admin"]})

    assert client.get("/orders").status_code == 200
    assert (client.get("/admin/").status_code, client.get("/admin/deep/").status_code) == (401, 401)
    assert client.get("/admin/", headers=dev_realm.bearer()).status_code == 403
    assert client.get("/admin/deep/", headers=good).text == "deep"
    assert {rule.rule for rule in require_auth.unprotected(app)}.isdisjoint({"/admin/", "/admin/deep/"})


class TestUnprotected:
    """Which routes nothing protects."""

    def test_lists_what_nobody_protects(self, app: Flask, require_auth: ResourceProtector) -> None:
        """A decorator above @app.route protects nothing: the route keeps the function below it."""

        @require_auth("a")
        @app.get("/forgotten")
        def forgotten() -> str:
            return "open to all"

        @app.get("/private")
        @require_auth("a")
        def private() -> str:
            return "private"

        @app.get("/public")
        @require_auth.exempt
        def public() -> str:
            return "public"

        found = {rule.rule for rule in require_auth.unprotected(app)}

        assert "/forgotten" in found
        assert {"/private", "/public"}.isdisjoint(found)
        assert app.test_client().get("/forgotten").text == "open to all"

    def test_a_guard_covers_everything(self, app: Flask, require_auth: ResourceProtector) -> None:
        """Exempt routes are open on purpose."""
        app.before_request(lambda: None)
        require_auth.guard(app, exempt="/health")

        assert require_auth.unprotected(app) == []

    def test_an_optional_guard_covers_nothing(self, app: Flask, require_auth: ResourceProtector) -> None:
        """Anonymous requests reach the views."""
        require_auth.guard(app, optional=True)

        assert "/orders" in {rule.rule for rule in require_auth.unprotected(app)}

    def test_a_class_is_protected_when_all_its_methods_are(self, app: Flask, require_auth: ResourceProtector) -> None:
        """One open method is an open route."""

        class Half(MethodView):
            def get(self) -> str:
                return "open"

            @require_auth("a")
            def post(self) -> str:
                return "closed"

        class Whole(MethodView):
            @require_auth("a")
            def get(self) -> str:
                return "closed"

        app.add_url_rule("/half", view_func=Half.as_view("half"))
        app.add_url_rule("/whole", view_func=Whole.as_view("whole"))
        found = {rule.rule for rule in require_auth.unprotected(app)}

        assert "/half" in found
        assert "/whole" not in found
