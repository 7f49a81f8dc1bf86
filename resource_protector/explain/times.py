"""Moments and spans, as people say them."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["TIME_CLAIMS", "is_moment", "moment", "relative", "span"]

#: The claims whose numbers are seconds since the epoch (RFC 7519 section 4.1, OpenID Connect Core 1.0 section 2).
TIME_CLAIMS = frozenset({"exp", "iat", "nbf", "auth_time", "updated_at"})
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def span(seconds: float) -> str:
    """A span in its largest fitting unit: "45 seconds", "4 minutes", "2 hours"."""
    whole = round(abs(seconds))
    for size, name in _UNITS:
        if whole >= size:
            count = whole // size
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "0 seconds"


def relative(seconds: float) -> str:
    """How far from now: "4 minutes ago", "in 56 seconds", "now"."""
    if round(seconds) == 0:
        return "now"
    return f"in {span(seconds)}" if seconds > 0 else f"{span(seconds)} ago"


def is_moment(value: object) -> bool:
    """Whether a claim's value is a number that a calendar has a date for."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return False
    return True


def moment(seconds: float, now: float) -> str:
    """A moment as local time, and how far from `now` it is."""
    try:
        local = datetime.fromtimestamp(seconds, UTC).astimezone()
    except (ValueError, OverflowError, OSError):  # at the calendar's ends the zone's offset may leave it
        return relative(seconds - now)
    return f"{local:%Y-%m-%d %H:%M:%S %Z}, {relative(seconds - now)}"
