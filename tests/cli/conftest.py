"""What the tests of the command line share: a runner, and a server that answers a token request wrongly."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner, Result

from resource_protector.cli import main

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in this process, with no secret in the environment but those given."""
    monkeypatch.delenv("RESOURCE_PROTECTOR_CLIENT_SECRET", raising=False)
    monkeypatch.delenv("RESOURCE_PROTECTOR_PASSWORD", raising=False)

    def run_with(*arguments: str, secret: str | None = None, password: str | None = None, stdin: str = "") -> Result:
        environment = {"RESOURCE_PROTECTOR_CLIENT_SECRET": secret, "RESOURCE_PROTECTOR_PASSWORD": password}
        return CliRunner().invoke(main, arguments, env=environment, input=stdin)

    return run_with


class OddServer:
    """An HTTP server that gives every request the same answer, and keeps the requests."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b""
        self.requests: list[str] = []
        odd = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                odd.requests.append(self.path)
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self.send_response(odd.status)
                for name, value in odd.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(odd.body)))
                self.end_headers()
                self.wfile.write(odd.body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.issuer = f"http://127.0.0.1:{self._server.server_port}/realms/odd"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def odd_server() -> Iterator[OddServer]:
    """A token endpoint that answers whatever it is told to."""
    server = OddServer()
    yield server
    server.stop()
