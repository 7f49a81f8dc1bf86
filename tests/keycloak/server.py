"""A Keycloak server of our own: one home folder, one port, one process at a time."""

import os
import shutil
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import requests

from tests.keycloak.polling import poll
from tests.keycloak.process import LeashedProcess

ADMIN_USERNAME = "admin"
ADMIN_PASSWORD = "admin"
# A first start builds the server and creates the database: 40 s on two cores, more where they are shared.
READY_SECONDS = 240.0
# Keycloak's database writes a commit to its file within a second; a power cut before that would undo it.
DATABASE_WRITES_WITHIN_SECONDS = 1.5
# What would make kc.sh or Keycloak behave differently from the next machine's.
FOREIGN_VARIABLES = ("KC_", "KEYCLOAK_", "DEBUG", "JAVA_OPTS")


class KeycloakServer:
    """Runs `kc.sh start-dev` on a loopback port with the given realm files imported.

    Keys and realms live in the home folder, so they survive `kill()` followed by `start()`, on the same port.
    `without_data()` gives a second, independent home that skips the slow build of a first start.
    """

    def __init__(self, home: Path, realm_files: Sequence[Path], *, port: int = 0, options: Sequence[str] = ()) -> None:
        self.home = home
        self.port = port or free_port()
        self._realm_files = list(realm_files)
        self._process = LeashedProcess(
            ["sh", str(home / "bin" / "kc.sh"), "start-dev", *self._arguments(options)],
            log=home / "server.log",
            environment=_environment(os.environ),
            folder=home,
        )

    @property
    def url(self) -> str:
        """The address of the server, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts the server and waits until its realms answer."""
        imported = self.home / "data" / "import"
        imported.mkdir(parents=True, exist_ok=True)
        for file in self._realm_files:
            shutil.copy(file, imported)
        self._process.start()
        try:
            poll(self._is_ready, seconds=READY_SECONDS, what=f"Keycloak in {self.home}")
        except TimeoutError as error:
            self.stop()
            raise RuntimeError(f"{error}; it wrote last:\n{self._process.last_words()}") from error
        except BaseException:  # an interrupt too must not leave it running until the suite ends
            self.stop()
            raise

    def stop(self) -> None:
        """Stops the server; harmless when it does not run."""
        self._process.stop()

    def kill(self) -> None:
        """Kills the server without a chance to tidy up."""
        self._process.kill()

    def kill_once_written(self) -> None:
        """Kills it as soon as all that was changed so far is in its database's file, and so survives."""
        database = self.home / "data" / "h2"
        poll(
            lambda: (
                time.time() - max(file.stat().st_mtime for file in database.iterdir()) > DATABASE_WRITES_WITHIN_SECONDS
            ),
            seconds=30,
            what="quiet in Keycloak's database",
        )
        self.kill()

    def without_data(self, into: Path) -> Path:
        """Copies the built server, but not its database, and returns the copy's home folder."""
        return Path(shutil.copytree(self.home, into, ignore=shutil.ignore_patterns("data", "server.log")))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _arguments(self, options: Sequence[str]) -> list[str]:
        return ["--http-host", "127.0.0.1", "--http-port", str(self.port), "--import-realm", *options]

    def _is_ready(self) -> bool:
        if not self._process.is_running:
            raise RuntimeError(f"Keycloak in {self.home} ended at once; it wrote last:\n{self._process.last_words()}")
        # Imported realms are there before the server listens; `master` always is.
        try:
            answer = requests.get(f"{self.url}/realms/master/.well-known/openid-configuration", timeout=5)
        except requests.RequestException:
            return False
        return answer.status_code == 200


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in ours.items() if not name.startswith(FOREIGN_VARIABLES)}
    # Keycloak 26 reads the first pair, older ones the second.
    kept |= {"KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN_USERNAME, "KC_BOOTSTRAP_ADMIN_PASSWORD": ADMIN_PASSWORD}
    return kept | {"KEYCLOAK_ADMIN": ADMIN_USERNAME, "KEYCLOAK_ADMIN_PASSWORD": ADMIN_PASSWORD}
