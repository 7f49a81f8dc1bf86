"""One verification of ours, one raw signature check, and how they are compared: the yardstick of `make bench`.

Raw is one `public_key.verify` of the same token with prepared objects. Every figure is a ratio to a
raw measured beside it in the same round, because the speed of a shared machine drifts.
"""

import base64
import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from joserfc.jwk import ECKey, OKPKey, RSAKey

from resource_protector import RealmTokenValidator
from resource_protector.dev import DevRealm

# What a service account's token of the demo realm is signed with, by client.
CLIENTS = {"RS256": "test_api_client", "ES256": "es256", "PS256": "ps256", "EdDSA": "eddsa"}
TARGETS = {
    "not seen before, cache off": {"RS256": 1.95, "ES256": 1.4, "PS256": 1.85, "EdDSA": 1.25},
    "not seen before, as configured by default": {"RS256": 2.15, "ES256": 1.45, "PS256": 2.05, "EdDSA": 1.3},
    "seen before": {"RS256": 0.15, "ES256": 0.05, "PS256": 0.1, "EdDSA": 0.03},
}
Call = Callable[[], object]


def raw_verification(jwk: dict[str, Any], algorithm: str, token: str) -> Call:
    """The signature check alone, with everything prepared."""
    kinds: dict[str, Any] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    key = kinds[jwk["kty"]].import_key({k: v for k, v in jwk.items() if k not in ("x5c", "x5t", "x5t#S256")}).public_key
    signing_input, _, encoded = token.rpartition(".")
    message, signature = signing_input.encode(), decoded(encoded)
    sha256 = hashes.SHA256()
    if algorithm == "EdDSA":
        return lambda: key.verify(signature, message)
    if algorithm == "ES256":
        der = utils.encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
        return lambda: key.verify(der, message, ec.ECDSA(sha256))
    scheme: Any = padding.PKCS1v15()
    if algorithm == "PS256":
        scheme = padding.PSS(mgf=padding.MGF1(sha256), salt_length=32)
    return lambda: key.verify(signature, message, scheme, sha256)


def decoded(segment: str) -> bytes:
    """base64url, for the raw verification only."""
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def seconds(call: Call, times: int) -> float:
    """The time of one call, over a round of `times`."""
    begun = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - begun) / times


def ratios(calls: dict[str, Call], raw: Call, rounds: int, times: int) -> dict[str, list[float]]:
    """Per call its cost in raws, round by round, each beside a raw of its own."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            before = seconds(raw, times)
            cost = seconds(call, times)
            after = seconds(raw, times)
            found[name].append(cost / ((before + after) / 2))
    return found


def our_calls(realm: DevRealm, algorithm: str, token: str) -> dict[str, Call]:
    """One verification each: with the cache off, of a token that is new to the cache, of one that is not."""
    off, on, seen = (
        RealmTokenValidator(realm.issuer, audience="orders-api", fetch=realm.fetch, token_cache_size=size)
        for size in (0, 1, 4096)
    )
    # A cache of one entry and two tokens in turn: each call hashes, verifies, inserts and evicts.
    other = realm.token(client=CLIENTS[algorithm], scope="test_api_access")
    turns = {token: other, other: token}
    current = [token]

    def not_seen_before() -> None:
        on.verify(current[0])
        current[0] = turns[current[0]]

    return {
        "not seen before, cache off": lambda: off.verify(token),
        "not seen before, as configured by default": not_seen_before,
        "seen before": lambda: seen.verify(token),
    }
