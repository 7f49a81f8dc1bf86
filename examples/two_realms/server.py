"""An API for two realms: one of the company's own, one of its partners."""

import contextlib
import os

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

from resource_protector import KeysUnavailable, MultiRealmValidator, RealmTokenValidator
from resource_protector.flask import ResourceProtector, current_token

STAFF = os.environ.get("STAFF_ISSUER", "http://localhost:8080/realms/myorg")
PARTNERS = os.environ.get("PARTNERS_ISSUER", "http://localhost:8080/realms/local")
PORT = int(os.environ.get("PORT", "50101"))

validator = MultiRealmValidator(
    RealmTokenValidator(STAFF, audience="orders-api"),
    RealmTokenValidator(PARTNERS, audience="local-api"),
)
require_auth = ResourceProtector(validator)

APP = Flask(__name__)


@APP.get("/orders")
@require_auth(None)  # of either realm
def orders() -> ResponseReturnValue:
    # `sub` is unique within one issuer only: whoever stores users stores both.
    return jsonify(orders=[], caller=[current_token["iss"], current_token["sub"]])


@APP.get("/reports")
@require_auth(issuer=STAFF)  # of this one only
def reports() -> ResponseReturnValue:
    return jsonify(reports=[])


@APP.get("/ready")
@require_auth.exempt
def ready() -> ResponseReturnValue:
    for realm in validator.validators.values():
        if not realm.status()["loaded"]:
            with contextlib.suppress(KeysUnavailable):
                realm.keys.reload()
    # One realm is enough to be of use: the other's absence is that realm's users' trouble.
    some_keys = any(status["loaded"] for status in validator.status().values())
    return jsonify(validator.status()), 200 if some_keys else 503


if __name__ == "__main__":
    APP.run(host="127.0.0.1", port=PORT)
