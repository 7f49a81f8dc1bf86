"""The story of an outage in a handful of log lines, whatever the request rate."""

from __future__ import annotations

import contextlib
import logging
from collections import deque

__all__ = ["OutageLog"]

logger = logging.getLogger("resource_protector.keys")

_REMIND_SECONDS = 60.0


class OutageLog:
    """Tells of the first failed load, of every further minute of failing, and of the recovery.

    Times are of the monotonic clock, given by the caller, who also holds the key set's lock. Lines
    are only noted then, and told by `tell` without it: a slow log handler delays no request.
    """

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._lines: deque[tuple[int, str, tuple[object, ...]]] = deque()
        self._skipped: dict[str, str] = {}
        self._began_at = 0.0
        self._told_at = 0.0

    def failed(self, now: float, attempts: int, error: BaseException) -> None:
        if attempts == 1:
            self._began_at = self._told_at = now
            self._note(logging.WARNING, "The keys of %s could not be loaded: %s", self._issuer, error)
        elif now - self._told_at >= _REMIND_SECONDS:
            self._told_at = now
            self._note(
                logging.WARNING,
                "The keys of %s still cannot be loaded, %d attempts in %.0f s: %s",
                self._issuer,
                attempts,
                now - self._began_at,
                error,
            )

    def recovered(self, now: float, attempts: int) -> None:
        self._note(
            logging.WARNING,
            "The keys of %s are loaded again, after %.0f s and %d failed attempts",
            self._issuer,
            now - self._began_at,
            attempts,
        )

    def skipped(self, skipped: dict[str, str]) -> None:
        """Tells of each skipped key once, not at each load."""
        for kid, why in skipped.items():
            if self._skipped.get(kid) != why:
                self._note(logging.INFO, "A key of %s is not used: kid %r: %s", self._issuer, kid, why)
        self._skipped = skipped

    def tell(self) -> None:
        """Write what was noted. Called without the lock, by any thread."""
        while self._lines:
            with contextlib.suppress(IndexError):  # another thread told it
                level, message, values = self._lines.popleft()
                logger.log(level, message, *values)

    def _note(self, level: int, message: str, *values: object) -> None:
        self._lines.append((level, message, values))
