"""A web server with several processes, which a test starts and stops."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from resource_protector.dev import DevRealm
from tests.polling import eventually
from tests.processes import Program, clean_environment

ROOT = Path(__file__).parents[2]
_GUNICORN = ("-m", "gunicorn", "--no-control-socket", "--graceful-timeout", "2", "--bind", "127.0.0.1:0")
_UVICORN = ("-m", "uvicorn", "--no-access-log", "--timeout-graceful-shutdown", "2", "--port", "0")
_KEYS_LINE = re.compile(r"^(\d+) resource_protector\.keys (\w+) (.*)$", re.MULTILINE)


class Server:
    """A running server: the port it listens on, and what it has logged."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.port = int(program.wait_for(r"(?:Listening at:|running on) http://127\.0\.0\.1:(\d+)")[1])
        eventually(self._listens)  # uvicorn names the port a moment earlier

    @property
    def log(self) -> str:
        """All that the server and its workers have written so far."""
        return self._program.output

    @property
    def booted_workers(self) -> set[int]:
        """The processes that gunicorn has forked."""
        return {int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", self.log)}

    def _listens(self) -> bool:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port), timeout=10):
            return True
        return False

    def keys_log(self) -> dict[int, list[str]]:
        """The lines of the logger `resource_protector.keys`, by process."""
        lines: dict[int, list[str]] = {}
        for pid, level, message in _KEYS_LINE.findall(self.log):
            lines.setdefault(int(pid), []).append(f"{level} {message}")
        return lines


@contextmanager
def gunicorn(realm: DevRealm, *arguments: str, workers: int, before_fork: str = "", **options: Any) -> Iterator[Server]:
    """The application under gunicorn, with these keywords of the validator."""
    command = [sys.executable, *_GUNICORN, "--workers", str(workers), *arguments, "tests.servers.application:app"]
    with _serving(command, realm, before_fork, options) as program:
        yield Server(program)


@contextmanager
def uvicorn(
    realm: DevRealm, *, workers: int, application: str = "tests.servers.asgi_application:app", **options: Any
) -> Iterator[Server]:
    """The same under uvicorn, through a2wsgi, or another application."""
    command = [sys.executable, *_UVICORN, "--workers", str(workers), application]
    with _serving(command, realm, "", options) as program:
        yield Server(program)


@contextmanager
def _serving(command: Sequence[str], realm: DevRealm, before_fork: str, options: dict[str, Any]) -> Iterator[Program]:
    """`command` in a process group of its own, of which nothing is left when the block is."""
    environment = {"ISSUER": realm.issuer, "OPTIONS": json.dumps(options), "BEFORE_FORK": before_fork}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=clean_environment(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    ) as process:
        program = Program(process)
        try:
            yield program
        finally:
            with suppress(subprocess.TimeoutExpired):
                program.end(signal.SIGTERM)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            program.kill()
