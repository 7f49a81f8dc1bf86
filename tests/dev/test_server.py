import logging
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
import requests

from resource_protector.dev.routes import HttpAnswer, HttpRequest
from resource_protector.dev.server import LOOPBACK, LoopbackServer

# Linger for no time: closing such a socket resets its connection.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def test_a_request_arrives_whole() -> None:
    """Method, target, form, header fields and the other side's address reach the function."""
    seen: list[HttpRequest] = []

    def answer(request: HttpRequest) -> HttpAnswer:
        seen.append(request)
        return HttpAnswer.of(201, {"ok": True}, X_Test="yes")

    server = LoopbackServer(answer, 0)
    response = requests.post(
        f"http://{LOOPBACK}:{server.port}/a/b?c=d", data={"e": "f"}, headers={"Authorization": "Basic x"}, timeout=10
    )
    server.close()

    assert (response.status_code, response.json(), response.headers["X-Test"]) == (201, {"ok": True}, "yes")
    assert seen == [
        HttpRequest("POST", "/a/b?c=d", "Basic x", "application/x-www-form-urlencoded", b"e=f", LOOPBACK),
    ]


def test_a_failure_of_its_own_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """If the function fails, that is in the log, and the server goes on."""

    def answer(request: HttpRequest) -> HttpAnswer:
        if request.target == "/fail":
            raise ZeroDivisionError
        return HttpAnswer.of(200, {})

    server = LoopbackServer(answer, 0)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{LOOPBACK}:{server.port}/fail", timeout=10)
    response = requests.get(f"http://{LOOPBACK}:{server.port}/", timeout=10)
    server.close()

    assert response.status_code == 200
    assert [(record.levelno, record.message) for record in caplog.records] == [
        (logging.ERROR, "The dev realm failed to answer a request.")
    ]


def test_a_client_that_has_gone(caplog: pytest.LogCaptureFixture) -> None:
    """A connection that its client reset in the meantime is no trouble, for the answer nor for closing."""
    arrived, go_on = Event(), Event()

    def answer(request: HttpRequest) -> HttpAnswer:
        arrived.set()
        go_on.wait(10)
        return HttpAnswer.of(200, {"filler": "x" * 1_000_000})

    server = LoopbackServer(answer, 0)
    connection = socket.create_connection((LOOPBACK, server.port), timeout=10)
    connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
    assert arrived.wait(10)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    connection.close()
    server.close()
    go_on.set()

    assert [record for record in caplog.records if record.levelno >= logging.INFO] == []


def test_the_port_is_free_after_closing() -> None:
    """A port can be taken again at once, also with connections just closed on it."""
    server = LoopbackServer(lambda _: HttpAnswer.of(200, {}), 0)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: requests.get(f"http://{LOOPBACK}:{server.port}/", timeout=10), range(32)))
    server.close()
    again = LoopbackServer(lambda _: None, server.port)

    assert again.port == server.port
    again.close()


def test_no_answer_is_a_closed_connection() -> None:
    """Where the function answers nothing, the connection is closed without a byte."""
    server = LoopbackServer(lambda _: None, 0)
    with socket.create_connection((LOOPBACK, server.port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.recv(1) == b""
    server.close()
