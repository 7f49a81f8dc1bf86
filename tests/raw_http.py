"""One protected application behind several doors: called in process, and by raw bytes through real servers."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from starlette.types import ASGIApp, Message

from resource_protector import KeysUnavailable, TokenRejected
from resource_protector.access_token_validator import AccessTokenValidator
from tests.attacked import fastapi_application, flask_application
from tests.attacked.configuration import CONFIGURATION, log_file
from tests.forge import Forge
from tests.processes import Program, running

__all__ = ["ASGI_SERVERS", "DOORS", "HTTP_DOORS", "IN_PROCESS", "SERVERS", "Answer", "Door", "Doors", "open_doors"]

_FLASK, _FASTAPI = "tests.attacked.flask_application:application", "tests.attacked.fastapi_application:application"
_COMMANDS = {
    "werkzeug": (f"flask --app {_FLASK} run --port 0", r"Running on http://127\.0\.0\.1:(\d+)"),
    "gunicorn": (
        f"gunicorn --no-control-socket --bind 127.0.0.1:0 --workers 1 {_FLASK}()",
        r"Listening at: http://127\.0\.0\.1:(\d+)",
    ),
    "uvicorn": (
        f"uvicorn --factory --http httptools --no-access-log --port 0 {_FASTAPI}",
        r"running on http://127\.0\.0\.1:(\d+)",
    ),
    "hypercorn": (f"hypercorn --bind 127.0.0.1:0 {_FASTAPI}()", r"Running on http://127\.0\.0\.1:(\d+)"),
}
SERVERS = tuple(_COMMANDS)
ASGI_SERVERS = ("uvicorn", "hypercorn")
#: What no server has looked at before.
IN_PROCESS = ("validator", "flask", "fastapi")
HTTP_DOORS = ("flask", "fastapi", *SERVERS)
DOORS = (*IN_PROCESS, *SERVERS)
_ROOT = Path(__file__).parents[1]
_REFUSED = re.compile(r"^resource_protector\.refusals INFO <(\w+)>")
# One line for one event: what a token's author wrote cannot begin another, nor reach a terminal.
_LOG_LINE = re.compile(r"resource_protector[.a-z]* (?:INFO|WARNING) <[-\w]+> [ -~]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a door answered; `reason` is what the log says of it, None for an answer of the server's own."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    reason: str | None = None

    def all(self, name: str) -> list[str]:
        """The values of every header field of this name."""
        return [value for field, value in self.headers if field.lower() == name.lower()]

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class Door:
    """A way in: `ask` sends a request with these Authorization fields, and looks into the log afterwards."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0

    def ask(self, *authorization: bytes, path: str = "/private", method: str = "GET", headers: bytes = b"") -> Answer:
        """The answer to one request. Fails where it logged anything but whole, printable lines."""
        self._begin()
        status, fields, body = self._send(authorization, path, method, headers)
        return Answer(status, tuple(fields), body, self._reason())

    def bearer(self, token: str, path: str = "/private") -> Answer:
        """The answer to a token."""
        return self.ask(b"Bearer " + token.encode("latin-1"), path=path)

    def _send(
        self, authorization: Sequence[bytes], path: str, method: str, headers: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        raise NotImplementedError

    def _begin(self) -> None:
        self._read = self._log.stat().st_size

    def _reason(self) -> str | None:
        with self._log.open("rb") as log:
            log.seek(self._read)
            written = log.read()
        reason = None
        for line in written.decode("latin-1").split("\n")[:-1]:
            assert _LOG_LINE.fullmatch(line), f"this is in the log: {line!r}"
            refused = _REFUSED.match(line)
            reason = refused[1] if refused else reason
        return reason


class InProcess(Door):
    """Flask's test client, which is given what servers make of a request: two fields joined by a comma."""

    def __init__(self, log: Path, app: Flask) -> None:
        super().__init__(log)
        self._client = app.test_client()

    def _send(
        self, authorization: Sequence[bytes], path: str, method: str, headers: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        environ = {}
        if authorization:
            environ["HTTP_AUTHORIZATION"] = b",".join(authorization).decode("latin-1")
        lines = [line.split(": ", 1) for line in headers.decode("latin-1").split("\r\n") if line]
        response = self._client.open(
            path, method=method, environ_overrides=environ, headers=[(name, value) for name, value in lines]
        )
        return response.status_code, list(response.headers.items()), response.data


class Plain(Door):
    """No HTTP at all: what the validator of a route says of a token."""

    def __init__(self, log: Path, app: Flask) -> None:
        super().__init__(log)
        self._validators: dict[str, AccessTokenValidator] = app.extensions["validators"]

    def bearer(self, token: str, path: str = "/private") -> Answer:
        self._begin()
        status, reason = 200, None
        try:
            self._validators.get(path, self._validators["/private"]).verify(token)
        except (TokenRejected, KeysUnavailable) as error:
            status, reason = error.status_code, error.reason.value
        logged = self._reason()
        assert logged == (reason if status != 503 else None)
        return Answer(status, reason=reason)


class InLoop(Door):
    """An ASGI application, called as a server does; with `detail`, it puts the members of a refusal one level down."""

    def __init__(self, log: Path, app: ASGIApp, loop: asyncio.Runner, *, detail: bool = False) -> None:
        super().__init__(log)
        self._app = app
        self._loop = loop
        self._detail = detail

    def _send(
        self, authorization: Sequence[bytes], path: str, method: str, headers: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        sent: list[Message] = []
        fields = [(b"authorization", value) for value in authorization]
        for line in headers.split(b"\r\n"):
            name, _, value = line.partition(b": ")
            if name:
                fields.append((name.lower(), value))
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": fields,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        self._loop.run(self._app(scope, receive, send))  # type: ignore[arg-type]  # an awaitable that is a coroutine
        start, *rest = sent
        body = b"".join(message.get("body", b"") for message in rest)
        if self._detail and start["status"] in (400, 401, 403, 503):
            body = self._one_level_up(body)
        lines = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
        return start["status"], lines, body

    @staticmethod
    def _one_level_up(body: bytes) -> bytes:
        document = json.loads(body)
        assert document.keys() == {"detail"}
        return json.dumps(document["detail"]).encode()


class Served(Door):
    """A server in a process of its own, spoken to by a socket."""

    def __init__(self, log: Path, program: Program, port: int) -> None:
        super().__init__(log)
        self.program = program
        self._port = port

    def _send(
        self, authorization: Sequence[bytes], path: str, method: str, headers: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        fields = b"".join(b"Authorization: " + value + b"\r\n" for value in authorization)
        connection = "Upgrade" if b"Upgrade: " in headers else "close"
        line = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: {connection}\r\n"
        head, _, body = self.exchange(line.encode("latin-1") + fields + headers + b"\r\n").partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        found = [line.split(": ", 1) for line in lines]
        return int(status.split(" ")[1]), [(name, value) for name, value in found], body

    def exchange(self, request: bytes) -> bytes:
        """Everything that the server says to these bytes."""
        said = b""
        with socket.create_connection(("127.0.0.1", self._port), timeout=30) as connection:
            with suppress(ConnectionError):  # it need not read a request to the end to refuse it
                connection.sendall(request)
            with suppress(ConnectionError):
                while not _opens_a_websocket(said) and (chunk := connection.recv(65_536)):
                    said += chunk
        return said


def _opens_a_websocket(said: bytes) -> bool:
    """Whether a conversation begins, which nobody here continues."""
    return said.startswith(b"HTTP/1.1 101 ") and b"\r\n\r\n" in said


class Doors(dict[str, Door]):
    """The doors by name, and the realm that stands behind all of them."""

    def __init__(self, forge: Forge) -> None:
        super().__init__()
        self.forge = forge

    def served(self, name: str) -> Served:
        """A server, for who has whole requests to send."""
        door = self[name]
        assert isinstance(door, Served)
        return door


@contextmanager
def open_doors(forge: Forge, folder: Path) -> Iterator[Doors]:
    """Every door, each with the keys of the realm at hand; the logs are kept in `folder`."""
    configuration = {"issuer": forge.issuer, "certs": f"{forge.keys.url}/certs"}
    doors = Doors(forge)
    with ExitStack() as stack:
        for name, (command, says) in _COMMANDS.items():
            log = folder / f"{name}.log"
            log.touch()
            environment = {CONFIGURATION: json.dumps({**configuration, "log": str(log)})}
            program = stack.enter_context(
                running([sys.executable, "-m", *command.split()], folder=_ROOT, **environment)
            )
            stack.callback(program.end, signal.SIGTERM)  # or gunicorn's worker outlives it by half a minute
            doors[name] = Served(log, program, int(program.wait_for(says)[1]))
        log = folder / "in_process.log"
        stack.enter_context(_logging_to(log))
        app = flask_application.application(configuration)
        loop = stack.enter_context(asyncio.Runner())
        doors["validator"], doors["flask"] = Plain(log, app), InProcess(log, app)
        doors["fastapi"] = InLoop(log, fastapi_application.application(configuration), loop)
        in_detail = fastapi_application.application(configuration, detail=True)
        doors["fastapi, as it answers by itself"] = InLoop(log, in_detail, loop, detail=True)
        for name in doors.keys() - {"validator"}:
            for path in ("/private", "/named", "/untyped", "/several", "/fragile"):
                _wait_until_served(doors[name], forge, path)
        yield doors
        for name in SERVERS:
            assert "Traceback" not in doors.served(name).program.output


def _wait_until_served(door: Door, forge: Forge, path: str) -> None:
    deadline = time.monotonic() + 30
    while door.bearer(forge.token(), path).status != 200:
        assert time.monotonic() < deadline, f"{path} was never served"


@contextmanager
def _logging_to(log: Path) -> Iterator[None]:
    logger = logging.getLogger("resource_protector")
    handler, level = log_file(str(log)), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()
