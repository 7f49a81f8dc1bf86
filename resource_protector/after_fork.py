"""Threads and forks: what a forked child has to make anew, and what a fork has to wait for."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

__all__ = ["RenewedAfterFork", "not_during_a_fork", "renew_after_fork"]


class RenewedAfterFork(Protocol):
    """Something with locks or threads of its own: in a child, a lock may be held by a thread that does not exist."""

    def renew_after_fork(self) -> None:
        """Called in the child before anything else runs there."""


_renewed: weakref.WeakSet[RenewedAfterFork] = weakref.WeakSet()
_not_now = threading.Lock()  # held by whoever must not be forked, and by whoever forks


def renew_after_fork(thing: RenewedAfterFork) -> None:
    """Have `thing.renew_after_fork()` called in every child, as long as `thing` lives."""
    _renewed.add(thing)


@contextmanager
def not_during_a_fork() -> Iterator[None]:
    """Have a fork wait for the end of this block, as for an import: a child would keep the modules half imported."""
    with _not_now:
        yield


def _in_child() -> None:  # pragma: no cover - tested by what the child answers
    _not_now.release()
    for thing in list(_renewed):
        thing.renew_after_fork()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows cannot fork
    os.register_at_fork(before=_not_now.acquire, after_in_parent=_not_now.release, after_in_child=_in_child)
