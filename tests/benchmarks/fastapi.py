"""What protecting a FastAPI route costs: requests per second under uvicorn with httptools, against a no-op dependency.

Every figure is a ratio to the no-op route measured right before and after it: the speed of a shared machine drifts.
Beside it the same per second of the server's own processor time, which neither its clients nor its neighbours slow down.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from tests.processes import running

ROOT = Path(__file__).parents[2]
ROUTES = {
    "/unprotected": "no dependency",
    "/ours": "resource_protector, tokens seen before",
    "/middleware": "fastapi-keycloak-middleware",
    "/seed": "a_decode_token with a stored key (seed 003)",
}
NOOP = "/noop"
TARGET = 0.9
CONNECTIONS = 8
TOKENS = 50


class Client(asyncio.Protocol):
    """One connection that sends the next request when the last is answered."""

    def __init__(self, requests: list[bytes]) -> None:
        self._requests = requests
        self._next = 0
        self._received = b""
        self.answered = 0
        self.failed: bytes | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or len(body) < int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self.failed = self._received
            return
        self._received = b""
        self.answered += 1
        self._send()

    def _send(self) -> None:
        self._transport.write(self._requests[self._next % len(self._requests)])
        self._next += 1

    def close(self) -> None:
        """Stop asking."""
        self._transport.abort()


async def rates(pid: int, port: int, path: str, tokens: list[str], seconds: float) -> tuple[float, float]:
    """Requests of one route per second, and per second of the server's main thread on a processor."""
    loop = asyncio.get_running_loop()
    requests = [
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode() for token in tokens
    ]
    clients = [Client(requests[number:] + requests[:number]) for number in range(CONNECTIONS)]
    for client in clients:
        await loop.create_connection(partial(_same, client), "127.0.0.1", port)
    answered, begun, worked = sum(client.answered for client in clients), time.perf_counter(), processor_seconds(pid)
    await asyncio.sleep(seconds)
    number = sum(client.answered for client in clients) - answered
    took, worked = time.perf_counter() - begun, processor_seconds(pid) - worked
    for client in clients:
        client.close()
        assert client.failed is None, client.failed
    # On a crowded machine a server may get no processor for so long: then there is nothing to tell.
    return (number / took, number / worked) if worked else await rates(pid, port, path, tokens, seconds)


def _same(client: Client) -> Client:
    return client


def processor_seconds(pid: int) -> float:
    """How long the main thread of a process has run so far (Linux)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


Ratios = list[tuple[float, float]]


def measure(server: Server, paths: list[str], rounds: int, seconds: float) -> dict[str, Ratios]:
    """Per path its ratios to the no-op route, round by round, each beside a no-op of its own."""

    def of(path: str) -> tuple[float, float]:
        return asyncio.run(rates(server.pid, server.port, path, server.tokens, seconds))

    found: dict[str, Ratios] = {path: [] for path in paths}
    for path in (*paths, NOOP):
        of(path)
    for _ in range(rounds):
        for path in paths:
            before, own, after = of(NOOP), of(path), of(NOOP)
            found[path].append((2 * own[0] / (before[0] + after[0]), 2 * own[1] / (before[1] + after[1])))
    return found


@dataclass(frozen=True)
class Server:
    """A running uvicorn, and tokens for it."""

    pid: int
    port: int
    tokens: list[str]


@contextmanager
def served() -> Iterator[Server]:
    """The applications in one process of uvicorn."""
    command = "-m uvicorn --http httptools --no-access-log --port 0 tests.benchmarks.fastapi_application:app"
    with DevRealm(DEMO_REALM_FILE) as realm:
        tokens = [realm.token(scope="test_api_access") for _ in range(TOKENS)]
        with running([sys.executable, *command.split()], folder=ROOT, ISSUER=realm.issuer) as program:
            port = int(program.wait_for(r"running on http://127\.0\.0\.1:(\d+)")[1])
            yield Server(program.process.pid, port, tokens)


def main(rounds: int, seconds: float = 0.25) -> None:
    """Print a row per route: median, spread, target."""
    with served() as server:
        noop, _ = asyncio.run(rates(server.pid, server.port, NOOP, server.tokens, 1.0))
        print(f"FastAPI under uvicorn with httptools: {noop:.0f} requests per second behind a no-op dependency = 1")  # noqa: T201 - a table to read
        for path, found in measure(server, list(ROUTES), rounds, seconds).items():
            wall, processor = zip(*found, strict=True)
            target = f"{TARGET:7.2f}" if path == "/ours" else f"{'':7}"
            figures = f"{statistics.median(wall):7.2f} {min(wall):6.2f} {max(wall):6.2f} {target}"
            row = f"{'':6} {ROUTES[path]:46} {figures}   per processor second {statistics.median(processor):.2f}"
            print(row)  # noqa: T201 - likewise


if __name__ == "__main__":
    main(rounds=40)
