from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView

from resource_protector import any_of
from resource_protector.cli.flask_routes import routes_of
from resource_protector.explain.routes import Route
from resource_protector.flask import ResourceProtector
from tests.cli.conftest import Run

ISSUER = "https://sso.example.com/realms/myorg"
APPLICATION = f"""
from flask import Flask
from resource_protector.flask import ResourceProtector

require_auth = ResourceProtector("{ISSUER}", audience="orders-api")
app = Flask(__name__, static_folder=None)

@app.get("/orders")
@require_auth("test_api_access")
def orders():
    return ""

@app.get("/alive")
@require_auth.exempt
def alive():
    return ""

def with_mistake():
    made = Flask("made", static_folder=None)

    @require_auth("test_api_access")
    @made.get("/open")
    def decorated_above():
        return ""

    return made
"""


def protector() -> ResourceProtector:
    """A protector that no request will reach."""
    return ResourceProtector(ISSUER, audience="orders-api")


def view() -> str:
    """What every route answers."""
    return ""


def by_rule(app: Flask) -> dict[str, Route]:
    """The report, by rule."""
    return {route.rule: route for route in routes_of(app)}


def every_kind() -> tuple[Flask, ResourceProtector]:
    """An application with each kind of protection."""
    require_auth = protector()
    app = Flask("shop", static_folder=None)

    def add(rule: str, function: Any, **options: Any) -> None:
        app.add_url_rule(rule, endpoint=rule.strip("/"), view_func=function, **options)

    def copy() -> Any:
        return lambda: ""

    add("/any", require_auth(copy()))
    add("/scopes", require_auth(any_of("a b", "c"))(copy()), methods=["GET", "POST"])
    add("/roles", require_auth(roles="admin", client_roles={"orders-api": "writer"}, claims={"groups": "/x"})(copy()))
    add("/issuer", require_auth(issuer=ISSUER)(copy()))
    add("/optional", require_auth(None, optional=True)(copy()))
    add("/exempt", require_auth.exempt(copy()))
    add("/mistake", copy())
    require_auth("a")(app.view_functions["mistake"])  # as a decorator above @app.route does
    add("/preflight", require_auth(None)(copy()), methods=["OPTIONS"])

    class Items(MethodView):
        @require_auth("read")
        def get(self) -> str:
            return ""

        @require_auth("write")
        def post(self) -> str:
            return ""

    class Half(MethodView):
        @require_auth("read")
        def get(self) -> str:
            return ""

        def post(self) -> str:
            return ""

    add("/items", Items.as_view("items"))
    add("/half", Half.as_view("half"))
    staff = Blueprint("staff", __name__, url_prefix="/staff")
    staff.add_url_rule("/list", view_func=require_auth("b")(view), endpoint="list")
    staff.add_url_rule("/ping", view_func=view, endpoint="ping")
    staff.before_request(lambda: None)
    require_auth.guard(staff, "a", exempt="staff.ping")
    app.register_blueprint(staff)
    return app, require_auth


@pytest.mark.parametrize(
    ("rule", "protection", "is_covered"),
    [
        ("/any", "any valid token", True),
        ("/scopes", "scope (a and b) or c", True),
        ("/roles", "role admin, role writer of orders-api, claim groups /x", True),
        ("/issuer", f"issuer {ISSUER}", True),
        ("/optional", "optional: any valid token", True),
        ("/exempt", "exempt (marked)", True),
        ("/mistake", "nothing", False),
        ("/preflight", "any valid token", True),
        ("/items", "GET: scope read; POST: scope write", True),
        ("/half", "GET: scope read", False),
        ("/staff/list", "guard of staff: scope a; scope b", True),
        ("/staff/ping", "exempt from the guard of staff", True),
    ],
)
def test_what_protects_a_route(rule: str, protection: str, is_covered: bool) -> None:
    """Each kind of protection is said in words, and a decorator above @app.route protects nothing."""
    route = by_rule(every_kind()[0])[rule]

    assert (route.protection, route.is_covered) == (protection, is_covered)


def test_the_same_as_unprotected() -> None:
    """What the report calls open is what `require_auth.unprotected(app)` lists."""
    app, require_auth = every_kind()
    listed = {rule.rule for rule in require_auth.unprotected(app)}

    assert {route.rule for route in routes_of(app) if not route.is_covered} == listed == {"/mistake", "/half"}


def test_a_guard_of_the_application() -> None:
    """A guard covers every route; an optional one does not, for it lets everybody in."""
    guarded, optional = Flask("guarded", static_folder=None), Flask("optional", static_folder=None)
    for app, is_optional in ((guarded, False), (optional, True)):
        app.add_url_rule("/x", view_func=view)
        protector().guard(app, optional=is_optional)

    assert by_rule(guarded)["/x"] == Route("/x", ("GET",), "view", "guard: any valid token", True)
    assert by_rule(optional)["/x"] == Route("/x", ("GET",), "view", "guard: optional: any valid token", False)


def test_methods_are_those_that_were_asked_for() -> None:
    """HEAD and OPTIONS, which Flask adds by itself, are left out where there are others."""
    routes = by_rule(every_kind()[0])

    assert routes["/scopes"].methods == ("GET", "POST")
    assert routes["/preflight"].methods == ("OPTIONS",)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an application's module in the current folder."""
    name = f"routes_{tmp_path.parent.name}_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(APPLICATION)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return name


def test_all_is_protected(run: Run, module: str) -> None:
    """Exit status 0 where each route is protected or exempt."""
    result = run("routes", "--app", f"{module}:app")

    assert result.exit_code == 0, result.output
    assert "ok  /orders  GET      scope test_api_access  orders" in result.stdout
    assert "2 routes, and each is protected, or open on purpose." in result.stdout


def test_a_mistake(run: Run, module: str) -> None:
    """Exit status 1 for CI, and the commonest mistake is named."""
    result = run("routes", "--app", f"{module}:with_mistake")

    assert result.exit_code == 1
    assert "NO  /open" in result.stdout
    assert "below @app.route" in result.stdout


def test_the_document_for_programs(run: Run, module: str) -> None:
    """--json lists the routes."""
    result = run("routes", "--app", f"{module}:app", "--json")

    assert [route["rule"] for route in json.loads(result.stdout)] == ["/alive", "/orders"]


def test_only_applications_have_routes(run: Run, module: str) -> None:
    """A protector has no routes: usage."""
    result = run("routes", "--app", f"{module}:require_auth")

    assert result.exit_code == 2
    assert "is of the type ResourceProtector" in result.stderr
