"""A small protected application, as the servers under test run it.

From the environment: ISSUER, OPTIONS (the validator's keywords as JSON), and BEFORE_FORK, which says
what a server that preloads the application finds done to the keys: nothing, `loaded`, or `loading`.
"""

import json
import logging
import os

from flask import Flask, Response, jsonify

from resource_protector.flask import ResourceProtector, current_token

logging.basicConfig(format="%(process)d %(name)s %(levelname)s %(message)s")
logging.getLogger("resource_protector").setLevel(logging.INFO)

options = json.loads(os.environ.get("OPTIONS", "{}"))
require_auth = ResourceProtector(os.environ["ISSUER"], audience="orders-api", **options)
app = Flask(__name__)

match os.environ.get("BEFORE_FORK"):
    case "loaded":
        require_auth.validator.keys.reload()
    case "loading":
        require_auth.validator.keys.current()


@app.get("/private")
@require_auth(None)
def private() -> Response:
    """Whoever has a valid token."""
    return jsonify(sub=current_token["sub"])


if "client_id" in options:

    @app.get("/asked")
    @require_auth(introspect=True)
    def asked() -> Response:
        """Whose token the realm calls active, too."""
        return jsonify(sub=current_token["sub"])


@app.after_request
def name_the_worker(response: Response) -> Response:
    """Say which process has answered."""
    response.headers["X-Worker"] = str(os.getpid())
    return response
