"""The two sides: asks about a token whichever is to be asked, has them compared, and lets one decide."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from resource_protector.errors import KeysUnavailable, TokenRejected
from resource_protector.refusal_log import unrecorded

from .difference import Difference, difference
from .outcome import Clock, Outcome, Refusals, ask, ask_async
from .tally import Tally

__all__ = ["Sides"]

logger = logging.getLogger("resource_protector.shadow")


@dataclass(frozen=True, slots=True)
class Sides:
    """How two sides are asked, and whose word counts. An online side is a function that takes nothing more."""

    decides: str
    compare: bool
    refusals: Refusals
    monotonic: Clock
    now: Clock
    tally: Tally

    def __post_init__(self) -> None:
        if self.decides not in ("online", "offline"):
            raise ValueError(f"decides is {self.decides!r}: write 'online' or 'offline'.")
        if not isinstance(self.compare, bool):
            raise ValueError(f"compare is {self.compare!r}: write True or False.")
        kinds = self.refusals if isinstance(self.refusals, tuple) else (None,)
        if not all(isinstance(kind, type) and issubclass(kind, Exception) for kind in kinds):
            raise ValueError(f"refusals is {self.refusals!r}: write a tuple of exception classes, as after 'except'.")

    def answer(self, online: Callable[[], Any], offline: Callable[[], Any], accepted: Any, refused: Any) -> Any:
        """What the side that decides says; `accepted` and `refused` put the offline side's words into its shape."""
        theirs = ask(online, self.monotonic, self.refusals) if self._asks("online") else None
        ours = None
        if self._asks("offline"):
            with self._recording():
                ours = ask(offline, self.monotonic)
        return self._decided(theirs, ours, accepted, refused)

    async def answer_async(
        self, online: Callable[[], Any], offline: Callable[[], Awaitable[Any]], accepted: Any, refused: Any
    ) -> Any:
        """As `answer`, without blocking the event loop: an online side that is not awaited runs in a thread."""
        if not inspect.iscoroutinefunction(online):
            online = functools.partial(asyncio.to_thread, online)
        theirs = await ask_async(online, self.monotonic, self.refusals) if self._asks("online") else None
        ours = None
        if self._asks("offline"):
            with self._recording():
                ours = await ask_async(offline, self.monotonic)
        return self._decided(theirs, ours, accepted, refused)

    def watched(self, check: Any, answer: Any, answer_async: Any) -> Any:
        """`check`, a function whose first argument is a token, with every call of it going through `answer`."""
        if not callable(check) or isinstance(check, type):
            raise TypeError(f"@shadow.watching decorates functions, and {check!r} is none.")
        first = next(iter(inspect.signature(check).parameters), "token")

        def question(args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, Callable[[], Any]]:
            return args[0] if args else keywords.get(first), functools.partial(check, *args, **keywords)

        @functools.wraps(check)
        def watched(*args: Any, **keywords: Any) -> Any:
            return answer(*question(args, keywords))

        @functools.wraps(check)
        async def watched_async(*args: Any, **keywords: Any) -> Any:
            return await answer_async(*question(args, keywords))

        return watched_async if inspect.iscoroutinefunction(check) else watched

    def _asks(self, side: str) -> bool:
        return self.compare or self.decides == side

    def _recording(self) -> AbstractContextManager[None]:
        """Whoever is refused by the side that only looks on was not refused."""
        return unrecorded() if self.decides == "online" else nullcontext()

    def _decided(self, online: Outcome | None, offline: Outcome | None, accepted: Any, refused: Any) -> Any:
        if online is not None and offline is not None:
            self.tally.record(online, offline, self._difference(online, offline))
        if self.decides == "online":
            assert online is not None  # noqa: S101 - who decides was asked
            return online.result()
        assert offline is not None  # noqa: S101 - likewise
        if offline.error is None:
            return offline.answer if accepted is None else accepted(offline.answer)
        if refused is not None and isinstance(offline.error, TokenRejected | KeysUnavailable):
            return refused(offline.error)
        return offline.result()

    def _difference(self, online: Outcome, offline: Outcome) -> Difference | None:
        try:
            return difference(online, offline, self.now())
        except Exception:  # whatever the online check answered: comparing it hurts no request
            logger.exception("An answer of the online check could not be compared")
            return Difference("not_compared")
