import functools
import json
import os

import jwt
import requests
from flask import Flask, abort, g, jsonify, request

KEYCLOAK_URL = os.environ.get("KEYCLOAK_URL", "http://localhost:8080")
REALM = os.environ.get("REALM", "myorg")
ISSUER = f"{KEYCLOAK_URL}/realms/{REALM}"


def require_client_creds_decorator_factory(issuer):
    def require_auth(scopes=None):
        def decorator(view):
            @functools.wraps(view)
            def decorated():
                token = request.headers.get("Authorization", "").replace("Bearer ", "")
                if token == "":
                    abort(401)
                header = jwt.get_unverified_header(token)
                # the keys of the realm
                keys = requests.get(f"{issuer}/protocol/openid-connect/certs", timeout=10).json()["keys"]
                jwk = [key for key in keys if key["kid"] == header["kid"]][0]  # noqa: RUF015 - as it is found
                key = jwt.algorithms.RSAAlgorithm.from_jwk(json.dumps(jwk))
                # signature and expiry
                payload = jwt.decode(token, key=key, algorithms=[header["alg"]], options={"verify_aud": False})
                # scopes
                required = scopes.split(" ") if isinstance(scopes, str) else scopes or []
                granted = payload["scope"].split(" ") if required else []
                if any(scope not in granted for scope in required):
                    abort(401)
                g.payload = payload
                return view()

            return decorated

        return decorator

    return require_auth


require_auth = require_client_creds_decorator_factory(ISSUER)

app = Flask(__name__)


@app.get("/me")
@require_auth()
def me():
    return jsonify(sub=g.payload["sub"], roles=g.payload["realm_access"]["roles"])


@app.get("/orders")
@require_auth("test_api_access")
def orders():
    return jsonify(orders=[], user=g.payload["sub"])


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "5000")))
