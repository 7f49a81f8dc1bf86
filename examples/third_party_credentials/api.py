"""An API for third parties: it knows which customer calls, limits and counts each, and can shut one out at once."""

import os
import threading
from collections import Counter

from flask import Flask, Response, jsonify
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter

from resource_protector.flask import ResourceProtector, current_token

PORT = int(os.environ.get("PORT", "50102"))

require_auth = ResourceProtector(
    os.environ.get("ISSUER", "http://localhost:8080/realms/myorg"),
    audience="orders-api",
    # What the API itself asks the realm with, on routes with introspect=True. It has no role there.
    client_id="orders-api",
    client_secret=os.environ.get("CLIENT_SECRET", "orders-api-secret"),
    introspection_seconds=float(os.environ.get("INTROSPECTION_SECONDS", "10")),
)

APP = Flask(__name__)
# The guard before the limiter: default limits are counted before any view is called, and must know by then who calls.
require_auth.guard(APP, exempt="health")


def caller() -> str:
    """The customer's client id: the name that `credentials issue` was given."""
    return (current_token.client_id or "unnamed") if current_token else "anonymous"


limiter = Limiter(
    caller,
    app=APP,
    default_limits=[os.environ.get("DEFAULT_LIMIT", "100 per minute")],
    headers_enabled=True,  # 429 with Retry-After
    storage_uri=os.environ.get("LIMITS", "memory://"),  # of one process: several workers share redis://...
)
calls: Counter[str] = Counter()
calls_lock = threading.Lock()


@APP.get("/orders")
@require_auth("test_api_access")  # above the limit: a call that is refused here uses up nobody's share
@limiter.limit(os.environ.get("ORDERS_LIMIT", "10 per minute"))
def orders() -> ResponseReturnValue:
    return jsonify(orders=[], customer=caller())


@APP.get("/payouts")
@require_auth("test_api_access", introspect=True)  # asks the realm: a withdrawn customer is out within seconds
def payouts() -> ResponseReturnValue:
    return jsonify(payouts=[], customer=caller())


@APP.get("/usage")
@require_auth("test_api_access")
def usage() -> ResponseReturnValue:
    with calls_lock:
        return jsonify(customer=caller(), calls=calls[caller()])


@APP.get("/health")
@limiter.exempt
def health() -> ResponseReturnValue:
    return jsonify(ok=True)


@APP.after_request
def count(response: Response) -> Response:
    """Counts what a customer was served, and not what was refused."""
    if current_token and response.status_code < 400:
        with calls_lock:
            calls[caller()] += 1
    return response


if __name__ == "__main__":
    APP.run(host="127.0.0.1", port=PORT)
