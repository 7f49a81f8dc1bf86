import os

from flask import Flask, abort, jsonify, request
from jwcrypto.common import JWException
from keycloak import KeycloakOpenID

KEYCLOAK_URL = os.environ.get("KEYCLOAK_URL", "http://localhost:8080")
REALM = os.environ.get("REALM", "myorg")
CLIENT_ID = os.environ.get("CLIENT_ID", "orders-api")

app = Flask(__name__)
keycloak_openid = KeycloakOpenID(server_url=KEYCLOAK_URL, client_id=CLIENT_ID, realm_name=REALM)


def current_user():
    header = request.headers.get("Authorization")
    if not header:
        abort(401, "No token.")
    try:
        return keycloak_openid.decode_token(header.split(" ")[1])
    except JWException:
        abort(401, "Bad token.")


@app.get("/me")
def me():
    user = current_user()
    return jsonify(sub=user["sub"], username=user["preferred_username"], roles=user["realm_access"]["roles"])


@app.get("/orders")
def orders():
    user = current_user()
    if "test_api_access" not in user["scope"].split():
        abort(403)
    return jsonify(orders=[], user=user["sub"])


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "5000")))
