import os

from authlib.integrations.flask_oauth2 import current_token
from flask import Flask, jsonify
from flask_oidc import OpenIDConnect

KEYCLOAK_URL = os.environ.get("KEYCLOAK_URL", "http://localhost:8080")
REALM = os.environ.get("REALM", "myorg")
CLIENT_ID = os.environ.get("CLIENT_ID", "orders-api")
CLIENT_SECRET = os.environ.get("CLIENT_SECRET", "orders-api-secret")
ISSUER = f"{KEYCLOAK_URL}/realms/{REALM}"

app = Flask(__name__)
app.config["OIDC_CLIENT_SECRETS"] = {
    "web": {"issuer": ISSUER, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
}
app.config["OIDC_RESOURCE_SERVER_ONLY"] = True
oidc = OpenIDConnect(app)


@app.get("/me")
@oidc.accept_token()
def me():
    return jsonify(sub=current_token["sub"], roles=current_token["realm_access"]["roles"])


@app.get("/orders")
@oidc.accept_token("test_api_access")
def orders():
    return jsonify(orders=[], user=current_token["sub"])


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "5000")))
