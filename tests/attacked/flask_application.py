"""The application under attack, on Flask."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from resource_protector.flask import ResourceProtector, get_token
from tests.attacked.configuration import DEMANDS, configuration_of_the_process, validators

__all__ = ["application"]


def application(configuration: dict[str, str] | None = None) -> Flask:
    """It, for the realm of a configuration; without an argument for that of the environment."""
    app = Flask("attacked")
    made = validators(configuration or configuration_of_the_process())
    app.extensions["validators"] = made
    require_auth = ResourceProtector(made["/private"])
    for route, validator in made.items():
        protect = require_auth if route == "/private" else ResourceProtector(validator)
        scopes = "orders:read" if route == "/named" else None
        app.add_url_rule(route, route, protect(scopes)(_named(route)))
        app.add_url_rule(f"/optional{route}", f"optional{route}", protect(None, optional=True)(_named(route)))
    for route, demands in DEMANDS.items():
        rest = dict(demands)
        protected = require_auth(rest.pop("scopes", None), **rest)(_named(route))
        app.add_url_rule(route, route, protected, methods=["GET", "POST"])
    guarded = Flask("guarded")
    guarded.add_url_rule("/", "index", _whose, methods=["GET", "POST"])
    require_auth.guard(guarded, "orders:read")
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/guarded": guarded})  # type: ignore[method-assign]  # Flask's documentation has it so
    return app


def _whose() -> ResponseReturnValue:
    token = get_token()
    return jsonify(sub=token.subject if token is not None else None)


def _named(name: str) -> Callable[[], ResponseReturnValue]:
    def view() -> ResponseReturnValue:
        return _whose()

    view.__name__ = name
    return view
