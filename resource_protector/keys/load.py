"""One load of the realm's keys: a short-lived thread, and a result that any number of requests may wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

__all__ = ["Load"]


class Load:
    """A load under way.

    `future` is running from the start, so a waiter that is cancelled cannot cancel it; it is done
    when the key set has taken in the result, good or bad. `is_in_time` says whether it was started
    while the keys at hand still served, `may_be_awaited` whether requests that need a new key wait
    for it.
    """

    __slots__ = ("deadline", "future", "is_in_time", "may_be_awaited", "number", "started_at")

    def __init__(
        self, *, number: int, started_at: float, deadline: float, is_in_time: bool, may_be_awaited: bool
    ) -> None:
        self.number = number
        self.started_at = started_at
        self.deadline = deadline
        self.is_in_time = is_in_time
        self.may_be_awaited = may_be_awaited
        self.future: Future[None] = Future()
        self.future.set_running_or_notify_cancel()

    def run(self, work: Callable[[Load], None]) -> None:
        """Do `work` in a daemon thread: it must end neither the process nor a request that is cancelled.

        Raises RuntimeError where no thread can be started.
        """
        threading.Thread(target=work, args=(self,), name="resource_protector-keys", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Whether the load ended within `seconds`."""
        try:
            self.future.result(timeout=max(0.0, seconds))
        except TimeoutError:
            return False
        return True

    def end(self) -> None:
        if not self.future.done():
            self.future.set_result(None)
