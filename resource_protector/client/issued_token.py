"""A token as the realm has just issued it (RFC 6749 section 5.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["IssuedToken", "issued_token"]

_B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 section 2.1
_LONGEST_SECONDS = 10 * 366 * 86_400


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """The `access_token`, which is not in the repr; `expires_in` seconds, None where the realm did not say; its scope."""

    access_token: str = field(repr=False)
    expires_in: float | None = None
    scope: str | None = None


def issued_token(document: Mapping[str, object]) -> IssuedToken | None:
    """The bearer token that an answer holds, if it does."""
    token, kind, scope = document.get("access_token"), document.get("token_type", "Bearer"), document.get("scope")
    if not isinstance(token, str) or not _B64TOKEN.fullmatch(token):
        return None
    if not isinstance(kind, str) or kind.lower() != "bearer":
        return None
    return IssuedToken(token, _seconds(document.get("expires_in")), scope if isinstance(scope, str) else None)


def _seconds(value: object) -> float | None:
    """Some servers write the number as a string."""
    if isinstance(value, str) and value.isdecimal():
        value = int(value[:12])
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:  # which NaN is not
        return float(min(value, _LONGEST_SECONDS))
    return None
