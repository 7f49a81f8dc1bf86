"""A small threaded HTTP server on the loopback address, which can leave its port and come back."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from threading import Lock, Thread

from resource_protector.dev.http_exchange import HttpAnswer, HttpRequest

__all__ = ["LOOPBACK", "LoopbackServer"]

LOOPBACK = "127.0.0.1"

_log = logging.getLogger("resource_protector.dev")
_MAX_BODY_BYTES = 1 << 20
_POLL_SECONDS = 0.01

Answer = Callable[[HttpRequest], HttpAnswer | None]


class LoopbackServer:
    """An HTTP server for one function, from a request to its answer (None: close without one)."""

    def __init__(self, answer: Answer, port: int) -> None:
        """Listen on a port, 0 for any that is free. Raises OSError in one sentence if it cannot."""
        try:
            self._server = _Server(answer, port)
        except OSError as error:
            raise OSError(
                f"Port {port} of {LOOPBACK} is not to be had ({error.strerror}): stop what listens there, "
                "or choose another port (0 takes a free one)."
            ) from error
        self.port: int = self._server.server_address[1]
        self._thread = Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name=f"dev realm on port {self.port}", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening and drop every connection, answered or not."""
        self._server.shutdown()
        self._server.server_close()
        self._server.drop_connections()
        self._thread.join()


class _Server(ThreadingMixIn, TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, answer: Answer, port: int) -> None:
        self.answer = answer
        # The lock guards the set after it: every connection has a thread of its own.
        self._lock = Lock()
        self._open: set[socket.socket] = set()
        super().__init__((LOOPBACK, port), _Handler)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        with self._lock:
            self._open.add(request)  # type: ignore[arg-type]  # a TCP server's requests are sockets
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def drop_connections(self) -> None:
        with self._lock:
            connections = tuple(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                _log.debug("A connection was closed by the other side first.")

    def handle_error(self, request: object, client_address: object) -> None:
        error = sys.exception()
        if isinstance(error, OSError):
            _log.debug("A connection broke: %s", error)
        else:
            _log.exception("The dev realm failed to answer a request.")


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 30.0
    server_version = "dev-realm"

    def _handle(self) -> None:
        length = self.headers.get("Content-Length", "0")
        body = self.rfile.read(min(int(length), _MAX_BODY_BYTES)) if length.isdecimal() else b""
        request = HttpRequest(
            method=self.command,
            # http.server merges slashes at the start of self.path; the request line still has them.
            target=self.requestline.split()[1],
            authorization=self.headers.get("Authorization"),
            content_type=self.headers.get("Content-Type", ""),
            body=body,
            address=self.client_address[0],
        )
        answer = self.server.answer(request)
        if answer is None:
            return
        self.send_response(answer.status_code)
        if answer.content_type:
            self.send_header("Content-Type", answer.content_type)
        if answer.status_code != 204:  # which never has a body (RFC 9110 section 8.6)
            self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _handle  # noqa: N815 - http.server finds them by these names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server calls it so
        _log.debug(format, *args)
