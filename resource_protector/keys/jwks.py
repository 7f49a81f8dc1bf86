"""One JWKS document, turned into keys that check signatures (RFC 7517 section 5)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.util import base64_to_int

from resource_protector.algorithms import ALGORITHMS, KEY_TYPES, Algorithm

__all__ = ["VerificationKey", "read_jwks"]

_RSA_BITS = range(2048, 8192 + 1)
_MATERIAL = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_KEY_CLASSES: dict[str, Any] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


class VerificationKey:
    """One public key of the realm, prepared for the algorithms that it may be used with."""

    __slots__ = ("_algorithms", "_key", "identity", "kid")

    def __init__(self, kid: str | None, identity: str, key: Any, algorithms: Iterable[Algorithm]) -> None:
        self.kid = kid
        self.identity = identity
        self._key = key
        self._algorithms = {algorithm.name: algorithm for algorithm in algorithms}

    @property
    def algorithms(self) -> Collection[str]:
        """The names of the algorithms that this key may be used with."""
        return self._algorithms.keys()

    def verifies(self, algorithm: str, signing_input: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's over `signing_input` (RFC 7515 section 5.2)."""
        return self._algorithms[algorithm].verify(signing_input, signature, self._key)


def read_jwks(
    document: object, known: Mapping[str, VerificationKey]
) -> tuple[tuple[VerificationKey, ...], dict[str, str]]:
    """The usable keys of `document`, and why each other one was skipped (by `kid`, or position).

    Keys are imported one by one, so an odd key never costs the others. `known` holds the keys at
    hand by identity: an unchanged key stays the very same object. Raises ValueError where
    `document` is no JWKS at all.
    """
    members = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(members, list):
        raise ValueError("the document is not a JWKS: it has no list 'keys'")
    usable: dict[str, VerificationKey] = {}
    skipped: dict[str, str] = {}
    for position, jwk in enumerate(members):
        try:
            key = _read_key(jwk, known)
        except Exception as error:  # noqa: BLE001 - joserfc and cryptography raise seven kinds for malformed keys
            kid = jwk.get("kid") if isinstance(jwk, Mapping) else None
            skipped[str(kid)[:100] if kid else f"#{position}"] = str(error) or type(error).__name__
        else:
            usable[key.identity] = key
    return tuple(usable.values()), skipped


def _read_key(jwk: object, known: Mapping[str, VerificationKey]) -> VerificationKey:
    """The key of one JWK. Raises whatever its import raises, and ValueError for what must not be used."""
    if not isinstance(jwk, Mapping):
        raise ValueError("it is not a JSON object")
    kid, kty = jwk.get("kid"), jwk.get("kty")
    if kid is not None and not isinstance(kid, str):
        raise ValueError("its 'kid' is not a string")
    if kty not in _MATERIAL:
        raise ValueError(f"key type {kty!r} is not used for checking access tokens")
    if jwk.get("use", "sig") != "sig":
        raise ValueError(f"its use is {jwk['use']!r}")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise ValueError("its 'key_ops' does not allow 'verify'")
    if "d" in jwk:
        raise ValueError("it holds its private half, so anybody can sign with it")
    names = _algorithms(jwk)
    material = {"kty": kty, **{name: jwk[name] for name in _MATERIAL[kty]}}
    identity = json.dumps([kid, names, material], sort_keys=True)
    if identity in known:
        return known[identity]
    if kty == "RSA" and (bits := base64_to_int(material["n"]).bit_length()) not in _RSA_BITS:
        raise ValueError(f"RSA keys of {bits} bits are not used")  # said before the import, which warns or is slow
    key = _KEY_CLASSES[kty].import_key(material)
    algorithms = [ALGORITHMS[name] for name in names]
    for algorithm in algorithms:
        algorithm.check_key(key)
    return VerificationKey(kid, identity, key, algorithms)


def _algorithms(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    """What a key may be used with: what its type and curve can do, narrowed by its `alg` (RFC 8725 section 3.1)."""
    kty, curve, alg = jwk["kty"], jwk.get("crv"), jwk.get("alg")
    able = KEY_TYPES.get((kty, None if kty == "RSA" else curve), ())
    if not able:
        raise ValueError(f"curve {curve!r} is not used")
    if alg is None:
        return able
    if alg not in able:
        raise ValueError(f"its 'alg' {alg!r} is not one that signs with such a key")
    # 'EdDSA' and the curve's own name are two names of one algorithm (RFC 9864).
    return able if kty == "OKP" else (alg,)
