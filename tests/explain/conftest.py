"""What the tests of explanations share: a server that answers each path as it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from resource_protector.realm import certs_url, discovery_url, token_url

REALM = "/realms/odd"


class ScriptedServer:
    """Answers by path; everything else is 404. `{issuer}` in a document stands for its own."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Mapping[str, str], bytes]] = {}
        self.requests: list[tuple[str, str]] = []
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                scripted.requests.append((self.command, self.path))
                status, headers, body = scripted.answers.get(self.path, (404, {}, b""))
                host = self.headers.get("Host", "")
                body = body.replace(b"{host}", host.encode()).replace(b"{issuer}", scripted.issuer.encode())
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self.issuer = self.address + REALM

    def say(self, path: str, document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Answer `path` by a JSON document."""
        self.answers[path] = (status, headers or {}, json.dumps(document).encode())

    def be_a_realm(
        self,
        keys: list[Any],
        issuer: str = "{issuer}",
        jwks_uri: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer as an enabled realm of Keycloak does."""
        configuration = {"issuer": issuer, "jwks_uri": jwks_uri or self.address + certs_url(REALM)}
        self.say(discovery_url(REALM), configuration, headers=headers)
        self.say(certs_url(REALM), {"keys": keys}, headers=headers)
        self.say(token_url(REALM), {"error": "invalid_request"}, status=400)

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    """A server to be told what to answer."""
    server = ScriptedServer()
    yield server
    server.stop()
