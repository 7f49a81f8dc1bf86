"""What somebody who starts a dev realm wants to copy from the terminal."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from resource_protector.dev.built_in import BUILT_IN_SCOPES, OFFLINE_ACCESS
from resource_protector.realm import token_url

if TYPE_CHECKING:
    from resource_protector.dev import DevRealm
    from resource_protector.dev.realm_model import Client, User

__all__ = ["curl_line", "summary"]

_PLAIN = re.compile(r"[A-Za-z0-9._~-]+")


def summary(realm: DevRealm) -> str:
    """The issuer, the clients and users with their secrets (a dev realm has none to keep), and a line to paste."""
    clients = [(c.client_id, _secret_of(c), _grants_of(c)) for c in realm.clients.values()]
    users = [(u.username, u.password or "none", _roles_of(u, realm.name)) for u in _people(realm)]
    rows = _aligned([("client", "secret", "gets tokens for"), *clients])
    if users:
        rows += ["", *_aligned([("user", "password", "roles"), *users])]
    line = curl_line(realm)
    if line is None:
        rows += ["", "No client of this realm gets tokens for itself, and none for a user with a password."]
    else:
        rows += ["", "A token for the asking:", "", f"  {line}"]
    return "\n".join([f"Issuer: {realm.issuer}", "", *rows])


def curl_line(realm: DevRealm) -> str | None:
    """A `curl` command that prints an answer of the token endpoint, or None if the file lets nobody ask."""
    clients = [client for client in realm.clients.values() if client.enabled and not _wants_proof(client)]
    asking = next((client for client in clients if client.service_account and client.secret), None)
    if asking is not None:
        form = {"grant_type": "client_credentials"} | _credentials(asking)
    else:
        asking = next((client for client in clients if client.password_grant), None)
        user = next((user for user in _people(realm) if user.password and user.is_set_up), None)
        if asking is None or user is None:
            return None
        form = {"grant_type": "password"} | _credentials(asking)
        form |= {"username": user.username, "password": user.password or ""}
    scope = _scopes_worth_asking_for(asking)
    if scope:
        form["scope"] = scope
    return f"curl -s {shlex.quote(token_url(realm.issuer))} " + " ".join(_option(*item) for item in form.items())


def _option(name: str, value: str) -> str:
    option = "-d" if _PLAIN.fullmatch(value) else "--data-urlencode"
    return f"{option} {shlex.quote(f'{name}={value}')}"


def _credentials(client: Client) -> dict[str, str]:
    return {"client_id": client.client_id} | ({"client_secret": client.secret} if client.secret else {})


def _scopes_worth_asking_for(client: Client) -> str:
    """The optional scopes of the file's own making: what Keycloak brings along is not what a route asks for."""
    built_in = {scope.name for scope in BUILT_IN_SCOPES} | {OFFLINE_ACCESS.name}
    return " ".join(scope for scope in client.optional_scopes if scope not in built_in)


def _wants_proof(client: Client) -> bool:
    return client.has("dpop.bound.access.tokens")


def _secret_of(client: Client) -> str:
    return "public" if client.public else client.secret or "none"


def _grants_of(client: Client) -> str:
    grants = ["itself"] * client.service_account + ["users"] * client.password_grant
    return " and ".join(grants) or "nobody"


def _people(realm: DevRealm) -> list[User]:
    return [user for user in realm.users.values() if user.service_account_of is None]


def _roles_of(user: User, realm_name: str) -> str:
    """The roles that set a user apart: everybody has those of the account console, and a realm's default ones."""
    default = {"offline_access", "uma_authorization", f"default-roles-{realm_name}".lower()}
    realm_roles = sorted(role for client, role in user.roles if client is None and role not in default)
    client_roles = sorted(f"{client}/{role}" for client, role in user.roles if client not in (None, "account"))
    return " ".join(realm_roles + client_roles) or "none"


def _aligned(rows: Iterable[tuple[str, ...]]) -> list[str]:
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [line.rstrip() for line in padded]
