"""A token explained: what it says, every check, the verdict of an API, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from resource_protector.errors import Finding, InsufficientScope, KeysUnavailable, Reason, TokenRejected
from resource_protector.jws import SignedToken, parse

from .advice import advise
from .check import Check, Mark, failed, passed
from .claim_checks import check_claims, check_requirements
from .completion import completed
from .evidence import Evidence
from .signature_checks import check_signature
from .yardstick import Yardstick

__all__ = ["Explanation", "explain"]

_SHOWN_OF_A_SIGNATURE = 8


@dataclass(frozen=True)
class Explanation:
    """What there is to say about one token.

    - `header`, `claims`: as the token states them; empty where it cannot be read. They are
      verified only if `is_verified`. Of a lightweight token that the API completes, the realm's claims.
    - `checks`: every one, in order.
    - `refusal`: what the API answers with, which is the first problem in the validator's own order.
    - `advice`: what to do about all findings, the most telling first.
    - `now`: when this was said, in seconds since the epoch.
    """

    yardstick: Yardstick = field(repr=False)
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signature: str
    is_verified: bool
    checks: tuple[Check, ...]
    refusal: Finding | None
    advice: tuple[str, ...]
    now: float

    @property
    def accepted(self) -> bool:
        """Whether the API accepts the token: never where anything could not be checked."""
        return self.refusal is None and all(check.mark is Mark.OK for check in self.checks)

    @property
    def answer(self) -> TokenRejected | KeysUnavailable | None:
        """The API's refusal, as it would be raised."""
        if self.refusal is None:
            return None
        if self.refusal.reason in (Reason.KEYS_UNAVAILABLE, Reason.INTROSPECTION_UNAVAILABLE):
            return KeysUnavailable(self.refusal, retry_after_seconds=1)
        lacks = self.refusal.reason in (Reason.INSUFFICIENT_SCOPE, Reason.INSUFFICIENT_ROLE)
        return (InsufficientScope if lacks else TokenRejected)(self.refusal)


def explain(token: str, yardstick: Yardstick) -> Explanation:
    """Make every check of `token` that can be made. Raises nothing, whatever the token is."""
    now = yardstick.now()
    try:
        signed = parse(token)
    except TokenRejected as error:
        unread = (failed("shape", error.finding),)
        advice = advise(Evidence({}, {}, unread, yardstick, now, is_verified=False))
        return Explanation(yardstick, {}, {}, "", False, unread, error.finding, advice, now)
    claims, shape = _claims(signed)
    yardstick = yardstick.for_token(signed)
    signature = check_signature(signed, yardstick)
    checks: tuple[Check, ...] = (shape, *signature.checks)
    header = signed.unverified_header
    if shape.mark is Mark.OK:
        made = check_claims(claims, header.get("typ"), yardstick, now)
        told = None
        if signature.is_verified:
            told, made = completed(token, header.get("typ"), made, yardstick, now)
        claims = told or claims
        checks += tuple(made)
        checks += tuple(check_requirements(claims, yardstick.requirements))
    findings = [finding for check in checks for finding in check.findings]
    refusal = yardstick.refusal or signature.refusal or next(iter(findings), None)
    advice = advise(Evidence(header, claims, checks, yardstick, now, is_verified=signature.is_verified))
    shown = _shortened(token.rpartition(".")[2])
    return Explanation(yardstick, header, claims, shown, signature.is_verified, checks, refusal, advice, now)


def _claims(token: SignedToken) -> tuple[Mapping[str, Any], Check]:
    """The claims, and the check of the token's shape, which covers its payload too."""
    try:
        return token.unverified_payload(), passed("shape", note="three parts, a header and claims in strict JSON")
    except TokenRejected as error:
        return {}, failed("shape", error.finding)


def _shortened(signature: str) -> str:
    """Enough of a signature to recognize it, and too little to send the token anywhere."""
    kept = signature[:_SHOWN_OF_A_SIGNATURE] if len(signature) > 2 * _SHOWN_OF_A_SIGNATURE else ""
    return f"{kept}... ({len(signature)} characters, not shown)" if signature else "none"
