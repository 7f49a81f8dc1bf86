"""The service that is called: it tells the two kinds of callers apart by their tokens."""

import os

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

from resource_protector import RealmTokenValidator
from resource_protector.flask import ResourceProtector, current_token

ISSUER = os.environ.get("ISSUER", "http://localhost:8080/realms/shop")
PORT = int(os.environ.get("PORT", "50104"))

require_auth = ResourceProtector(RealmTokenValidator(ISSUER, audience="stock-api"))

APP = Flask(__name__)


@APP.get("/stock")
@require_auth(None)
def stock() -> ResponseReturnValue:
    return jsonify(stock={"book": 3}, asked_by=current_token["azp"])


@APP.get("/reservations")
@require_auth(None)
def reservations() -> ResponseReturnValue:
    # `azp` is the service that exchanged the token, the rest is whom it stands for.
    return jsonify(reservations=[], of=current_token["preferred_username"], asked_by=current_token["azp"])


if __name__ == "__main__":
    APP.run(host="127.0.0.1", port=PORT)
