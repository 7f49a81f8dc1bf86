"""What a token request came to: who gets a token, for which client, with which scopes."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from resource_protector.dev.realm_model import Client, ClientScope, Realm, Role, User

__all__ = ["Grant", "GrantKind", "Session", "granted_scopes", "is_scope_known", "requested_names"]

GrantKind = Literal["cc", "ro", "rt"]
"""Client credentials, resource owner's password, refresh token: as `jti` has it."""

_ORGANIZATION = "organization"


@dataclass(frozen=True)
class Session:
    """A user's session, begun by a grant that issues a refresh token; `sid` in its tokens."""

    client_id: str
    user: User
    notes: Mapping[str, str]
    scope_names: tuple[str, ...]
    """The names that were asked for when it began, `openid` among them."""
    started_at: int
    offline: bool
    sid: str = field(default_factory=lambda: secrets.token_urlsafe(18))


@dataclass(frozen=True)
class Grant:
    """Everything that decides what stands in the tokens of one answer."""

    realm: Realm
    client: Client
    user: User
    kind: GrantKind
    scopes: tuple[ClientScope, ...]
    openid: bool = False
    session: Session | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    """What the session or the service account's log-in knows, by the name a mapper uses."""

    @property
    def roles(self) -> frozenset[Role]:
        """The user's roles that this client may see with these scopes."""
        if self.client.full_scope:
            return self.user.roles
        visible = self.client.scope_roles.union(*(scope.roles for scope in self.scopes))
        return frozenset(role for role in self.user.roles if role in visible or role[0] == self.client.client_id)

    @property
    def scope(self) -> str:
        """The `scope` claim: the names of those scopes that are to be seen in it."""
        return self._scope_names([scope.name for scope in self.scopes if scope.in_token_scope])

    @property
    def all_scopes(self) -> str:
        """All scopes, also those that `scope` does not show: what a refresh token carries."""
        return self._scope_names([scope.name for scope in self.scopes])

    def _scope_names(self, names: list[str]) -> str:
        return " ".join(["openid", *names] if self.openid else names)


def requested_names(scope: str | None) -> list[str]:
    """The names in a `scope` parameter, split as Keycloak does it.

    An empty parameter holds one empty name, blanks alone hold none, blanks at the end do not count,
    and a blank too many in front or in between makes an empty name.
    """
    if scope is None or (scope and not scope.strip(" ")):
        return []
    return scope.rstrip(" ").split(" ")


def is_scope_known(client: Client, name: str) -> bool:
    """Whether a client may ask for a scope: `openid`, or one that it was assigned."""
    assigned = (*client.default_scopes, *client.optional_scopes)
    if name.startswith(f"{_ORGANIZATION}:"):
        name = _ORGANIZATION
    return name == "openid" or name in assigned


def granted_scopes(realm: Realm, client: Client, user: User, names: Sequence[str]) -> tuple[ClientScope, ...]:
    """The client's default scopes and the requested optional ones, as far as the user may have them."""
    wanted = (*client.default_scopes, *(name for name in client.optional_scopes if name in names))
    scopes = [realm.scopes[name] for name in dict.fromkeys(wanted)]
    # A scope that is tied to roles is only for users who have one of them, the scope of
    # organizations only for their members, and no user of a realm file is one.
    return tuple(s for s in scopes if (not s.roles or s.roles & user.roles) and s.name != _ORGANIZATION)
