"""The credentials that an API's owner issues to third parties, and withdraws."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .audience_scope import check_audience_scope, new_audience_scope
from .credentials import Credentials, is_ours, new_client
from .errors import AdminError, Gone, Refused
from .realm_admin import RealmAdmin

__all__ = ["Change", "ThirdPartyCredentials"]

_CONFLICT = 409


@dataclass(frozen=True)
class Change:
    """What a command has done to which credentials. `secret` is a new one, to be shown this once."""

    credentials: Credentials
    changed: bool
    secret: str | None = None

    def __repr__(self) -> str:
        """Without the secret, which would else stand in tracebacks."""
        return f"Change(credentials={self.credentials!r}, changed={self.changed!r})"


class ThirdPartyCredentials:
    """The clients of a realm that were made here; no other client, and no existing scope, is ever changed.

    Every method may be repeated: what is already as it should be is left alone (`changed` is False). Only `rotate`
    makes a new secret each time, which is what it is for. AdminError is raised when nothing could be done.
    """

    def __init__(self, realm: RealmAdmin, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._realm = realm
        self._now = now

    def issue(self, name: str, *, audience: str, scope: str) -> Change:
        """New credentials `name` whose tokens are meant for the API `audience` and have `scope`.

        Existing ones are given the scope again if they have lost it, and keep their secret.
        """
        if not self._realm.has_client(audience):
            raise AdminError(
                f"There is no client {audience!r} in this realm to be the audience: make one for the API (Clients > "
                "Create client), or check --for."
            )
        existing = self._existing(name, scope=scope)
        known_scope = self._realm.scope(scope)
        if known_scope is not None:
            check_audience_scope(known_scope, audience)
        if existing is not None and known_scope is not None and scope in existing.scopes:
            return Change(existing, changed=False)
        with self._audience_scope(known_scope, scope, audience) as scope_id:
            if existing is not None:
                self._realm.give_scope(existing.id, scope_id)
                return Change(Credentials.of(self._realm.client_by_id(existing.id)), changed=True)
            return self._made(name, scope, scope_id)

    def rotate(self, name: str) -> tuple[Credentials, str]:
        """The same credentials, with a new secret; the old one gets no more tokens."""
        credentials = self._wanted(name)
        return credentials, self._realm.new_secret(credentials.id)

    def enable(self, name: str) -> Change:
        """Lets the credentials get tokens."""
        return self._switch(name, on=True)

    def disable(self, name: str) -> Change:
        """Lets the credentials get no more tokens. Tokens that are out live until they expire."""
        return self._switch(name, on=False)

    def remove(self, name: str) -> bool:
        """Removes the credentials for good, and not their scope, which others may have. False if there are none."""
        credentials = self._existing(name)
        if credentials is None:
            return False
        try:
            self._realm.delete_client(credentials.id)
        except Gone:
            return False
        return True

    def list(self) -> list[Credentials]:
        """All that were issued here, by name."""
        ours = [Credentials.of(client) for client in self._realm.clients() if is_ours(client)]
        return sorted(ours, key=lambda credentials: credentials.name)

    def _existing(self, name: str, *, scope: str | None = None) -> Credentials | None:
        """What is known of the credentials `name`. AdminError when they are not ours, or for another scope."""
        client = self._realm.client(name)
        if client is None:
            return None
        if not is_ours(client):
            raise AdminError(
                f"{name!r} is a client that was not issued here, so it is left alone: choose another name, or see to "
                "that client in Keycloak's console."
            )
        credentials = Credentials.of(client)
        if scope not in (None, credentials.issued_for):
            # It may be a slip of the pen, and would give one third party what was meant for another.
            raise AdminError(
                f"{name!r} was issued for the scope {credentials.issued_for!r} and is left as it is: issue other "
                f"credentials for {scope!r}, or remove these first."
            )
        return credentials

    def _wanted(self, name: str) -> Credentials:
        credentials = self._existing(name)
        if credentials is None:
            raise AdminError(f"There are no credentials {name!r}: 'credentials list' names those that there are.")
        return credentials

    def _switch(self, name: str, *, on: bool) -> Change:
        credentials = self._wanted(name)
        if credentials.enabled is on:
            return Change(credentials, changed=False)
        self._realm.set_enabled(credentials.id, on)
        return Change(Credentials.of(self._realm.client_by_id(credentials.id)), changed=True)

    @contextmanager
    def _audience_scope(self, known: dict[str, Any] | None, scope: str, audience: str) -> Iterator[str]:
        """Keycloak's own id of the scope, which is made if it is missing, and undone if what it is for fails."""
        if known is not None:
            yield str(known["id"])
            return
        try:
            scope_id = self._realm.create_scope(new_audience_scope(scope, audience))
        except Refused as refused:
            rival = self._realm.scope(scope) if refused.status_code == _CONFLICT else None
            if rival is None:
                raise
            check_audience_scope(rival, audience)  # another run was quicker
            yield str(rival["id"])
            return
        try:
            yield scope_id
        except BaseException:
            # Nothing is to be left behind; but a scope that somebody has by now is his.
            with suppress(AdminError):
                if not any(scope in client.get("defaultClientScopes", ()) for client in self._realm.clients()):
                    self._realm.delete_scope(scope_id)
            raise

    def _made(self, name: str, scope: str, scope_id: str) -> Change:
        issued_at = self._now().astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        new = new_client(name, scope=scope, default_scopes=self._realm.default_scopes(), issued_at=issued_at)
        try:
            client_id = self._realm.create_client(new)
        except Refused as refused:
            if refused.status_code != _CONFLICT:
                raise
            rival = self._existing(name, scope=scope)
            if rival is None:
                raise AdminError(
                    f"Keycloak has a client whose name differs from {name!r} only in upper and lower case: choose "
                    "another name."
                ) from refused
            return Change(rival, changed=False)  # another run was quicker, and shows the secret
        try:
            client = self._realm.client_by_id(client_id)
            if scope not in client["defaultClientScopes"]:  # Keycloak passes over a scope that is deleted just then
                self._realm.give_scope(client_id, scope_id)
                client = self._realm.client_by_id(client_id)
            return Change(Credentials.of(client), changed=True, secret=str(client["secret"]))
        except BaseException:
            # Nobody has seen the secret, so nobody misses the client.
            with suppress(AdminError):
                self._realm.delete_client(client_id)
            raise
