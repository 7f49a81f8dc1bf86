"""What a flood of tokens with invented key ids costs: fetches at the realm, and refusals per second."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable
from importlib import import_module
from typing import Any

from resource_protector import RealmTokenValidator, TokenRejected
from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from tests.benchmarks.figures import Row, Section

__all__ = ["measure"]

FLOOD = 10_000
PEER_FLOOD = 200  # one fetch each: the rest is arithmetic
FETCHES = 1
REFUSALS_PER_SECOND = 50_000


def measure(rounds: int) -> list[Section]:
    """Two sections: what the realm sees of it, and how quickly it is refused."""
    fetches, rates, peer_fetches, peer_rates = [], [], [], []
    with DevRealm(DEMO_REALM_FILE) as realm:
        for _ in range(rounds):
            found = _ours(realm)
            fetches.append(found[0])
            rates.append(found[1])
            found = _pyjwt(realm)
            peer_fetches.append(found[0])
            peer_rates.append(found[1])
    title = f"{FLOOD:,} tokens with keys that nobody knows"
    return [
        Section(
            f"{title}: fetches",
            "fetches at the realm, beside the first load of the keys",
            [Row("ours", fetches, FETCHES, is_ours=True), Row("PyJWT, warm PyJWKClient", peer_fetches)],
            f"PyJWT: measured with {PEER_FLOOD} tokens, and multiplied.",
        ),
        Section(
            f"{title}: refusals",
            "refusals per second",
            [
                Row("ours", rates, REFUSALS_PER_SECOND, higher_is_better=True, is_ours=True),
                Row("PyJWT, warm PyJWKClient", peer_rates),
            ],
        ),
    ]


def _ours(realm: DevRealm) -> tuple[float, float]:
    validator = RealmTokenValidator(realm.issuer, audience="orders-api")
    token = realm.token(scope="test_api_access")
    validator.verify(token)
    before = realm.requests["certs"]
    rate = _refused(validator.verify, TokenRejected, _unknown(token, FLOOD))
    return realm.requests["certs"] - before, rate


def _pyjwt(realm: DevRealm) -> tuple[float, float]:
    jwt: Any = import_module("jwt")
    client = jwt.PyJWKClient(realm.issuer + "/protocol/openid-connect/certs")
    token = realm.token(scope="test_api_access")
    client.get_signing_key_from_jwt(token)
    before = realm.requests["certs"]
    rate = _refused(client.get_signing_key_from_jwt, jwt.PyJWKClientError, _unknown(token, PEER_FLOOD))
    return (realm.requests["certs"] - before) * FLOOD / PEER_FLOOD, rate


def _refused(verify: Callable[[str], object], refusal: type[Exception], tokens: list[str]) -> float:
    """Refusals per second. Raises ValueError for a token that is not refused."""
    begun = time.perf_counter()
    for token in tokens:
        try:
            verify(token)
        except refusal:
            continue
        raise ValueError("a token of an unknown key was accepted")
    return len(tokens) / (time.perf_counter() - begun)


def _unknown(token: str, number: int) -> list[str]:
    """As many tokens, each with a key id of its own that no realm has."""
    _, payload, signature = token.split(".")
    headers = (json.dumps({"alg": "RS256", "typ": "JWT", "kid": str(uuid.uuid4())}) for _ in range(number))
    return [f"{base64.urlsafe_b64encode(h.encode()).decode().rstrip('=')}.{payload}.{signature}" for h in headers]
