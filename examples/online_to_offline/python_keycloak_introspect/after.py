import functools
import os

from flask import Flask, abort, g, jsonify, request

from resource_protector.keycloak import KeycloakConnectionError, KeycloakOpenID

KEYCLOAK_URL = os.environ.get("KEYCLOAK_URL", "http://localhost:8080")
REALM = os.environ.get("REALM", "myorg")
CLIENT_ID = os.environ.get("CLIENT_ID", "orders-api")
CLIENT_SECRET = os.environ.get("CLIENT_SECRET", "orders-api-secret")

app = Flask(__name__)
keycloak_openid = KeycloakOpenID(
    server_url=KEYCLOAK_URL,
    client_id=CLIENT_ID,
    realm_name=REALM,
    client_secret_key=CLIENT_SECRET,
)


def login_required(view):
    @functools.wraps(view)
    def wrapper():
        token = request.headers.get("Authorization", "").replace("Bearer ", "")
        if not token:
            abort(401)
        try:
            info = keycloak_openid.introspect(token)
        except KeycloakConnectionError:
            abort(503)
        if not info["active"]:
            abort(401)
        g.user = info
        return view()

    return wrapper


@app.get("/me")
@login_required
def me():
    return jsonify(sub=g.user["sub"], username=g.user["username"], roles=g.user["realm_access"]["roles"])


@app.get("/orders")
@login_required
def orders():
    if "test_api_access" not in g.user["scope"].split():
        abort(403)
    return jsonify(orders=[], writer="writer" in g.user["resource_access"][CLIENT_ID]["roles"])


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "5000")))
