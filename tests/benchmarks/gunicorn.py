"""What protecting a Flask route costs under gunicorn: requests per second, against the same route unprotected."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from tests.benchmarks.figures import Row, Section
from tests.polling import eventually
from tests.processes import running

__all__ = ["measure"]

ROOT = Path(__file__).parents[2]
CONNECTIONS = 4
TOKENS = 50
TARGET = 0.9
BARE = "/unprotected"
WORKERS = {"gthread": ("--worker-class", "gthread", "--threads", "4"), "sync": ("--worker-class", "sync")}
ROUTES = {"/ours": "ours, tokens seen before", "/authlib": "Authlib's protector and rfc7523 validator"}
INTROSPECTED = "/introspected"
ROUND_TRIPS = (0.0, 0.005)  # seconds that a realm takes to answer


class Caller(asyncio.Protocol):
    """One client that sends the next request when the last is answered, on a new connection.

    On a kept one, gunicorn's two writes per answer wait for delayed acknowledgements, and the processor idles.
    """

    def __init__(self, port: int, requests: list[bytes]) -> None:
        self._port = port
        self._requests = requests
        self._received = b""
        self.answered = 0
        self.failed: bytes | None = None
        self._ends = False
        self._connecting: asyncio.Task[object] | None = None

    async def connect(self) -> None:
        await asyncio.get_running_loop().create_connection(partial(_same, self), "127.0.0.1", self._port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if not separator or length is None or len(body) < int(length[1]):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self.failed, self._ends = self._received, True
            return
        self._received = b""
        self.answered += 1
        if not self._ends and b"connection: close" not in head.lower():
            self._send()

    def connection_lost(self, exception: Exception | None) -> None:
        if not self._ends:
            self._connecting = asyncio.get_running_loop().create_task(self.connect())

    def _send(self) -> None:
        self._transport.write(self._requests[self.answered % len(self._requests)])

    def close(self) -> None:
        """Stop asking."""
        self._ends = True
        self._transport.abort()


def measure(rounds: int, seconds: float) -> list[Section]:
    """A section per kind of worker; every figure is beside an unprotected round of its own."""
    sections = []
    with DevRealm(DEMO_REALM_FILE) as realm:
        tokens = [realm.token(scope="test_api_access") for _ in range(TOKENS)]
        for kind, arguments in WORKERS.items():
            rows: list[Row] = []
            with _served(realm, arguments) as port:
                of = partial(_rate, port, tokens=tokens, seconds=seconds)
                eventually(lambda of=of: of(BARE), within_seconds=30)  # type: ignore[misc]  # the worker is importing
                bare = of(BARE)
                for path, name in ROUTES.items():
                    rows.append(_row(of, path, name, rounds))
                for trip in ROUND_TRIPS:
                    with ExitStack() as stack:
                        if trip:
                            stack.enter_context(realm.stall(trip))
                        rows.append(
                            _row(of, INTROSPECTED, f"introspection answered after {trip * 1000:.0f} ms", rounds)
                        )
            unit = f"of the unprotected route's requests per second ({bare:.0f})"
            sections.append(Section(f"gunicorn, one {kind} worker", unit, rows))
    return sections


def _row(of: partial[float], path: str, name: str, rounds: int) -> Row:
    is_ours = path == "/ours"
    try:
        of(path)
        values = []
        for _ in range(rounds):
            before, own, after = of(BARE), of(path), of(BARE)
            values.append(2 * own / (before + after))
    except AssertionError as error:
        return Row(name, failure=str(error)[:120], is_ours=is_ours)
    return Row(name, values, TARGET if is_ours else None, higher_is_better=True, is_ours=is_ours)


def _rate(port: int, path: str, *, tokens: list[str], seconds: float) -> float:
    return asyncio.run(_requests_per_second(port, path, tokens, seconds))


async def _requests_per_second(port: int, path: str, tokens: list[str], seconds: float) -> float:
    requests = [
        f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        for token in tokens
    ]
    callers = [Caller(port, requests[number:] + requests[:number]) for number in range(CONNECTIONS)]
    for caller in callers:
        await caller.connect()
    loop = asyncio.get_running_loop()
    answered, begun = sum(caller.answered for caller in callers), loop.time()
    await asyncio.sleep(seconds)
    number, took = sum(caller.answered for caller in callers) - answered, loop.time() - begun
    for caller in callers:
        caller.close()
        assert caller.failed is None, caller.failed
    return number / took


def _same(caller: Caller) -> Caller:
    return caller


@contextmanager
def _served(realm: DevRealm, arguments: tuple[str, ...]) -> Iterator[int]:
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--bind", "127.0.0.1:0", "--workers", "1"]
    command += [*arguments, "tests.benchmarks.gunicorn_application:app"]
    secret = realm.clients["orders-api"].secret or ""
    with running(command, folder=ROOT, ISSUER=realm.issuer, INTROSPECTED=realm.issuer, SECRET=secret) as program:
        port = int(program.wait_for(r"Listening at: http://127\.0\.0\.1:(\d+)")[1])
        program.wait_for("Booting worker")
        try:
            yield port
        finally:
            program.end(15)
