"""Changes that are in force, each of which can be undone for itself."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["Changes"]

Change = TypeVar("Change")


class Changes(Generic[Change]):
    """What was changed and not yet undone, oldest first."""

    def __init__(self) -> None:
        # The lock guards the attribute after it. The tuple is replaced and never changed, so that it
        # can be read without the lock.
        self._lock = Lock()
        self._changes: tuple[Change, ...] = ()

    @property
    def in_force(self) -> tuple[Change, ...]:
        """The changes, oldest first."""
        return self._changes

    def begin(self, change: Change) -> AbstractContextManager[object]:
        """Add a change; leaving the answered context manager undoes it, and it alone."""
        with self._lock:
            self._changes = (*self._changes, change)
        undo = ExitStack()
        undo.callback(self._undo, change)
        return undo

    def undo_all(self) -> None:
        """Undo every change."""
        with self._lock:
            self._changes = ()

    def _undo(self, change: Change) -> None:
        with self._lock:
            self._changes = tuple(other for other in self._changes if other is not change)
