"""What two issuers' answers to the same request have in common: everything but chance, time and address."""

import json
import re
from typing import Any

import requests

from tests.keycloak import unverified

HEADERS = ("Content-Type", "Cache-Control", "Pragma", "WWW-Authenticate")
TOKENS = ("access_token", "id_token", "refresh_token")
# Drawn anew for each token; of a `jti`, the kinds of session, token and grant stay.
RANDOM = ("kid", "sid", "sub", "session_state", "at_hash")
LIFETIMES = ("expires_in", "refresh_expires_in")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def answer(response: requests.Response, issuer: str) -> dict[str, Any]:
    """The answer of a token endpoint: status, header fields, members, and each token in it taken apart."""
    content = response.json() if response.content else {}
    body = {name: _member(name, value, issuer) for name, value in content.items()}
    for name in TOKENS:
        if name in content:
            body[name] = token(content[name], issuer)
    return {
        "status": response.status_code,
        "fields": {name: response.headers.get(name) for name in HEADERS},
        "body": body,
    }


def token(text: str, issuer: str) -> dict[str, Any]:
    """A token's header and claims."""
    claims = unverified.claims(text)
    compared = {name: _member(name, value, issuer) for name, value in claims.items()}
    if "exp" in claims:
        compared["exp"] = f"iat + {_rounded(int(claims['exp'] - claims['iat']))}"
    compared["iat"] = type(claims["iat"]).__name__
    return {
        "header": {name: _member(name, value, issuer) for name, value in unverified.header(text).items()},
        "claims": compared,
    }


def differences(keycloak: Any, dev_realm: Any, path: str = "") -> list[str]:
    """What differs between two answers, one line each."""
    if isinstance(keycloak, dict) and isinstance(dev_realm, dict):
        return [
            line
            for name in sorted({*keycloak, *dev_realm})
            for line in differences(keycloak.get(name, "absent"), dev_realm.get(name, "absent"), f"{path}/{name}")
        ]
    # By their JSON text: to Python, true equals 1.
    same = json.dumps(keycloak, sort_keys=True) == json.dumps(dev_realm, sort_keys=True)
    return [] if same else [f"{path}: Keycloak {keycloak!r}, dev realm {dev_realm!r}"]


def _member(name: str, value: Any, issuer: str) -> Any:
    """The value, with its JSON type kept and whatever is arbitrary in it taken out."""
    if isinstance(value, dict):
        return {key: _member(key, part, issuer) for key, part in value.items()}
    if isinstance(value, list):
        return sorted((_member(name, part, issuer) for part in value), key=repr)
    if name in LIFETIMES:
        return _rounded(value)
    if not isinstance(value, str):
        return value
    if name in RANDOM:
        return f"<{type(value).__name__}>"
    if name == "scope":
        return " ".join(sorted(value.split(" ")))
    return UUID.sub("<uuid>", value.replace(issuer, "<issuer>"))


def _rounded(seconds: int) -> int:
    """Seconds to the nearest ten: Keycloak reads its clock more than once for one answer."""
    return round(seconds, -1)
