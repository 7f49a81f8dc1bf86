"""The client scopes of a realm file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from resource_protector.dev.built_in import (
    BUILT_IN_DEFAULT_SCOPES,
    BUILT_IN_OPTIONAL_SCOPES,
    BUILT_IN_SCOPES,
    OFFLINE_ACCESS,
)
from resource_protector.dev.protocol_mapper import Mapper
from resource_protector.dev.realm_json import JsonObject
from resource_protector.dev.realm_model import ClientScope, Role
from resource_protector.dev.roles import RoleBook

__all__ = ["ScopeEntries", "read_mappers", "read_scope_roles", "read_scopes"]

_OPENID_CONNECT = "openid-connect"
_BUILT_IN_SAML = frozenset({"role_list", "saml_organization", "AuthnContextClassRef"})


@dataclass(frozen=True)
class ScopeEntries:
    """All client scopes of a realm, and the names that a client gets which lists none."""

    scopes: Mapping[str, ClientScope]
    saml_names: frozenset[str]
    realm_default: tuple[str, ...]
    realm_optional: tuple[str, ...]

    def assigned(self, names: Iterable[str], whose: str) -> tuple[str, ...]:
        """`names` without the SAML ones. Raises ValueError for a scope that does not exist."""
        for name in names:
            if name not in self.scopes and name not in self.saml_names:
                raise ValueError(
                    f"The realm file gives {whose} the client scope {name!r}, which does not exist: add it to "
                    f"'clientScopes', or write one of {', '.join(sorted(self.scopes))}."
                )
        return tuple(name for name in names if name in self.scopes)


def read_scopes(file: JsonObject, book: RoleBook) -> ScopeEntries:
    """The client scopes of a realm file, or Keycloak's built-in ones if the file has none of its own."""
    default, optional = file.names("defaultDefaultClientScopes"), file.names("defaultOptionalClientScopes")
    entries = file.objects("clientScopes")
    saml = _BUILT_IN_SAML | {entry.required_text("name") for entry in entries if not _is_openid_connect(entry)}
    if "clientScopes" in file:
        # A file with client scopes of its own gets none of the built-in ones but offline_access.
        scopes = {scope.name: scope for scope in (_scope(e, file, book) for e in entries if _is_openid_connect(e))}
        if OFFLINE_ACCESS.name not in scopes:
            scopes[OFFLINE_ACCESS.name] = OFFLINE_ACCESS
            optional = (*optional, OFFLINE_ACCESS.name)
    else:
        scopes = {scope.name: scope for scope in BUILT_IN_SCOPES}
        default = default or BUILT_IN_DEFAULT_SCOPES
        optional = optional or BUILT_IN_OPTIONAL_SCOPES
    found = ScopeEntries(scopes, frozenset(saml), default, optional)
    return ScopeEntries(
        scopes, found.saml_names, found.assigned(default, "the realm"), found.assigned(optional, "the realm")
    )


def read_mappers(entry: JsonObject) -> tuple[Mapper, ...]:
    """The OpenID Connect protocol mappers of a client or client scope."""
    return tuple(
        Mapper(mapper.text("name") or "", mapper.required_text("protocolMapper"), mapper.texts("config"))
        for mapper in entry.objects("protocolMappers")
        if _is_openid_connect(mapper)
    )


def read_scope_roles(file: JsonObject, book: RoleBook, kind: str, name: str) -> frozenset[Role]:
    """The roles in the "scope" of a client or client scope (`kind`), from both lists that a file has for them."""
    roles: list[Role] = []
    for entry in file.objects("scopeMappings"):
        if entry.text(kind) == name:
            roles += [(None, role) for role in entry.names("roles")]
    by_client = file.object("clientScopeMappings")
    for client in by_client:
        for entry in by_client.objects(client):
            if entry.text(kind) == name:
                roles += [(client, role) for role in entry.names("roles")]
    return book.with_included(roles)


def _scope(entry: JsonObject, file: JsonObject, book: RoleBook) -> ClientScope:
    name = entry.required_text("name")
    return ClientScope(
        name,
        read_mappers(entry),
        in_token_scope=entry.texts("attributes").get("include.in.token.scope", "true") != "false",
        roles=read_scope_roles(file, book, "clientScope", name),
    )


def _is_openid_connect(entry: JsonObject) -> bool:
    return (entry.text("protocol") or _OPENID_CONNECT) == _OPENID_CONNECT
