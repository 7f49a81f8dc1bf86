"""The Keycloak that the suite runs on: its own, or a running one named by its address."""

import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.keycloak import distribution, realm_file
from tests.keycloak.admin import Admin
from tests.keycloak.realm import Realm
from tests.keycloak.server import ADMIN_PASSWORD, ADMIN_USERNAME, KeycloakServer

REALM_FILES = (realm_file.MYORG, realm_file.LOCAL)


@dataclass(frozen=True)
class Keycloak:
    """A running server. `server` is None when it is somebody else's, which the suite may not kill."""

    url: str
    admin: Admin
    version: str
    server: KeycloakServer | None = None
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False)

    def is_at_least(self, version: str) -> bool:
        """Whether the server is of that version or newer."""
        return _numbers_of(self.version) >= _numbers_of(version)

    def realm(self, file: Path) -> Realm:
        """The realm that was imported from a realm file. Tests must leave it as they found it."""
        return self._as_realm(realm_file.content(file))

    @contextlib.contextmanager
    def own_realm(self, representation: dict[str, Any], name: str | None = None) -> Iterator[Realm]:
        """A realm of the caller's own, to be changed at will and gone at the end."""
        unique = name or f"{representation['realm']}-{os.getpid()}-{next(self._numbers)}"
        content = realm_file.renamed(representation, unique)
        self.admin.create_realm(content)
        try:
            yield self._as_realm(content)
        finally:
            if self.admin.realm_exists(unique):  # a test may have deleted it itself
                self.admin.delete_realm(unique)

    def _as_realm(self, representation: dict[str, Any]) -> Realm:
        return Realm(
            self.url, representation["realm"], realm_file.secrets(representation), realm_file.passwords(representation)
        )


@contextlib.contextmanager
def running() -> Iterator[Keycloak]:
    """The server that `KEYCLOAK_URL` names, or else one started for this run; stopped at the end if it was."""
    url = os.environ.get("KEYCLOAK_URL", "").rstrip("/")
    with _named(url) if url else _started() as keycloak:
        yield keycloak


@contextlib.contextmanager
def _named(url: str) -> Iterator[Keycloak]:
    username = os.environ.get("KEYCLOAK_ADMIN_USERNAME") or ADMIN_USERNAME
    admin = Admin(url, username, os.environ.get("KEYCLOAK_ADMIN_PASSWORD") or ADMIN_PASSWORD)
    try:
        version = admin.version()
    except requests.ConnectionError as error:
        raise RuntimeError(f"KEYCLOAK_URL names {url}, where nobody answers: start that server, or unset it") from error
    contents = [realm_file.content(file) for file in REALM_FILES]
    missing = [content for content in contents if not admin.realm_exists(content["realm"])]
    for content in missing:
        admin.create_realm(content)
    try:
        yield Keycloak(url, admin, version)
    finally:
        for content in missing:
            admin.delete_realm(content["realm"])


@contextlib.contextmanager
def _started() -> Iterator[Keycloak]:
    distribution.require_java()
    archive = distribution.archive(distribution.wanted_version())
    with (
        temporary_folder() as folder,
        KeycloakServer(distribution.unpack(archive, folder), REALM_FILES) as server,
    ):
        admin = Admin(server.url, ADMIN_USERNAME, ADMIN_PASSWORD)
        yield Keycloak(server.url, admin, admin.version(), server)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for one run of a server, 190 MB, which is why it is not left to pytest's `tmp_path`: that keeps three."""
    folder = Path(tempfile.mkdtemp(prefix="keycloak-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _numbers_of(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
