import os

import requests
from authlib.integrations.flask_oauth2 import ResourceProtector, current_token
from authlib.oauth2.rfc7662 import IntrospectTokenValidator
from flask import Flask, jsonify

KEYCLOAK_URL = os.environ.get("KEYCLOAK_URL", "http://localhost:8080")
REALM = os.environ.get("REALM", "myorg")
CLIENT_ID = os.environ.get("CLIENT_ID", "orders-api")
CLIENT_SECRET = os.environ.get("CLIENT_SECRET", "orders-api-secret")
ISSUER = f"{KEYCLOAK_URL}/realms/{REALM}"


class KeycloakTokenValidator(IntrospectTokenValidator):
    """The tokens of our realm."""

    def introspect_token(self, token_string):
        url = f"{ISSUER}/protocol/openid-connect/token/introspect"
        data = {"token": token_string, "token_type_hint": "access_token"}
        response = requests.post(url, data=data, auth=(CLIENT_ID, CLIENT_SECRET), timeout=10)
        return response.json()


app = Flask(__name__)
require_oauth = ResourceProtector()
require_oauth.register_token_validator(KeycloakTokenValidator())


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
