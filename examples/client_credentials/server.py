"""A resource server: one open route, one for any valid token, one for a scope."""

import os

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

from resource_protector import RealmTokenValidator
from resource_protector.flask import ResourceProtector

ISSUER = os.environ.get("ISSUER", "http://localhost:8080/realms/myorg")
PORT = int(os.environ.get("PORT", "50100"))

require_auth = ResourceProtector()
require_auth.register_token_validator(RealmTokenValidator(ISSUER, audience="orders-api"))

APP = Flask(__name__)


@APP.route("/api/public")
def public() -> ResponseReturnValue:
    response = "No need of Authorization to see this"
    return jsonify(message=response)


@APP.route("/api/private")
@require_auth(None)
def private() -> ResponseReturnValue:
    response = "Authorization is required to see this"
    return jsonify(message=response)


@APP.route("/api/private-scoped")
@require_auth("test_api_access")
def private_scoped() -> ResponseReturnValue:
    response = "Authorization with a scope named test_api_access is required to see this"
    return jsonify(message=response)


if __name__ == "__main__":
    APP.run(host="127.0.0.1", port=PORT)
