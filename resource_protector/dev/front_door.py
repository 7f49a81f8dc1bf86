"""Where requests come in, by HTTP or within the process: open, closed, counted, and at fault on demand."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import AbstractContextManager, ExitStack
from threading import Lock, RLock
from urllib.parse import urlsplit

from resource_protector.dev.faults import Faults
from resource_protector.dev.http_exchange import HttpAnswer, HttpRequest
from resource_protector.dev.issuer import Issuer
from resource_protector.dev.routes import answer_request, endpoint_of
from resource_protector.dev.server import LoopbackServer

__all__ = ["FrontDoor"]


class FrontDoor:
    """The one way in to an issuer, whichever way a request comes."""

    def __init__(self, issuer: Issuer, port: int) -> None:
        self.port = port
        self.faults = Faults()
        self.requests: Counter[str] = Counter()
        self._issuer = issuer
        self._counting = Lock()
        # The lock guards the three attributes after it.
        self._lock = RLock()
        self._server: LoopbackServer | None = None
        self._listens = False
        self._is_shut = False

    @property
    def listens(self) -> bool:
        """Whether it has a port of its own: it was opened, and not closed for good."""
        return self._listens

    def open(self) -> None:
        """Listen; does nothing if it listens. Raises OSError in one sentence if the port is taken."""
        with self._lock:
            if self._server is None:
                self._server = LoopbackServer(self._answer, self.port)
                self.port = self._server.port
            self._listens, self._is_shut = True, False

    def close(self) -> None:
        """Stop listening for good and drop every connection; does nothing if it does not listen."""
        with self._lock:
            self._listens = False
            self.shut()

    def shut(self) -> AbstractContextManager[object]:
        """Stop listening and drop every connection; leaving the answered context manager reopens."""
        with self._lock:
            self._is_shut = True
            server, self._server = self._server, None
        if server is not None:
            server.close()
        self.faults.interrupt()
        undo = ExitStack()
        undo.callback(self.reopen)
        return undo

    def reopen(self) -> None:
        """Undo `shut`: listen again on the same port, if it did."""
        with self._lock:
            if self._is_shut and self._listens:
                self.open()
            self._is_shut = False

    def fetch(self, url: str) -> object:
        """The JSON document at one of the issuer's addresses, without a socket.

        Raises ConnectionError where a socket would have been refused, or the status would not have been
        200, and ValueError for what is not JSON.
        """
        parts = urlsplit(url)
        if parts.netloc != urlsplit(self._issuer.url).netloc:
            raise ConnectionError(f"{url} is not an address of the dev realm, whose issuer is {self._issuer.url}.")
        answer = self._answer(HttpRequest("GET", parts.path))
        if answer is None:
            raise ConnectionError(f"The dev realm is down and does not answer {url}.")
        if answer.status_code != 200:
            raise ConnectionError(f"{url} was answered {answer.status_code}: {answer.body.decode()}")
        return json.loads(answer.body)

    def _answer(self, request: HttpRequest) -> HttpAnswer | None:
        if self._is_shut:
            return None
        endpoint = endpoint_of(request.target)
        if endpoint is not None:
            with self._counting:
                self.requests[endpoint] += 1
        return self.faults.answer(endpoint, lambda: answer_request(self._issuer, request))
