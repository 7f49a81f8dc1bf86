"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE_SECONDS = 0.05


def poll(attempt: Callable[[], T | None], *, seconds: float, what: str) -> T:
    """Calls `attempt` until it returns something true; TimeoutError that says `what` never came otherwise."""
    deadline = time.monotonic() + seconds
    while True:
        result = attempt()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} seconds")
        time.sleep(PAUSE_SECONDS)
