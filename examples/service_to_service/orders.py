"""A service that is called, and calls another: in its own name, or in its caller's."""

import os

import requests
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from resource_protector import RealmTokenValidator
from resource_protector.client import ClientCredentials, TokenEndpoint, TokenRequestFailed
from resource_protector.flask import ResourceProtector

ISSUER = os.environ.get("ISSUER", "http://localhost:8080/realms/shop")
STOCK_URL = os.environ.get("STOCK_URL", "http://localhost:50104")
CLIENT_ID = "orders-api"
CLIENT_SECRET = os.environ.get("CLIENT_SECRET", "orders-api-secret")
PORT = int(os.environ.get("PORT", "50103"))

require_auth = ResourceProtector(RealmTokenValidator(ISSUER, audience=CLIENT_ID))
own_token = ClientCredentials(ISSUER, CLIENT_ID, CLIENT_SECRET)  # one token for all requests of this process
realm = TokenEndpoint(ISSUER, CLIENT_ID, CLIENT_SECRET)

APP = Flask(__name__)


@APP.get("/in-stock")
@require_auth(None)
def in_stock() -> ResponseReturnValue:
    """In this service's own name: what everybody may know."""
    answer = requests.get(f"{STOCK_URL}/stock", auth=own_token, timeout=10)
    return jsonify(answer.json()), answer.status_code


@APP.get("/my-reservations")
@require_auth(None)
def my_reservations() -> ResponseReturnValue:
    """In the caller's name: his token is for this service, so it is exchanged for one that is for the next."""
    callers_token = request.headers["Authorization"].split()[1]
    exchanged = realm.exchange(callers_token, audience="stock-api")
    headers = {"Authorization": f"Bearer {exchanged.access_token}"}
    answer = requests.get(f"{STOCK_URL}/reservations", headers=headers, timeout=10)
    return jsonify(answer.json()), answer.status_code


@APP.errorhandler(TokenRequestFailed)
def no_token(error: TokenRequestFailed) -> ResponseReturnValue:
    APP.logger.error("No token for %s: %s", STOCK_URL, error)  # what to change is for whoever runs this service
    return jsonify(error="temporarily_unavailable"), 503


if __name__ == "__main__":
    APP.run(host="127.0.0.1", port=PORT)
