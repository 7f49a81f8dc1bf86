"""What can go wrong with a realm on demand: it stalls, or answers nonsense."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from threading import Condition
from typing import Literal

from resource_protector.dev.http_exchange import HttpAnswer
from resource_protector.dev.routes import Endpoint

__all__ = ["FaultKind", "Faults"]

FaultKind = Literal["stall", "500", "html", "empty", "broken"]

_HTML = HttpAnswer(200, b"<!doctype html><title>Maintenance</title><p>Back soon.</p>", "text/html;charset=utf-8")
_EMPTY = HttpAnswer.of(200, {"keys": []}, Cache_Control="no-cache")
_ERROR = HttpAnswer.of(500, {"error": "unknown_error", "error_description": "The dev realm was told to fail."})


@dataclass(frozen=True, eq=False)
class _Fault:
    kind: FaultKind
    seconds: float = 0.0


class Faults:
    """The faults that are on; the newest decides what is answered."""

    def __init__(self) -> None:
        # The condition guards the two attributes after it, and wakes whoever is being stalled.
        self._changed = Condition()
        self._faults: tuple[_Fault, ...] = ()
        self._interruptions = 0

    def begin(self, kind: FaultKind, seconds: float = 0.0) -> AbstractContextManager[object]:
        """Switch a fault on; leaving the answered context manager switches it off again."""
        fault = _Fault(kind, seconds)
        with self._changed:
            self._faults = (*self._faults, fault)
        undo = ExitStack()
        undo.callback(self._end, fault)
        return undo

    def heal(self) -> None:
        """Switch all faults off; what was stalled is answered now."""
        with self._changed:
            self._faults = ()
            self._changed.notify_all()

    def interrupt(self) -> None:
        """Give up on all requests that are being stalled: they get no answer."""
        with self._changed:
            self._interruptions += 1
            self._changed.notify_all()

    def answer(self, endpoint: Endpoint | None, answer: Callable[[], HttpAnswer]) -> HttpAnswer | None:
        """The answer to a request under the faults that are on; None if the connection breaks instead."""
        with self._changed:
            fault = self._faults[-1] if self._faults else None
            if fault is not None and fault.kind == "stall":
                before = self._interruptions
                self._changed.wait_for(
                    lambda: fault not in self._faults or self._interruptions != before, timeout=fault.seconds
                )
                if self._interruptions != before:
                    return None
        if fault is None or fault.kind == "stall":
            return answer()
        if fault.kind == "500":
            return _ERROR
        if fault.kind == "html":
            return _HTML
        if fault.kind == "empty":
            return _EMPTY if endpoint == "certs" else answer()
        whole = answer()
        return HttpAnswer(whole.status_code, whole.body[: len(whole.body) // 2], whole.content_type, whole.headers)

    def _end(self, fault: _Fault) -> None:
        with self._changed:
            self._faults = tuple(other for other in self._faults if other is not fault)
            self._changed.notify_all()
