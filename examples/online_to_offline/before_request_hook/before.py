import os

from flask import Flask, abort, g, json, jsonify, request
from keycloak import KeycloakOpenID
from werkzeug.exceptions import HTTPException

KEYCLOAK_URL = os.environ.get("KEYCLOAK_URL", "http://localhost:8080")
REALM = os.environ.get("REALM", "myorg")
CLIENT_ID = os.environ.get("CLIENT_ID", "orders-api")

app = Flask(__name__)
keycloak_openid = KeycloakOpenID(server_url=KEYCLOAK_URL, realm_name=REALM, client_id=CLIENT_ID)


@app.before_request
def count_calls():
    g.calls = app.config["CALLS"] = app.config.get("CALLS", 0) + 1


@app.before_request
def check_jwt():
    auth = request.authorization
    if auth is not None:
        g.auth_token = keycloak_openid.decode_token(auth.token)
    else:
        g.auth_token = None


@app.after_request
def set_headers(response):
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@app.errorhandler(HTTPException)
def json_instead_of_html(error):
    response = error.get_response()
    response.data = json.dumps({"code": error.code, "name": error.name, "description": error.description})
    response.content_type = "application/json"
    return response


@app.get("/me")
def me():
    auth = g.auth_token
    if auth is None:
        return jsonify(sub=None, roles=[])
    return jsonify(sub=auth["sub"], roles=auth["realm_access"]["roles"])


@app.get("/orders")
def orders():
    auth = g.auth_token
    if auth is None:
        abort(401)
    if "test_api_access" not in auth.get("scope", "").split():
        abort(403)
    return jsonify(orders=[], user=auth["sub"])


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "5000")))
