"""The issuer: a realm with its keys, its address, its clock and the sessions begun at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from resource_protector.dev.grant import Session
from resource_protector.dev.key_ring import KeyRing
from resource_protector.dev.mappers import report_unhonoured
from resource_protector.dev.realm_model import Client, Realm, User

__all__ = ["Issuer"]


class Issuer:
    """What the endpoints of one realm share."""

    def __init__(self, realm: Realm, url: str, now: Callable[[], float]) -> None:
        report_unhonoured(realm)
        self.realm = realm
        self.url = url
        self.now = now
        self.keys = KeyRing(realm.signature_algorithm)
        self._sessions: dict[str, Session] = {}

    def begin_session(self, client: Client, user: User, notes: Mapping[str, str], names: list[str]) -> Session:
        """A new session for a user, remembered until the issuer is gone."""
        session = Session(
            client_id=client.client_id,
            user=user,
            notes=notes,
            scope_names=tuple(names),
            started_at=int(self.now()),
            offline="offline_access" in names,
        )
        self._sessions[session.sid] = session
        return session

    def session(self, sid: object) -> Session | None:
        """The session with that id, if it was begun here."""
        return self._sessions.get(sid) if isinstance(sid, str) else None

    def find_user(self, login: str) -> User | None:
        """The user with that name or e-mail address, in any case."""
        login = login.lower()
        user = self.realm.users.get(login)
        return user or next((user for user in self.realm.users.values() if user.email == login), None)
