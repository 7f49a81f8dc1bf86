"""The same Flask route behind different checks, as gunicorn serves it: see `tests.benchmarks.gunicorn`.

From the environment: ISSUER, of a dev realm, INTROSPECTED, the realm that answers introspection, and SECRET.
"""

import os
from importlib import import_module
from typing import Any

from flask import Flask

from resource_protector.flask import ResourceProtector
from tests.benchmarks.flask_request import SCOPE, introspecting_view, view

ISSUER = os.environ["ISSUER"]

app = Flask(__name__)
app.get("/unprotected", endpoint="unprotected")(view)
app.get("/ours", endpoint="ours")(ResourceProtector(ISSUER, audience="orders-api")(SCOPE)(view))
app.get("/introspected", endpoint="introspected")(introspecting_view(os.environ["INTROSPECTED"], os.environ["SECRET"]))


def add_authlib() -> None:
    """Authlib's own protector; its keys are fetched when the application is imported."""
    import requests

    flask_oauth2: Any = import_module("authlib.integrations.flask_oauth2")
    rfc7523: Any = import_module("authlib.oauth2.rfc7523")
    document = requests.get(ISSUER + "/protocol/openid-connect/certs", timeout=10).json()
    keys = [key for key in document["keys"] if key["use"] == "sig"]
    validator = rfc7523.JWTBearerTokenValidator({"keys": keys}, issuer=ISSUER)
    del validator.claims_options["client_id"], validator.claims_options["grant_type"]
    require_auth = flask_oauth2.ResourceProtector()
    require_auth.register_token_validator(validator)
    app.get("/authlib", endpoint="authlib")(require_auth(SCOPE)(view))


add_authlib()
