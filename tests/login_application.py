"""`examples/fastapi_login` as a running program."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.processes import Program, running

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
REALM_FILE = EXAMPLES / "keycloak" / "local-realm.json"
# The port by which the realm file knows the application: where the login page leads back to.
REDIRECT_PORT = 8000
_TIMEOUT_SECONDS = 30


class LoginApplication:
    """The program, and requests to it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.port = int(program.wait_for(r"Uvicorn running on http://127\.0\.0\.1:(\d+)")[1])

    @property
    def address(self) -> str:
        """By the name that the realm file has."""
        return f"http://localhost:{self.port}"

    def log_in(self, **form: str) -> requests.Response:
        """Posts a form to `/login`."""
        return requests.post(f"{self.address}/login", data=form, timeout=_TIMEOUT_SECONDS)

    def get(self, path: str, token: str | None = None) -> requests.Response:
        """Calls a route, with a token or without."""
        return self.ask("GET", path, token)

    def ask(self, method: str, path: str, token: str | None = None) -> requests.Response:
        """Calls a route by any method."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(method, f"{self.address}{path}", headers=headers, timeout=_TIMEOUT_SECONDS)


@contextmanager
def on_dev_realm(port: int = 0) -> Iterator[LoginApplication]:
    """The application on a dev realm of its own, as the one command of its README starts it."""
    with _running(["-m", "fastapi_login"], PORT=str(port)) as application:
        yield application


@contextmanager
def with_login_page(server_url: str, port: int = 0) -> Iterator[LoginApplication]:
    """The application on another server, with `.env`: Swagger's lock leads to the realm's own login page."""
    with _running(
        ["-m", "fastapi_login"], RUNTIME_ENV="prod", KEYCLOAK_SERVER_URL=server_url, PORT=str(port)
    ) as application:
        yield application


@contextmanager
def with_form(server_url: str, port: int = 0, **settings: str) -> Iterator[LoginApplication]:
    """The application on another server, with `.local.env`: Swagger's lock has a form for user and password."""
    command = ["-m", "uvicorn", "fastapi_login.main:app", "--port", str(port)]
    with _running(command, KEYCLOAK_SERVER_URL=server_url, **settings) as application:
        yield application


@contextmanager
def _running(arguments: list[str], **environment: str) -> Iterator[LoginApplication]:
    command = [sys.executable, "-W", "error", *arguments]
    # The checkout comes first, so that the example runs on what is tested, installed or not.
    with running(command, folder=EXAMPLES, **{"PYTHONPATH": str(ROOT), **environment}) as program:
        yield LoginApplication(program)
