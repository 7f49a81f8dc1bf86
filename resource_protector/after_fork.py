"""What has to be made anew in a forked child, where a lock may be held by a thread that does not exist."""

from __future__ import annotations

import os
import weakref
from typing import Protocol

__all__ = ["RenewedAfterFork", "renew_after_fork"]


class RenewedAfterFork(Protocol):
    """Something with locks or threads of its own."""

    def renew_after_fork(self) -> None:
        """Called in the child before anything else runs there."""


_renewed: weakref.WeakSet[RenewedAfterFork] = weakref.WeakSet()


def renew_after_fork(thing: RenewedAfterFork) -> None:
    """Have `thing.renew_after_fork()` called in every child, as long as `thing` lives."""
    _renewed.add(thing)


def _in_child() -> None:  # pragma: no cover - tested by what the child answers
    for thing in list(_renewed):
        thing.renew_after_fork()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows cannot fork
    os.register_at_fork(after_in_child=_in_child)
