"""How long tokens of known keys wait while the realm takes 300 ms to answer a refresh."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from resource_protector import RealmTokenValidator
from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from tests.benchmarks.figures import Row, Section

__all__ = ["measure"]

STALL_SECONDS = 0.3
KEYS_LIVE_SECONDS = 1
REQUEST_EVERY_SECONDS = 0.002
TARGET_MILLISECONDS = 5.0


def measure(rounds: int, seconds: float) -> list[Section]:
    """One section; each round lives through a few refreshes."""
    ours, peer = [], []
    with DevRealm(DEMO_REALM_FILE) as realm:
        token = realm.token(scope="test_api_access")
        for _ in range(rounds):
            validator = RealmTokenValidator(
                realm.issuer, audience="orders-api", max_age_seconds=KEYS_LIVE_SECONDS, token_cache_size=0
            )
            ours.append(_p99(realm, lambda call=validator.verify: call(token), seconds))  # type: ignore[misc]  # bound now
            peer.append(_p99(realm, _pyjwt(realm, token), seconds))
    note = (
        f"One request every {REQUEST_EVERY_SECONDS * 1000:.0f} ms, timed from when it was due; the keys live for "
        f"{KEYS_LIVE_SECONDS} s, and each fetch takes {STALL_SECONDS * 1000:.0f} ms."
    )
    rows = [Row("ours", ours, TARGET_MILLISECONDS, is_ours=True), Row("PyJWT, PyJWKClient", peer)]
    return [Section("Known key while a refresh takes 300 ms: p99", "ms", rows, note)]


def _pyjwt(realm: DevRealm, token: str) -> Callable[[], object]:
    jwt: Any = import_module("jwt")
    client = jwt.PyJWKClient(realm.issuer + "/protocol/openid-connect/certs", lifespan=KEYS_LIVE_SECONDS)
    return lambda: jwt.decode(
        token, client.get_signing_key_from_jwt(token).key, algorithms=["RS256"], audience="orders-api"
    )


def _p99(realm: DevRealm, call: Callable[[], object], seconds: float) -> float:
    """The 99th percentile of the waits, in milliseconds."""
    call()
    waits = []
    with realm.stall(STALL_SECONDS):
        due = begun = time.perf_counter()
        while due < begun + seconds:
            time.sleep(max(0.0, due - time.perf_counter()))  # the pace of the requests, waits for nothing
            call()
            waits.append((time.perf_counter() - due) * 1000)
            due += REQUEST_EVERY_SECONDS
    return statistics.quantiles(waits, n=100)[98]
