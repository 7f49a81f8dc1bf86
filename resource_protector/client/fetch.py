"""One token request under way, which any number of threads and tasks may wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from .failure import TokenRequestFailed
from .held_token import HeldToken

__all__ = ["Fetch"]

Result = HeldToken | TokenRequestFailed


class Fetch:
    """The request's times by the monotonic clock, and its result to come, which is never an exception."""

    __slots__ = ("deadline", "future", "started_at")

    def __init__(self, started_at: float, deadline: float) -> None:
        self.started_at = started_at
        self.deadline = deadline
        self.future: Future[Result] = Future()

    def run(self, work: Callable[[Fetch], None]) -> None:
        """Do `work` in a daemon thread, which keeps no process alive. Raises RuntimeError where none can be started."""
        threading.Thread(target=work, args=(self,), name="resource_protector-client", daemon=True).start()

    def wait(self, seconds: float) -> Result | None:
        """The result; None where there is none within `seconds`."""
        try:
            return self.future.result(timeout=max(0.0, seconds))
        except TimeoutError:
            return None

    async def wait_async(self, seconds: float) -> Result | None:
        """As `wait`, without blocking the event loop."""
        import asyncio  # takes longer to import than all of this package, and only event loops need it

        # Not `await` itself, nor `wait_for`: a task that is cancelled would cancel the future of all others.
        ended, _ = await asyncio.wait({asyncio.wrap_future(self.future)}, timeout=max(0.0, seconds))
        return self.future.result() if ended else None
