"""The compact form of signed tokens (RFC 7515 section 7.1), written and, where they are our own, read."""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any

from joserfc.jwk import Key
from joserfc.jws import JWSRegistry

__all__ = ["base64url", "read_signed", "sign", "unsigned"]


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(header: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    """A token with that header, which names the algorithm, and those claims."""
    signing_input = f"{base64url(_json(header))}.{base64url(_json(claims))}"
    # Taken from the table, because the registry's accessor warns about EdDSA, which is what Keycloak writes.
    algorithm = JWSRegistry.algorithms[header["alg"]]
    return f"{signing_input}.{base64url(algorithm.sign(signing_input.encode(), key))}"


def unsigned(claims: Mapping[str, Any]) -> str:
    """A token that claims to need no signature (RFC 7515 appendix A.5)."""
    return f"{base64url(_json({'alg': 'none', 'typ': 'JWT'}))}.{base64url(_json(claims))}."


def read_signed(token: str, key_of: Callable[[dict[str, Any]], tuple[str, Key] | None]) -> dict[str, Any] | None:
    """The claims of a token with a good signature; None for anything else.

    `key_of` says, from the token's header, which algorithm and key it must be signed with.
    """
    try:
        signing_input, _, signature = token.rpartition(".")
        header, claims = signing_input.split(".")
        expected = key_of(json.loads(_decode(header)))
        if expected is None:
            return None
        algorithm, key = expected
        if not JWSRegistry.algorithms[algorithm].verify(signing_input.encode(), _decode(signature), key):
            return None
        found = json.loads(_decode(claims))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
        return None
    return found if isinstance(found, dict) else None


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _decode(segment: str) -> bytes:
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
