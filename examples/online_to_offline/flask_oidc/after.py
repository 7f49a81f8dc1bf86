import os

from flask import Flask, jsonify

from resource_protector.flask import ResourceProtector, current_token

KEYCLOAK_URL = os.environ.get("KEYCLOAK_URL", "http://localhost:8080")
REALM = os.environ.get("REALM", "myorg")
CLIENT_ID = os.environ.get("CLIENT_ID", "orders-api")
ISSUER = f"{KEYCLOAK_URL}/realms/{REALM}"

app = Flask(__name__)
oidc = ResourceProtector(ISSUER, audience=CLIENT_ID)


@app.get("/me")
@oidc.accept_token(require_token=True)
def me():
    return jsonify(sub=current_token["sub"], roles=current_token["realm_access"]["roles"])


@app.get("/orders")
@oidc.accept_token(require_token=True, scopes_required=["test_api_access"])
def orders():
    return jsonify(orders=[], user=current_token["sub"])


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "5000")))
