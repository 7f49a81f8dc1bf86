"""A realm as its file describes it: clients, scopes, mappers, users, roles.

Everything here is frozen and holds no secrets of its own making; `realm_file` builds it and the
rest of the dev realm only reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit

__all__ = ["Client", "ClientScope", "Mapper", "Realm", "Role", "TokenKind", "User"]

TokenKind = Literal["access", "lightweight", "id"]

Role = tuple[str | None, str]
"""A role's client id (None for a realm role) and its name."""

_FLAG_OF = {"access": "access.token.claim", "lightweight": "lightweight.claim", "id": "id.token.claim"}
# Keycloak puts these into access tokens unless their configuration says otherwise; all others must say so.
_ON_UNLESS_SAID = frozenset({"oidc-audience-resolve-mapper", "oidc-allowed-origins-mapper"})


def _empty() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Mapper:
    """A protocol mapper: what writes one claim into tokens."""

    name: str
    kind: str
    config: Mapping[str, str] = field(default_factory=_empty)

    def writes_into(self, token: TokenKind) -> bool:
        """Whether this mapper's configuration names that kind of token."""
        default = "true" if token == "access" and self.kind in _ON_UNLESS_SAID else "false"  # noqa: S105 - no password
        return self.config.get(_FLAG_OF[token], default) == "true"


@dataclass(frozen=True)
class ClientScope:
    """A client scope: a bundle of mappers that a token request can name."""

    name: str
    mappers: tuple[Mapper, ...] = ()
    in_token_scope: bool = True
    roles: frozenset[Role] = frozenset()


@dataclass(frozen=True)
class Client:
    """A client of the realm."""

    client_id: str
    secret: str | None = field(default=None, repr=False)
    enabled: bool = True
    public: bool = False
    bearer_only: bool = False
    consent_required: bool = False
    service_account: bool = False
    password_grant: bool = False
    authenticates_by_secret: bool = True
    full_scope: bool = True
    default_scopes: tuple[str, ...] = ()
    optional_scopes: tuple[str, ...] = ()
    scope_roles: frozenset[Role] = frozenset()
    mappers: tuple[Mapper, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=_empty)
    web_origins: tuple[str, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    root_url: str = ""

    def has(self, attribute: str) -> bool:
        """Whether an attribute of the client is switched on."""
        return self.attributes.get(attribute) == "true"

    def seconds(self, attribute: str, default: int) -> int:
        """An attribute that holds seconds; absent or not a positive number means the realm's `default`."""
        value = self.attributes.get(attribute, "")
        return int(value) if value.isdecimal() and int(value) > 0 else default

    @property
    def is_lightweight(self) -> bool:
        """Whether its access tokens leave out what only introspection tells."""
        return self.has("client.use.lightweight.access.token.enabled")

    @property
    def refreshes(self) -> bool:
        """Whether it is given refresh tokens."""
        return self.attributes.get("use.refresh.tokens") != "false"

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Its web origins, `+` replaced by the origins of its redirect URIs."""
        origins: dict[str, None] = {}
        for origin in self.web_origins:
            if origin != "+":
                origins[origin] = None
                continue
            for uri in self.redirect_uris:
                parts = urlsplit(self.root_url if uri.startswith("/") else uri)
                if parts.scheme in ("http", "https"):
                    origins[f"{parts.scheme}://{parts.netloc}"] = None
        return tuple(origins)


@dataclass(frozen=True)
class User:
    """A user, or the user behind a client's service account."""

    id: str
    username: str
    enabled: bool = True
    email: str | None = None
    email_verified: bool = False
    first_name: str | None = None
    last_name: str | None = None
    password: str | None = field(default=None, repr=False)
    created_at_milliseconds: int = 0
    required_actions: tuple[str, ...] = ()
    service_account_of: str | None = None
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    roles: frozenset[Role] = frozenset()
    """Every role the user has, those inside composite roles and of groups too."""

    @property
    def is_set_up(self) -> bool:
        """Whether Keycloak would let the user log in without asking for something first."""
        complete = bool(self.email and self.first_name and self.last_name)
        return not self.required_actions and (complete or self.service_account_of is not None)


@dataclass(frozen=True)
class Realm:
    """A whole realm file, checked."""

    name: str
    enabled: bool
    clients: Mapping[str, Client]
    scopes: Mapping[str, ClientScope]
    users: Mapping[str, User]
    service_accounts: Mapping[str, User]
    clients_with_roles: tuple[str, ...] = ()
    access_token_seconds: int = 300
    session_idle_seconds: int = 1800
    session_max_seconds: int = 36000
    not_before: int = 0
    signature_algorithm: str = "RS256"

    @property
    def mappers(self) -> tuple[Mapper, ...]:
        """Every mapper of every scope and client."""
        owners: tuple[ClientScope | Client, ...] = (*self.scopes.values(), *self.clients.values())
        return tuple(mapper for owner in owners for mapper in owner.mappers)

    @property
    def audiences(self) -> frozenset[str]:
        """What the audience mappers and the client roles of the file can put into `aud`."""
        found = set(self.clients_with_roles)
        for mapper in self.mappers:
            if mapper.kind == "oidc-audience-mapper":
                named = mapper.config.get("included.client.audience") or mapper.config.get("included.custom.audience")
                if named:
                    found.add(named)
        return frozenset(found)
