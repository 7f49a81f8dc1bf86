"""Waiting for something without guessing how long it takes."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], *, within_seconds: float = 10.0) -> None:
    """Return as soon as `condition` holds; fail when it does not within the deadline."""
    deadline = time.monotonic() + within_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not become true within {within_seconds} s: {condition}")
        time.sleep(0.002)


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds
