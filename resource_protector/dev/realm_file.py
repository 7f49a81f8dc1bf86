"""A Keycloak realm file (what `--import-realm` takes), read into a `Realm`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from resource_protector.dev.algorithms import require_algorithm
from resource_protector.dev.client_entries import read_clients
from resource_protector.dev.realm_json import JsonObject
from resource_protector.dev.realm_model import Realm
from resource_protector.dev.roles import read_roles
from resource_protector.dev.scope_entries import read_scopes
from resource_protector.dev.user_entries import read_users

__all__ = ["RealmSource", "read_realm"]

RealmSource = str | os.PathLike[str] | Mapping[str, Any]
"""The path of a realm file, or the JSON object of one."""


def read_realm(source: RealmSource) -> Realm:
    """The realm that a file describes.

    Raises ValueError, in one sentence that says what to write, for what is no realm file or
    contradicts itself.
    """
    file = _open(source)
    name = file.required_text("realm")
    default_role = file.object("defaultRole").text("name") or f"default-roles-{name.lower()}"
    book = read_roles(file, default_role)
    scopes = read_scopes(file, book)
    clients = read_clients(file, book, scopes)
    users, service_accounts = read_users(file, name, book, clients, default_role)
    roles_by_client = file.object("roles").object("client")
    return Realm(
        name=name,
        enabled=file.flag("enabled", False),
        clients=MappingProxyType(clients),
        scopes=scopes.scopes,
        users=MappingProxyType(users),
        service_accounts=MappingProxyType(service_accounts),
        included_roles=MappingProxyType({role: book.with_included([role]) for role in book}),
        clients_with_roles=tuple(client for client in roles_by_client if roles_by_client.objects(client)),
        access_token_seconds=file.seconds("accessTokenLifespan", 300),
        session_idle_seconds=file.seconds("ssoSessionIdleTimeout", 1800),
        session_max_seconds=file.seconds("ssoSessionMaxLifespan", 36000),
        not_before=file.seconds("notBefore", 0),
        signature_algorithm=require_algorithm(file.text("defaultSignatureAlgorithm") or "RS256", "The realm file"),
    )


def _open(source: RealmSource) -> JsonObject:
    if isinstance(source, Mapping):
        return JsonObject(source, "the realm file")
    path = Path(source)
    try:
        members = json.loads(path.read_bytes())
    except OSError as error:
        raise ValueError(
            f"The realm file {str(path)!r} cannot be read ({error.strerror}): write the path of a Keycloak realm file."
        ) from error
    except ValueError as error:
        raise ValueError(
            f"The realm file {str(path)!r} is not JSON ({error}): write the path of a file that Keycloak can import."
        ) from error
    return JsonObject(members, f"the realm file {path.name!r}")
