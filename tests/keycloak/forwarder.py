"""A second address of a running Keycloak, where requests are counted and which can be away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self
from urllib.parse import urlsplit

import requests

from resource_protector.dev.routes import HttpAnswer, HttpRequest
from resource_protector.dev.server import LOOPBACK, LoopbackServer

TIMEOUT_SECONDS = 30.0


class Forwarder:
    """Passes each request on to a Keycloak, which takes this address for its own and writes it into `iss`."""

    def __init__(self, upstream: str) -> None:
        self.requests: Counter[str] = Counter()
        self._upstream = upstream
        self._server: LoopbackServer | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The address, without a trailing slash."""
        return f"http://{LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        self._server = LoopbackServer(self._answer, self.port)
        self.port = self._server.port
        return self

    def __exit__(self, *exception: object) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    @contextmanager
    def down(self) -> Iterator[None]:
        """Within the block nobody listens there."""
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()

    def _answer(self, request: HttpRequest) -> HttpAnswer:
        self.requests[urlsplit(request.target).path.rpartition("/")[2]] += 1
        sent = {"Authorization": request.authorization, "Content-Type": request.content_type}
        headers = {"Host": f"{LOOPBACK}:{self.port}"} | {name: value for name, value in sent.items() if value}
        answer = requests.request(
            request.method,
            self._upstream + request.target,
            data=request.body,
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
        )
        passed_on = {
            name: answer.headers[name] for name in ("WWW-Authenticate", "Cache-Control") if name in answer.headers
        }
        return HttpAnswer(answer.status_code, answer.content, answer.headers.get("Content-Type", ""), passed_on)
