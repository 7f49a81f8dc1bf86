"""What an administrator does to a realm while it runs, as changes that can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from resource_protector.dev.issuer import Issuer
from resource_protector.dev.realm_model import Client, Realm, Role, User

__all__ = ["Administration"]

Member = TypeVar("Member", Client, User)
_Undo = AbstractContextManager[object]


class Administration:
    """Takes things away from users and clients, and gives them roles.

    Every method takes effect at once and answers a context manager that undoes it at its end; each
    raises ValueError that lists what there is, for a name that the realm does not have.
    """

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer

    def log_out(self, login: str) -> _Undo:
        """End every session of a user, and declare void his tokens that outlive sessions: offline, or without one."""
        user = self._user(login)
        since = self._next_second()
        undo = ExitStack()
        undo.enter_context(self._change_user(user, lambda now: replace(now, not_before=since)))
        sessions = self._issuer.sessions.of_user(user.id)
        sids = frozenset(session.sid for session in sessions if not session.offline)
        undo.enter_context(self._issuer.sessions.end_for_now(sids))
        return undo

    def end_session(self, sid: str) -> _Undo:
        """End one session."""
        if self._issuer.sessions.find(sid) is None:
            raise ValueError(f"The realm has no session {sid!r}: write the `sid` of one of its tokens.")
        return self._issuer.sessions.end_for_now(frozenset({sid}))

    def disable_user(self, login: str) -> _Undo:
        """Disable a user, or the service account of that name."""
        return self._change_user(self._user(login), lambda now: replace(now, enabled=False))

    def disable_client(self, client_id: str) -> _Undo:
        """Disable a client."""
        if client_id not in self._issuer.realm.clients:
            raise ValueError(
                f"The realm has no client {client_id!r}: write one of {_listed(self._issuer.realm.clients)}."
            )

        def disabled(realm: Realm) -> Realm:
            return replace(
                realm, clients=_replaced(realm.clients, client_id, lambda client: replace(client, enabled=False))
            )

        return self._issuer.changes.begin(disabled)

    def remove_role(self, login: str, role: str, client_id: str | None) -> _Undo:
        """Take a role from a user, with everything inside it that no other role of his brings."""
        user, taken = self._user(login), (client_id, role)
        if taken not in user.assigned_roles:
            raise ValueError(
                f"User {user.username!r} was not given the role {_name_of(taken)}: "
                f"write one of {_listed(map(_name_of, user.assigned_roles))}."
            )
        return self._change_roles(user, lambda roles: roles - {taken})

    def add_role(self, login: str, role: str, client_id: str | None) -> _Undo:
        """Give a user a role, with everything inside it."""
        user, given = self._user(login), (client_id, role)
        included = self._issuer.realm.included_roles
        if given not in included:
            raise ValueError(
                f"The realm has no role {_name_of(given)}: write one of {_listed(map(_name_of, included))}."
            )
        return self._change_roles(user, lambda roles: roles | {given})

    def push_not_before(self) -> _Undo:
        """Declare every token void that was issued until now."""
        since = self._next_second()
        return self._issuer.changes.begin(lambda realm: replace(realm, not_before=since))

    def _next_second(self) -> int:
        # Keycloak compares whole seconds, so with the current one, tokens issued in it would stay good.
        return int(self._issuer.now()) + 1

    def _user(self, login: str) -> User:
        user = self._issuer.find_user(login)
        realm = self._issuer.realm
        if user is None:
            user = next((user for user in realm.service_accounts.values() if user.username == login.lower()), None)
        if user is None:
            names = {*realm.users, *(user.username for user in realm.service_accounts.values())}
            raise ValueError(f"The realm has no user {login!r}: write one of {_listed(names)}.")
        return user

    def _change_user(self, user: User, change: Callable[[User], User]) -> _Undo:
        def changed(realm: Realm) -> Realm:
            users = _replaced(realm.users, user.username, change)
            accounts = _replaced(realm.service_accounts, user.service_account_of or "", change)
            return replace(realm, users=users, service_accounts=accounts)

        return self._issuer.changes.begin(changed)

    def _change_roles(self, user: User, change: Callable[[frozenset[Role]], frozenset[Role]]) -> _Undo:
        included = self._issuer.realm.included_roles

        def changed(now: User) -> User:
            assigned = change(now.assigned_roles)
            return replace(
                now,
                assigned_roles=assigned,
                roles=frozenset().union(*(included.get(role, frozenset({role})) for role in assigned)),
            )

        return self._change_user(user, changed)


def _replaced(members: Mapping[str, Member], name: str, change: Callable[[Member], Member]) -> Mapping[str, Member]:
    """The members with one of them changed, if it is there."""
    if name not in members:
        return members
    return MappingProxyType({**members, name: change(members[name])})


def _name_of(role: Role) -> str:
    client_id, name = role
    return repr(name) if client_id is None else f"{name!r} of client {client_id!r}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "those that you add to the realm file"
