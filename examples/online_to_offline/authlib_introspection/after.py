import os

from authlib.integrations.flask_oauth2 import ResourceProtector, current_token
from flask import Flask, jsonify

from resource_protector import RealmTokenValidator

KEYCLOAK_URL = os.environ.get("KEYCLOAK_URL", "http://localhost:8080")
REALM = os.environ.get("REALM", "myorg")
CLIENT_ID = os.environ.get("CLIENT_ID", "orders-api")
ISSUER = f"{KEYCLOAK_URL}/realms/{REALM}"


class KeycloakTokenValidator(RealmTokenValidator):
    """The tokens of our realm."""


app = Flask(__name__)
require_oauth = ResourceProtector()
require_oauth.register_token_validator(KeycloakTokenValidator(ISSUER, audience=CLIENT_ID))


@app.get("/me")
@require_oauth()
def me():
    return jsonify(sub=current_token["sub"], roles=current_token["realm_access"]["roles"])


@app.get("/orders")
@require_oauth("test_api_access")
def orders():
    return jsonify(orders=[], user=current_token["sub"])


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "5000")))
