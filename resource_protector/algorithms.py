"""The signature algorithms of RFC 7518 section 3.1 and RFC 9864 that a public key can check."""

from __future__ import annotations

from typing import Any, Protocol

from joserfc.jws import JWSRegistry

__all__ = ["ALGORITHMS", "KEY_TYPES", "Algorithm"]


class Algorithm(Protocol):
    """What is used of joserfc's algorithm objects."""

    name: str

    def check_key(self, key: Any) -> None: ...

    def verify(self, msg: bytes, sig: bytes, key: Any) -> bool: ...


# Per key type and curve, what it can sign. The objects are taken from the registry's table because
# its accessor warns about EdDSA, which is what Keycloak writes.
KEY_TYPES: dict[tuple[str, str | None], tuple[str, ...]] = {
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA", "Ed25519"),
    ("OKP", "Ed448"): ("EdDSA", "Ed448"),
}

ALGORITHMS: dict[str, Algorithm] = {
    name: JWSRegistry.algorithms[name] for names in KEY_TYPES.values() for name in names
}
