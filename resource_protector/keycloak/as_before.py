"""What python-keycloak's own `decode_token` accepts, for shadow mode to compare with."""

from __future__ import annotations

from typing import Any

from resource_protector.errors import Finding, Reason, TokenRejected
from resource_protector.jws import parse
from resource_protector.keys.jwks import read_jwks
from resource_protector.readonly import writable

from .decode_errors import decode_error
from .exceptions import KeycloakGetError

__all__ = ["DEFAULT_LEEWAY_SECONDS", "decode_as_before"]

DEFAULT_LEEWAY_SECONDS = 60.0


def decode_as_before(token: str, certs: object, *, now: float, leeway_seconds: float) -> dict[str, Any]:
    """The claims of a token that some key of the realm has signed and that has not expired: nothing else is asked.

    Whatever its issuer, audience and kind, that is, and without `exp` for ever. `certs` is the realm's JWKS
    document. Raises what `decode_token` raises, and KeycloakGetError for a document that holds no keys.
    """
    try:
        return _decoded(token, certs, now, leeway_seconds)
    except TokenRejected as refusal:
        raise decode_error(refusal) from refusal


def _decoded(token: str, certs: object, now: float, leeway_seconds: float) -> dict[str, Any]:
    signed = parse(token)
    algorithm, kid = signed.unverified_header.get("alg"), signed.unverified_header.get("kid")
    try:
        keys, _ = read_jwks(certs, {})
    except ValueError as error:
        raise KeycloakGetError(f"The realm's keys cannot be read: {error}.", 200) from error
    fitting = [key for key in keys if algorithm in key.algorithms and kid in (None, key.kid)]
    if not any(key.verifies(str(algorithm), signed.signing_input, signed.signature) for key in fitting):
        raise TokenRejected(Finding(Reason.SIGNATURE, "kid", "a key of the realm", kid))
    claims: dict[str, Any] = writable(signed.unverified_payload())
    for name, reason, sign in (("exp", Reason.EXPIRED, 1), ("nbf", Reason.NOT_YET_VALID, -1)):
        date = claims.get(name)
        if date is None:
            continue
        if not isinstance(date, int | float) or isinstance(date, bool):
            raise TokenRejected(Finding(Reason.MISSING_CLAIM, name, "seconds since the epoch", date))
        if sign * (now - date) > leeway_seconds:
            raise TokenRejected(Finding(reason, name, f"{now:.0f}", date))
    return claims
