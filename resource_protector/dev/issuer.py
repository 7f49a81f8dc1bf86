"""The issuer: a realm with its keys, its address, its clock and the sessions begun at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from resource_protector.dev.changes import Changes
from resource_protector.dev.grant import Session
from resource_protector.dev.introspection_lies import IntrospectionLies
from resource_protector.dev.key_ring import KeyRing, RingState
from resource_protector.dev.mappers import report_unhonoured
from resource_protector.dev.realm_model import Client, Realm, User
from resource_protector.dev.sessions import Sessions, SessionsState

__all__ = ["Issuer", "RealmChange"]

RealmChange = Callable[[Realm], Realm]
"""What an administrator did: from the realm before to the realm after."""


class Issuer:
    """What the endpoints of one realm share."""

    def __init__(self, realm: Realm, url: str, now: Callable[[], float]) -> None:
        report_unhonoured(realm)
        self.url = url
        self.now = now
        self.keys = KeyRing(realm.signature_algorithm)
        self.sessions = Sessions()
        self.changes: Changes[RealmChange] = Changes()
        self.lies = IntrospectionLies()
        self._in_file = realm
        self._changed: tuple[tuple[RealmChange, ...], Realm] = ((), realm)

    @property
    def realm(self) -> Realm:
        """The realm as it is now: as the file has it, with all changes that are in force."""
        changes, realm = self._changed
        in_force = self.changes.in_force
        if changes is not in_force:
            realm = self._in_file
            for change in in_force:
                realm = change(realm)
            self._changed = in_force, realm
        return realm

    def begin_session(self, client: Client, user: User, notes: Mapping[str, str], names: list[str]) -> Session:
        """A new session for a user, remembered until it is ended or the issuer is gone."""
        session = Session(
            client_id=client.client_id,
            user=user,
            notes=notes,
            scope_names=tuple(names),
            started_at=int(self.now()),
            offline="offline_access" in names,
        )
        self.sessions.add(session)
        return session

    def find_user(self, login: str) -> User | None:
        """The user with that name or e-mail address, in any case."""
        login = login.lower()
        user = self.realm.users.get(login)
        return user or next((user for user in self.realm.users.values() if user.email == login), None)

    def heal(self) -> None:
        """Undo every change, bring back the sessions that ended for now, and tell the truth again."""
        self.changes.undo_all()
        self.sessions.bring_back()
        self.lies.end()

    def state(self) -> tuple[RingState, SessionsState]:
        """What `restore` takes to undo what was done to keys, sessions and tokens since."""
        return self.keys.state(), self.sessions.state()

    def restore(self, state: tuple[RingState, SessionsState]) -> None:
        """Go back to a `state`."""
        keys, sessions = state
        self.keys.restore(keys)
        self.sessions.restore(sessions)
