"""A realm as its file describes it: clients, scopes, users, roles.

Everything here is frozen and holds no secrets of its own making; `realm_file` builds it and the
rest of the dev realm only reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urlsplit

from resource_protector.dev.protocol_mapper import Mapper

__all__ = ["Client", "ClientScope", "Realm", "Role", "User"]

Role = tuple[str | None, str]
"""A role's client id (None for a realm role) and its name."""


def _empty() -> Mapping[str, str]:
    return MappingProxyType({})


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
            for uri in self.absolute_redirect_uris:
                parts = urlsplit(uri)
                if parts.scheme in ("http", "https"):
                    origins[f"{parts.scheme}://{parts.netloc}"] = None
        return tuple(origins)

    @property
    def absolute_redirect_uris(self) -> tuple[str, ...]:
        """Its redirect URIs, those that are only a path with the root URL in front."""
        return tuple(self.root_url + uri if uri.startswith("/") else uri for uri in self.redirect_uris)

    @property
    def post_logout_redirect_uris(self) -> tuple[str, ...]:
        """Where a browser may be sent after a logout; `+`, which is the default, stands for the redirect URIs."""
        named = (self.attributes.get("post.logout.redirect.uris") or "+").split("##")
        return tuple(uri for name in named for uri in (self.absolute_redirect_uris if name == "+" else (name,)))


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
    assigned_roles: frozenset[Role] = frozenset()
    """The roles that the user was given, those of groups too."""
    roles: frozenset[Role] = frozenset()
    """Every role the user has: those that were given, and those inside them."""
    not_before: int = 0
    """No token issued before this second is good."""

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
    included_roles: Mapping[Role, frozenset[Role]] = field(default_factory=lambda: MappingProxyType({}))
    """Every role of the realm, with itself and everything inside it."""
    clients_with_roles: tuple[str, ...] = ()
    access_token_seconds: int = 300
    session_idle_seconds: int = 1800
    session_max_seconds: int = 36000
    not_before: int = 0
    signature_algorithm: str = "RS256"

    def user(self, user_id: object) -> User | None:
        """The user with that id, behind a service account or not."""
        users = (*self.users.values(), *self.service_accounts.values())
        return next((user for user in users if user.id == user_id), None)

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
