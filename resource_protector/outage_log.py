"""The story of an outage in a handful of log lines, whatever the request rate."""

from __future__ import annotations

import contextlib
import logging
from collections import deque

__all__ = ["OutageLog"]

_REMIND_SECONDS = 60.0


class OutageLog:
    """Tells of the first failure, of every further minute of failing, and of the recovery.

    In its lines `subject` ("The keys of X") "could not be" or "still cannot be" `done` ("loaded"), and in the end
    `again` ("are loaded again"). Where single failures come and go, an outage within `ration_seconds` of the
    last one that was told of is told of only when it lasts. Times are of the monotonic clock, given by the caller,
    who also holds a lock. Lines are only noted then, and told by `tell` without it: a slow log handler delays no request.
    """

    def __init__(
        self, logger: logging.Logger, subject: str, *, done: str, again: str, ration_seconds: float = 0.0
    ) -> None:
        self._logger = logger
        self._subject = subject
        self._done = done
        self._again = again
        self._lines: deque[tuple[int, str, tuple[object, ...]]] = deque()
        self._ration_seconds = ration_seconds
        self._next_story_at = float("-inf")
        self._began_at = 0.0
        self._told_at: float | None = None  # of this outage; None where nobody was told of it

    def failed(self, now: float, attempts: int, error: BaseException) -> None:
        if attempts == 1:
            self._began_at, self._told_at = now, None
            if now >= self._next_story_at:
                self._told_at, self._next_story_at = now, now + self._ration_seconds
                self.note(logging.WARNING, "%s could not be %s: %s", self._subject, self._done, error)
        elif now - (self._began_at if self._told_at is None else self._told_at) >= _REMIND_SECONDS:
            self._told_at = now
            self.note(
                logging.WARNING,
                "%s still cannot be %s, %d attempts in %.0f s: %s",
                self._subject,
                self._done,
                attempts,
                now - self._began_at,
                error,
            )

    def recovered(self, now: float, attempts: int) -> None:
        if self._told_at is None:
            return
        self.note(
            logging.WARNING,
            "%s %s, after %.0f s and %d failed attempts",
            self._subject,
            self._again,
            now - self._began_at,
            attempts,
        )

    def note(self, level: int, message: str, *values: object) -> None:
        """Keep a line for `tell`."""
        self._lines.append((level, message, values))

    def tell(self) -> None:
        """Write what was noted. Called without the lock, by any thread."""
        while self._lines:
            with contextlib.suppress(IndexError):  # another thread told it
                level, message, values = self._lines.popleft()
                self._logger.log(level, message, *values)
