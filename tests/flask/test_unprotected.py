"""The list of routes that nothing protects, at its edges."""

import pytest
from flask import Flask
from flask.views import MethodView, View

from resource_protector.dev import DevRealm
from resource_protector.flask import ResourceProtector


@pytest.fixture
def app() -> Flask:
    """An application to protect."""
    app = Flask(__name__, static_folder=None)
    app.add_url_rule("/orders", "orders", lambda: "orders")
    app.add_url_rule("/health", "health", lambda: "up")
    return app


@pytest.fixture
def require_auth(dev_realm: DevRealm) -> ResourceProtector:
    """A protector of the dev realm's tokens."""
    return ResourceProtector(dev_realm.issuer, audience="orders-api")


def listed(require_auth: ResourceProtector, app: Flask) -> set[str]:
    """The rules that nothing protects."""
    return {rule.rule for rule in require_auth.unprotected(app)}


def test_a_class_based_view_without_methods_is_unprotected(app: Flask, require_auth: ResourceProtector) -> None:
    """It has no method that could carry a decorator, so there is nothing of which all would be protected."""

    class Plain(View):
        def dispatch_request(self) -> str:
            return "open"

    class Nothing(MethodView):
        pass

    class Decorated(View):
        decorators = [require_auth("a")]  # noqa: RUF012 - as Flask documents it

        def dispatch_request(self) -> str:
            return "closed"

    app.add_url_rule("/plain", view_func=Plain.as_view("plain"))
    app.add_url_rule("/nothing", view_func=Nothing.as_view("nothing"))
    app.add_url_rule("/decorated", view_func=Decorated.as_view("decorated"))

    assert listed(require_auth, app) == {"/orders", "/health", "/plain", "/nothing"}
    assert app.test_client().get("/plain").text == "open"
    assert app.test_client().get("/decorated").status_code == 401


def test_what_an_optional_guard_exempts_is_open_on_purpose(app: Flask, require_auth: ResourceProtector) -> None:
    """By endpoint or by rule; the rest is open too, and nobody said so."""
    require_auth.guard(app, optional=True, exempt="/health")

    assert listed(require_auth, app) == {"/orders"}


def test_a_guard_that_demands_covers_what_an_optional_one_does_not(app: Flask, require_auth: ResourceProtector) -> None:
    """One lock is enough, wherever it stands in the row."""
    require_auth.guard(app, optional=True)
    require_auth.guard(app)

    assert listed(require_auth, app) == set()
