"""One protected application behind several doors: called in process, and by raw bytes through real servers."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from resource_protector import KeysUnavailable, MultiRealmValidator, RealmTokenValidator, TokenRejected, any_of
from resource_protector.access_token_validator import AccessTokenValidator
from resource_protector.flask import ResourceProtector, get_token
from tests.forge import AUDIENCE, Forge
from tests.processes import Program, running

__all__ = ["DOORS", "SERVERS", "Answer", "Door", "Doors", "open_doors"]

SERVERS = ("werkzeug", "gunicorn")
DOORS = ("validator", "flask", *SERVERS)
_ROOT = Path(__file__).parents[1]
_CONFIGURATION = "APPLICATION_UNDER_ATTACK"
_LOG_FORMAT = "%(name)s %(levelname)s <%(reason)s> %(message)s"
_REFUSED = re.compile(r"^resource_protector\.refusals INFO <(\w+)>")
# One line for one event: what a token's author wrote cannot begin another, nor reach a terminal.
_LOG_LINE = re.compile(r"resource_protector[.a-z]* (?:INFO|WARNING) <[-\w]+> [ -~]+")
_NOBODY = "http://127.0.0.1:9/certs"
_RETRY = {"cooldown_seconds": 0.05, "retry_seconds": 0.05}


def validators(configuration: dict[str, str]) -> dict[str, AccessTokenValidator]:
    """The validator of each of the application's routes."""
    issuer, certs = configuration["issuer"], configuration["certs"]

    def of(route: str, **options: Any) -> RealmTokenValidator:
        # An address per route, so that it can be told who asks for the keys.
        options = {"jwks_uri": certs + route, "max_age_seconds": 3600, **options}
        return RealmTokenValidator(issuer, audience=AUDIENCE, **options)

    other = RealmTokenValidator(issuer + "-other", audience=AUDIENCE, jwks_uri=_NOBODY)
    return {
        "/private": of("/private"),
        "/named": of("/named", realm="Orders API"),
        "/untyped": of("/untyped", token_types=("Bearer", "at+jwt", "JWT")),
        "/several": MultiRealmValidator(of("/several"), other),
        "/unreachable": of("/unreachable", jwks_uri=_NOBODY, **_RETRY),
        "/fragile": of("/fragile", **_RETRY),
        "/stale": of("/stale", max_age_seconds=0.05, max_stale_seconds=0, **_RETRY),
        "/short": of("/short", max_age_seconds=0.2, leeway_seconds=0),
    }


def application(configuration: dict[str, str] | None = None) -> Flask:
    """The application under test; without an argument it reads its configuration from the environment, and logs."""
    if configuration is None:
        configuration = json.loads(os.environ[_CONFIGURATION])
        logging.getLogger("resource_protector").addHandler(_log_file(configuration["log"]))
        logging.getLogger("resource_protector").setLevel(logging.INFO)
    app = Flask("attacked")
    made = validators(configuration)
    app.extensions["validators"] = made
    require_auth = ResourceProtector(made["/private"])
    whose = _whose

    for route, validator in made.items():
        protect = require_auth if route == "/private" else ResourceProtector(validator)
        scopes = "orders:read" if route == "/named" else None
        app.add_url_rule(route, route, protect(scopes)(_named(route)))
        app.add_url_rule(f"/optional{route}", f"optional{route}", protect(None, optional=True)(_named(route)))
    app.add_url_rule("/scoped", "scoped", require_auth("orders:read orders:list")(_named("scoped")))
    app.add_url_rule("/choice", "choice", require_auth(any_of("orders:read", "orders:write"))(_named("choice")))
    app.add_url_rule("/role", "role", require_auth(roles="admin")(_named("role")))
    app.add_url_rule("/client-role", "client-role", require_auth(client_roles={"shop": "clerk"})(_named("client")))
    app.add_url_rule("/claim", "claim", require_auth(claims={"groups": "/staff"})(_named("claim")))
    app.add_url_rule(
        "/optional",
        "optional",
        require_auth("orders:read", optional=True)(_named("optional")),
        methods=["GET", "POST"],
    )
    guarded = Flask("guarded")
    guarded.add_url_rule("/", "index", whose, methods=["GET", "POST"])
    require_auth.guard(guarded, "orders:read")
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/guarded": guarded})  # type: ignore[method-assign]  # Flask's documentation has it so
    return app


def _whose() -> ResponseReturnValue:
    token = get_token()
    return jsonify(sub=token.subject if token is not None else None)


def _named(name: str) -> Callable[[], ResponseReturnValue]:
    def view() -> ResponseReturnValue:
        return _whose()

    view.__name__ = name
    return view


def _log_file(path: str) -> logging.Handler:
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter(_LOG_FORMAT, defaults={"reason": "-"}))
    return handler


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
        line = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
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
                while chunk := connection.recv(65_536):
                    said += chunk
        return said


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


_COMMANDS = {
    "werkzeug": ("flask --app tests.raw_http:application run --port 0", r"Running on http://127\.0\.0\.1:(\d+)"),
    "gunicorn": (
        "gunicorn --no-control-socket --bind 127.0.0.1:0 --workers 1 tests.raw_http:application()",
        r"Listening at: http://127\.0\.0\.1:(\d+)",
    ),
}


@contextmanager
def open_doors(forge: Forge, folder: Path) -> Iterator[Doors]:
    """Every door, each with the keys of the realm at hand; the logs are kept in `folder`."""
    configuration = {"issuer": forge.issuer, "certs": f"{forge.keys.url}/certs"}
    doors = Doors(forge)
    with ExitStack() as stack:
        for name, (command, says) in _COMMANDS.items():
            log = folder / f"{name}.log"
            log.touch()
            environment = {_CONFIGURATION: json.dumps({**configuration, "log": str(log)})}
            program = stack.enter_context(
                running([sys.executable, "-m", *command.split()], folder=_ROOT, **environment)
            )
            stack.callback(program.end, signal.SIGTERM)  # or gunicorn's worker outlives it by half a minute
            doors[name] = Served(log, program, int(program.wait_for(says)[1]))
        log = folder / "in_process.log"
        stack.enter_context(_logging_to(log))
        app = application(configuration)
        doors["validator"], doors["flask"] = Plain(log, app), InProcess(log, app)
        for name in ("flask", *SERVERS):
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
    handler, level = _log_file(str(log)), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()
