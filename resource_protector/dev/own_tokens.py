"""Tokens that the realm issues to its own process: the token endpoint, asked with what the file knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from resource_protector.dev.issuer import Issuer
from resource_protector.dev.realm_model import Client
from resource_protector.dev.token_endpoint import answer_token_request
from resource_protector.dev.token_refused import TokenRefused

__all__ = ["own_token_response"]


def own_token_response(issuer: Issuer, client: str | None, user: str | None, scope: str | None) -> dict[str, Any]:
    """The whole answer for a client's service account, or for a client with a user's password from the file.

    Raises TokenRefused with Keycloak's words, and ValueError for a name that the file does not have.
    """
    chosen = _client(issuer, client, user)
    form = [("client_id", chosen.client_id), ("client_secret", chosen.secret or "")]
    if user is None:
        form.append(("grant_type", "client_credentials"))
    else:
        form += [("grant_type", "password"), ("username", user), ("password", _password(issuer, user))]
    if scope is not None:
        form.append(("scope", scope))
    status_code, answer = answer_token_request(issuer, form)
    if status_code != 200:
        raise TokenRefused(status_code, answer["error"], answer["error_description"])
    return answer


def _client(issuer: Issuer, client_id: str | None, user: str | None) -> Client:
    clients = issuer.realm.clients
    if client_id is not None:
        if client_id not in clients:
            raise ValueError(f"The realm has no client {client_id!r}: write one of {_listed(clients)}.")
        return clients[client_id]
    usable = [client for client in clients.values() if (client.password_grant if user else client.service_account)]
    if not usable:
        wanted = "directAccessGrantsEnabled" if user else "serviceAccountsEnabled"
        raise ValueError(
            f"No client of the realm may get this token: name a client, or give one '{wanted}': true in the realm file."
        )
    return usable[0]


def _password(issuer: Issuer, login: str) -> str:
    user = issuer.find_user(login)
    if user is None:
        raise ValueError(f"The realm has no user {login!r}: write one of {_listed(issuer.realm.users)}.")
    if user.password is None:
        raise ValueError(
            f"User {login!r} has no password that can be read in the realm file: write "
            '"credentials": [{"type": "password", "value": "..."}] into it.'
        )
    return user.password


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "those that you add to the realm file"
