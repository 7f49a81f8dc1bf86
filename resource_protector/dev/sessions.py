"""What the realm remembers of the tokens it gave out: their sessions, and which of them it took back."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from resource_protector.dev.changes import Changes
from resource_protector.dev.grant import Session

__all__ = ["Sessions", "SessionsState"]


@dataclass(frozen=True)
class SessionsState:
    """What `restore` takes."""

    sessions: Mapping[str, Session]
    revoked: frozenset[str]


class Sessions:
    """The sessions of one realm.

    Each of its collections is added to, taken out of or replaced in one step, so no lock is needed.
    """

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._revoked: set[str] = set()
        self._minted: dict[str, Mapping[str, Any]] = {}
        self._ended: Changes[frozenset[str]] = Changes()

    def add(self, session: Session) -> None:
        """Begin a session."""
        self._sessions[session.sid] = session

    def find(self, sid: object) -> Session | None:
        """The session with that id, if it was begun here and has not ended."""
        if not isinstance(sid, str) or any(sid in ended for ended in self._ended.in_force):
            return None
        return self._sessions.get(sid)

    def of_user(self, user_id: str) -> list[Session]:
        """The sessions of a user."""
        return [session for session in list(self._sessions.values()) if session.user.id == user_id]

    def end(self, sid: str) -> None:
        """End a session, as a request to log out does it."""
        self._sessions.pop(sid, None)

    def end_for_now(self, sids: frozenset[str]) -> AbstractContextManager[object]:
        """End sessions; leaving the answered context manager brings them back."""
        return self._ended.begin(sids)

    def bring_back(self) -> None:
        """Bring back all sessions that ended for now."""
        self._ended.undo_all()

    def revoke(self, jti: object) -> None:
        """Take the token with that id back, if it has one."""
        if isinstance(jti, str):
            self._revoked.add(jti)

    def is_revoked(self, jti: object) -> bool:
        """Whether the token with that id was taken back."""
        return isinstance(jti, str) and jti in self._revoked

    def remember_minted(self, token: str, left_out: Mapping[str, Any]) -> None:
        """Note a token that no grant stands behind, with the claims that only introspection is to say of it."""
        self._minted[_signature(token)] = left_out

    def minted(self, token: str) -> Mapping[str, Any] | None:
        """What was noted for a token; None for one that a grant gave out."""
        return self._minted.get(_signature(token))

    def state(self) -> SessionsState:
        """What `restore` takes to forget all that was begun, ended and revoked since."""
        return SessionsState(MappingProxyType(dict(self._sessions)), frozenset(self._revoked))

    def restore(self, state: SessionsState) -> None:
        """Go back to a `state`."""
        self._sessions, self._revoked = dict(state.sessions), set(state.revoked)


def _signature(token: str) -> str:
    """The last part of a token, which no other token of the realm has."""
    return token.rpartition(".")[2]
