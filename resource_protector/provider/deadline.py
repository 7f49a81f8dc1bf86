"""A requests adapter whose exchanges end at one deadline, however slowly the bytes drip.

`requests` times each operation of a socket, so a byte every second keeps a fetch alive for ever.
Here each read is given what is left of the connection's time.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Callable
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

__all__ = ["DeadlineAdapter"]


class _Connection(HTTPConnection):
    def connect(self) -> None:
        _connect(self, super().connect)

    def request(self, *args: Any, **kwargs: Any) -> None:
        _request(self, super().request, *args, **kwargs)


class _TLSConnection(HTTPSConnection):
    def connect(self) -> None:
        _connect(self, super().connect)

    def request(self, *args: Any, **kwargs: Any) -> None:
        _request(self, super().request, *args, **kwargs)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


_POOLS = {"http": _Pool, "https": _TLSPool}


class DeadlineAdapter(HTTPAdapter):
    """An adapter whose time runs from the first packet of each exchange, on a new connection or a kept one."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


def _begin(connection: Any) -> float:
    """Make every later read of this connection end at a deadline that is counted from now; returns it."""
    deadline = time.monotonic() + float(connection.timeout)
    connection.response_class = lambda sock, *args, **kwargs: http.client.HTTPResponse(
        _DeadlineSocket(sock, deadline),  # type: ignore[arg-type]  # a response only ever calls makefile()
        *args,
        **kwargs,
    )
    return deadline


def _connect(connection: Any, connect: Callable[[], None]) -> None:
    deadline = _begin(connection)
    connect()
    connection.sock.settimeout(max(deadline - time.monotonic(), 0.001))
    connection.is_fresh = True


def _request(connection: Any, request: Callable[..., None], *args: Any, **kwargs: Any) -> None:
    # The time of a first exchange includes connecting, which may come before this or happen within it.
    if connection.sock is not None and not connection.is_fresh:
        _begin(connection)
        connection.sock.settimeout(connection.timeout)
    request(*args, **kwargs)
    connection.is_fresh = False


class _DeadlineSocket:
    """As much of a socket as an HTTPResponse uses: the file that it reads from."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineFile(self._sock, self._deadline))


class _DeadlineFile(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline of the fetch has passed")
        self._sock.settimeout(left)
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()
