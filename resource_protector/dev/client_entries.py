"""The clients of a realm file."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace

from resource_protector.dev.algorithms import require_algorithm
from resource_protector.dev.realm_json import JsonObject
from resource_protector.dev.realm_model import Client
from resource_protector.dev.roles import RoleBook
from resource_protector.dev.scope_entries import ScopeEntries, read_mappers, read_scope_roles

__all__ = ["read_clients"]

_SERVICE_ACCOUNT_SCOPE = "service_account"


def read_clients(file: JsonObject, book: RoleBook, scopes: ScopeEntries) -> dict[str, Client]:
    """The OpenID Connect clients of a realm file, by client id."""
    users_in_file = {user.text("serviceAccountClientId") for user in file.objects("users")}
    clients: dict[str, Client] = {}
    for entry in file.objects("clients"):
        if (entry.text("protocol") or "openid-connect") != "openid-connect":
            continue
        client = _client(entry, file, book, scopes)
        if client.client_id in clients:
            raise ValueError(f"The realm file has two clients named {client.client_id!r}: remove or rename one.")
        # Keycloak adds this scope while it makes the account's user, which an import does not do if the file has him.
        if client.service_account and client.client_id not in users_in_file and _SERVICE_ACCOUNT_SCOPE in scopes.scopes:
            assigned = dict.fromkeys((*client.default_scopes, _SERVICE_ACCOUNT_SCOPE))
            client = replace(client, default_scopes=tuple(assigned))
        clients[client.client_id] = client
    return clients


def _client(entry: JsonObject, file: JsonObject, book: RoleBook, scopes: ScopeEntries) -> Client:
    client_id = entry.required_text("clientId")
    whose = f"client {client_id!r}"
    if "defaultClientScopes" in entry or "optionalClientScopes" in entry:
        # With either list, a client has lost the realm's defaults for both.
        default, optional = entry.names("defaultClientScopes"), entry.names("optionalClientScopes")
    else:
        default, optional = scopes.realm_default, scopes.realm_optional
    public = entry.flag("publicClient", False)
    bearer_only = entry.flag("bearerOnly", False)
    return Client(
        client_id=client_id,
        # Keycloak makes up a secret for a confidential client that has none.
        secret=None if public else entry.text("secret") or secrets.token_urlsafe(24),
        enabled=entry.flag("enabled", True),
        public=public,
        bearer_only=bearer_only,
        consent_required=entry.flag("consentRequired", False),
        service_account=entry.flag("serviceAccountsEnabled", False) and not public,
        password_grant=entry.flag("directAccessGrantsEnabled", False),
        authenticates_by_secret=(entry.text("clientAuthenticatorType") or "client-secret") == "client-secret",
        full_scope=entry.flag("fullScopeAllowed", True),
        default_scopes=scopes.assigned(default, whose),
        optional_scopes=scopes.assigned(optional, whose),
        scope_roles=read_scope_roles(file, book, "client", client_id),
        mappers=read_mappers(entry),
        attributes=_attributes(entry, whose),
        web_origins=entry.names("webOrigins"),
        redirect_uris=entry.names("redirectUris"),
        root_url=entry.text("rootUrl") or "",
    )


def _attributes(entry: JsonObject, whose: str) -> Mapping[str, str]:
    attributes = entry.texts("attributes")
    for name in ("access.token.signed.response.alg", "id.token.signed.response.alg"):
        if attributes.get(name):
            require_algorithm(attributes[name], f"The realm file's {whose} ({name})")
    return attributes
