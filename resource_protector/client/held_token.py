"""A token at hand, with the times that rule its use."""

from __future__ import annotations

from .issued_token import IssuedToken

__all__ = ["HeldToken"]

_UNKNOWN_LIFETIME_SECONDS = 60.0


class HeldToken:
    """One token of the realm. Its times are of this process's monotonic clock: the realm's clock does not matter.

    From `refresh_at` on it is to be replaced, until `serves_until` it may be sent meanwhile. `header` is the
    value of `Authorization`; the repr, which is object's own, does not show it.
    """

    __slots__ = ("header", "refresh_at", "serves_until")

    def __init__(self, issued: IssuedToken, asked_at: float, early_seconds: float) -> None:
        lifetime = _UNKNOWN_LIFETIME_SECONDS if issued.expires_in is None else issued.expires_in
        early = min(early_seconds, lifetime / 3)
        self.header = f"Bearer {issued.access_token}"
        self.refresh_at = asked_at + lifetime - early
        # Realms count whole seconds, and the way to the API takes its time, too.
        self.serves_until = asked_at + lifetime - early / 6
