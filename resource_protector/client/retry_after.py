"""How long a server wants to be left alone (RFC 9110 section 10.2.3)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

__all__ = ["retry_after_seconds"]

_MOST_SECONDS = 3600.0


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """The seconds from now, at most an hour; None where nothing was said, or nothing that can be read."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return min(float(value[:9]), _MOST_SECONDS)
    until = _timestamp(value)
    if until is None:
        return None
    # By the server's own clock, which may be minutes away from this machine's.
    now = _timestamp(headers.get("Date", "")) or time.time()
    return min(max(until - now, 0.0), _MOST_SECONDS)


def _timestamp(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
