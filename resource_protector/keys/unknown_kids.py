"""The kids that a load has just shown to be nobody's."""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["UnknownKids"]

_MOST = 128


class UnknownKids:
    """Definite verdicts, each good for a cooldown: its token needs no further reload, and no 503 if that failed.

    Bounded: the oldest verdict goes. Forgotten at every successful load.
    """

    def __init__(self, cooldown_seconds: float) -> None:
        self._cooldown_seconds = cooldown_seconds
        self._since: OrderedDict[str | None, float] = OrderedDict()

    def remember(self, kid: str | None, now: float) -> None:
        """Keep the verdict on `kid`."""
        self._since[kid] = now
        if len(self._since) > _MOST:
            self._since.popitem(last=False)

    def has(self, kid: str | None, now: float) -> bool:
        """Whether `kid` was nobody's within the last cooldown."""
        since = self._since.get(kid)
        return since is not None and now - since < self._cooldown_seconds

    def forget(self) -> None:
        """There are new keys: nothing is known of any kid that is not among them."""
        self._since.clear()
