"""A lightweight token that the API completes: what the realm said of it, as checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resource_protector.errors import KeysUnavailable, Reason, TokenRejected
from resource_protector.refusal_log import unrecorded

from .check import Check, failed, passed
from .claim_checks import check_claims
from .yardstick import Yardstick

__all__ = ["completed"]

_NAME = "introspection"
_WHAT_ONLY_THE_REALM_TELLS = ("lightweight", "audience", "required claims")


def completed(
    token: str, header_type: str | None, checks: list[Check], yardstick: Yardstick, now: float
) -> tuple[Mapping[str, Any] | None, list[Check]]:
    """The claims and checks of `token` after the API has asked the realm, as it does with every lightweight token.

    The claims are None, and the checks those that were made, where the API asks nobody: it has no credentials, or
    something else is wrong with the token.
    """
    first = next((check.findings[0] for check in checks if check.findings), None)
    validator = yardstick.validator
    if validator is None or not validator.introspects or first is None or first.reason is not Reason.LIGHTWEIGHT:
        return None, checks
    try:
        with unrecorded():
            claims = validator.verify(token)
    except (TokenRejected, KeysUnavailable) as error:
        kept = [check for check in checks if check.name not in _WHAT_ONLY_THE_REALM_TELLS]
        return None, [*kept, failed(_NAME, error.finding, note="a lightweight token: this API asks the realm about it")]
    made = [check for check in check_claims(claims, header_type, yardstick, now) if check.name != "lightweight"]
    said = passed(_NAME, note="a lightweight token: this API has asked the realm, which told the rest of the claims")
    at = next(number for number, check in enumerate(made) if check.name == "audience")
    return claims, [*made[:at], said, *made[at:]]
