"""What two issuers' answers to the same request have in common: everything but chance, time and address."""

import json
import re
from typing import Any

import requests

from tests.keycloak import unverified

HEADERS = ("Content-Type", "Cache-Control", "Pragma", "WWW-Authenticate", "Location")
TOKENS = ("access_token", "id_token", "refresh_token")
# Drawn anew for each token; of a `jti`, the kinds of session, token and grant stay.
RANDOM = ("kid", "sid", "sub", "session_state", "at_hash")
LIFETIMES = ("expires_in", "refresh_expires_in")
TITLE = re.compile(r"<title>(.*?)<")
SENTENCE = re.compile(r'class="instruction">(.*?)<')
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def answer(response: requests.Response, issuer: str) -> dict[str, Any]:
    """The answer of an endpoint: status, header fields, members, and each token in it taken apart.

    Of a page for people, the title is compared, and the sentence.
    """
    content: dict[str, Any]
    if response.headers.get("Content-Type", "").startswith("text/html"):
        content = {"title": TITLE.findall(response.text), "sentence": SENTENCE.findall(response.text)}
    else:
        content = response.json() if response.content else {}
    body = claims(content, issuer)
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
    return {
        "header": {name: _member(name, value, issuer) for name, value in unverified.header(text).items()},
        "claims": claims(unverified.claims(text), issuer),
    }


def claims(found: dict[str, Any], issuer: str) -> dict[str, Any]:
    """The claims of a token, or the members of an answer."""
    compared = {name: _member(name, value, issuer) for name, value in found.items()}
    if "exp" in found:
        compared["exp"] = f"iat + {_rounded(int(found['exp'] - found['iat']))}"
    if "iat" in found:
        compared["iat"] = type(found["iat"]).__name__
    return compared


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
