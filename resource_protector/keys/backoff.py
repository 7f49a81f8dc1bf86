"""How long to leave a realm alone that could not be asked."""

from __future__ import annotations

import random

__all__ = ["Backoff"]

_MOST_SECONDS = 30.0


class Backoff:
    """Counts failed attempts; the wait after each is twice the one before, up to half a minute, with jitter.

    Jitter only shortens the wait: what an answer announced as Retry-After is always true.
    """

    def __init__(self, retry_seconds: float) -> None:
        self._retry_seconds = retry_seconds
        self.failures = 0
        self.failed_at = float("-inf")
        self.next_attempt_at = float("-inf")
        self.last_error: BaseException | None = None

    @property
    def is_failing(self) -> bool:
        return self.failures > 0

    def is_waiting(self, now: float) -> bool:
        """Whether the last attempt failed a moment ago, so that another one would be too many."""
        return self.failures > 0 and now < self.next_attempt_at

    def fail(self, now: float, error: BaseException) -> None:
        """Take note of a failed attempt."""
        self.failures += 1
        self.failed_at = now
        self.last_error = error
        longest = max(_MOST_SECONDS, self._retry_seconds)
        wait = min(self._retry_seconds * 2.0 ** min(self.failures - 1, 16), longest)
        self.next_attempt_at = now + wait * random.uniform(0.75, 1.0)  # noqa: S311 - spreads load, keeps no secret

    def not_before(self, moment: float) -> None:
        """Put the next attempt off until `moment`, if it would be earlier."""
        self.next_attempt_at = max(self.next_attempt_at, moment)

    def succeed(self) -> None:
        """Forget the failures."""
        self.failures = 0
        self.last_error = None
