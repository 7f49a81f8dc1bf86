"""The signature algorithms that a realm can be set to, and the keys they take."""

from __future__ import annotations

from joserfc.jwk import ECKey, OKPKey, RSAKey

__all__ = ["ALGORITHMS", "SigningKey", "new_key", "require_algorithm"]

SigningKey = RSAKey | ECKey | OKPKey

_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_RSA_BITS = 2048

ALGORITHMS = (*_RSA, *_CURVES, "EdDSA")


def require_algorithm(name: str, where: str) -> str:
    """`name`, if keys for it can be made. Raises ValueError that lists those that can."""
    if name not in ALGORITHMS:
        raise ValueError(
            f"{where} names the signature algorithm {name!r}, which the dev realm cannot make keys for: "
            f"write one of {', '.join(ALGORITHMS)}."
        )
    return name


def new_key(algorithm: str) -> SigningKey:
    """A new private key for an algorithm (RSA-2048 takes some 40 ms, the others none)."""
    if algorithm in _CURVES:
        return ECKey.generate_key(_CURVES[algorithm])
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519")
    return RSAKey.generate_key(_RSA_BITS)
