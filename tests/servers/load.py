"""Clients that never stop asking, and what they were answered."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

from tests.servers.tokens import with_kid

_PAUSE_SECONDS = 0.004  # between two requests of one client, so that two cores are busy and not swamped


@dataclass(frozen=True, slots=True)
class Answer:
    """One request with its answer; status 0 is a connection without one."""

    phase: str
    kind: str
    began_at: float
    seconds: float
    status: int
    retry_after: str | None
    worker: int


class Load:
    """Client threads that send each kind of token in turn, every request on a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stop = threading.Event()
        self._sources: dict[str, Callable[[], str]] = {}
        self._phase = ""
        self._lock = threading.Lock()  # guards the two attributes after it
        self._seen: dict[tuple[str, str, int], set[int]] = {}
        self._answers: list[Answer] = []

    def begin(self, phase: str) -> float:
        """From now on requests belong to this phase; returns the moment."""
        self._phase = phase
        return time.monotonic()

    def send(self, kind: str, tokens: Sequence[str]) -> None:
        """Send these tokens, any number of times, as a kind of their own."""
        self._sources[kind] = lambda: secrets.choice(tokens)

    def send_forged(self, token: str) -> None:
        """Send forgeries of `token`, each with another kid that no realm knows."""
        self._sources["forged"] = lambda: with_kid(token, secrets.token_hex(12))

    def send_no_more(self, *kinds: str) -> None:
        """End what `send` began."""
        for kind in kinds:
            self._sources.pop(kind, None)

    def workers(self, kind: str, status: int, phase: str | None = None) -> set[int]:
        """Which processes gave this answer to this kind of token in a phase (default: the present one)."""
        with self._lock:
            return set(self._seen.get((self._phase if phase is None else phase, kind, status), ()))

    def answers(self, kind: str | None = None, phase: str | None = None) -> list[Answer]:
        """What was answered so far."""
        with self._lock:
            answers = list(self._answers)
        return [a for a in answers if kind in (None, a.kind) and phase in (None, a.phase)]

    @contextmanager
    def running(self, clients: int = 4) -> Iterator[Load]:
        """So many clients within the block."""
        threads = [threading.Thread(target=self._ask_on) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _ask_on(self) -> None:
        while not self._stop.wait(_PAUSE_SECONDS):
            for kind, source in tuple(self._sources.items()):
                answer = ask(self._port, source(), kind=kind, phase=self._phase)
                with self._lock:
                    self._answers.append(answer)
                    self._seen.setdefault((answer.phase, kind, answer.status), set()).add(answer.worker)


def ask(port: int, token: str, *, kind: str = "", phase: str = "") -> Answer:
    """Call the protected route once."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    status, retry_after, worker = 0, None, 0
    began_at = time.monotonic()
    try:
        connection.request("GET", "/private", headers={"Authorization": f"Bearer {token}", "Connection": "close"})
        response = connection.getresponse()
        response.read()
        status, retry_after = response.status, response.getheader("Retry-After")
        worker = int(response.getheader("X-Worker", "0"))
    except (OSError, HTTPException):
        pass
    finally:
        connection.close()
    return Answer(phase, kind, began_at, time.monotonic() - began_at, status, retry_after, worker)


def statuses(answers: Iterable[Answer]) -> dict[int, int]:
    """How often each status was answered."""
    return dict(sorted(Counter(answer.status for answer in answers).items()))


def longest(answers: Iterable[Answer]) -> float:
    """The longest wait for one of these answers, in seconds."""
    return max(answer.seconds for answer in answers)
