import os

from flask import Flask, jsonify

from resource_protector.flask import ResourceProtector, current_token

KEYCLOAK_URL = os.environ.get("KEYCLOAK_URL", "http://localhost:8080")
REALM = os.environ.get("REALM", "myorg")
ISSUER = f"{KEYCLOAK_URL}/realms/{REALM}"


require_auth = ResourceProtector(ISSUER, audience="orders-api")

app = Flask(__name__)


@app.get("/me")
@require_auth()
def me():
    return jsonify(sub=current_token["sub"], roles=current_token["realm_access"]["roles"])


@app.get("/orders")
@require_auth("test_api_access")
def orders():
    return jsonify(orders=[], user=current_token["sub"])


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "5000")))
