"""A Flask application protected by this package, asked in process."""

from flask import Flask, jsonify
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from werkzeug.test import TestResponse

from resource_protector import MultiRealmValidator, RealmTokenValidator, all_of, any_of
from resource_protector.flask import ResourceProtector, current_token


def make(validator: RealmTokenValidator | MultiRealmValidator) -> FlaskClient:
    """An application with one route per kind of requirement; every route answers who asked."""
    require_auth = ResourceProtector()
    require_auth.register_token_validator(validator)
    app = Flask(__name__)
    protected = {
        "any": require_auth(None),
        "scope": require_auth("test_api_access"),
        "two-scopes": require_auth("test_api_access email"),
        "list-of-scopes": require_auth(["test_api_access", "email"]),
        "either-scope": require_auth(any_of("test_api_access", "offline_access")),
        "role": require_auth(roles="reader"),
        "two-roles": require_auth(roles=all_of("reader", "admin")),
        "client-role": require_auth(client_roles={"orders-api": "writer"}),
        "scope-and-role": require_auth("test_api_access", roles="reader"),
    }
    for name, protect in protected.items():
        app.add_url_rule(f"/{name}", name, protect(_who))
    return app.test_client()


def ask(application: FlaskClient, token: str, path: str = "/any") -> TestResponse:
    """The application's answer to a call with the token."""
    return application.get(path, headers={"Authorization": f"Bearer {token}"})


def _who() -> ResponseReturnValue:
    return jsonify(sub=current_token["sub"])
