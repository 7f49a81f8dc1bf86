"""A realm's published keys: which of them check tokens, how strong they are, and what the others are for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from joserfc.util import base64_to_int

from resource_protector.keys.jwks import read_jwks

from .diagnosis import Level, Line

__all__ = ["key_lines"]


def key_lines(jwks: Mapping[str, Any]) -> Iterator[Line]:
    """Lines about signing keys, about encryption keys, and about keys that cannot be used."""
    members = jwks.get("keys")
    if not isinstance(members, list):
        yield Line("keys", Level.PROBLEM, "the document at the keys' address has no list 'keys'")
        return
    read = [(jwk, *read_jwks({"keys": [jwk]}, {})) for jwk in members]
    listed = Counter(_described(jwk) for jwk, usable, _ in read if usable)
    if listed:
        said = ", ".join(f"{count} x {one}" if count > 1 else one for one, count in sorted(listed.items()))
        yield Line("keys", Level.OK, f"{listed.total()} to check tokens with: {said}")
        algorithms = sorted({name for _, usable, _ in read for key in usable for name in key.algorithms})
        yield Line("algorithms", Level.OK, f"{', '.join(algorithms)}: all accepted, unless algorithms= says otherwise")
    else:
        yield Line(
            "keys",
            Level.PROBLEM,
            "the realm publishes no key that could check a token",
            "Realm settings > Keys > Add providers > rsa-generated.",
        )
    encrypting = [jwk for jwk, _, _ in read if isinstance(jwk, Mapping) and jwk.get("use") == "enc"]
    if encrypting:
        yield Line("encryption", Level.OK, f"{len(encrypting)} more to encrypt with, which checks no token")
    for jwk, _, skipped in read:
        for name, why in () if jwk in encrypting else skipped.items():
            yield Line(
                "keys",
                Level.WARNING,
                f"key {name} is not used: {why}",
                "Tokens that are signed with it are refused: replace it under Realm settings > Keys.",
            )


def _described(jwk: Mapping[str, Any]) -> str:
    """A usable key's algorithm with its size or curve."""
    algorithm = jwk.get("alg") or "any algorithm"
    if jwk["kty"] != "RSA":
        return f"{algorithm} ({jwk['crv']})"
    return f"{algorithm} (RSA, {base64_to_int(jwk['n']).bit_length()} bits)"
