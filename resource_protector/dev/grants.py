"""The three grants of the token endpoint: client credentials, password, refresh token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from resource_protector.dev.grant import Grant, Session, granted_scopes, is_scope_known, requested_names
from resource_protector.dev.issuer import Issuer
from resource_protector.dev.presented_token import PresentedToken, present
from resource_protector.dev.realm_model import Client, User
from resource_protector.dev.token_refused import TokenRefused
from resource_protector.dev.tokens import token_response

__all__ = ["GRANTS"]

_Form = Mapping[str, str]
_OFFLINE_ACCESS = "offline_access"
_BAD_REFRESH_TOKEN = "Invalid refresh token"  # noqa: S105 - a sentence, no secret


def _client_credentials(issuer: Issuer, client: Client, form: _Form, address: str) -> dict[str, Any]:
    if client.public:
        raise TokenRefused(401, "unauthorized_client", "Public client not allowed to retrieve service account")
    if not client.service_account:
        raise TokenRefused(401, "unauthorized_client", "Client not enabled to retrieve service account")
    user = issuer.realm.service_accounts[client.client_id]
    if not user.enabled:
        raise TokenRefused(401, "invalid_request", f"User '{user.username}' disabled")
    names = _scope_names(client, form)
    notes = {"client_id": client.client_id, "clientHost": address, "clientAddress": address}
    session = None
    if client.has("client_credentials.use_refresh_token"):
        session = issuer.begin_session(client, user, notes, names)
    scopes = granted_scopes(issuer.realm, client, user, names)
    return token_response(issuer, Grant(issuer.realm, client, user, "cc", scopes, "openid" in names, session, notes))


def _password(issuer: Issuer, client: Client, form: _Form, address: str) -> dict[str, Any]:
    if not client.password_grant:
        raise TokenRefused(400, "unauthorized_client", "Client not allowed for direct access grants")
    if client.consent_required:
        raise TokenRefused(400, "invalid_client", "Client requires user consent")
    names = _scope_names(client, form)
    user = _authenticated_user(issuer, form)
    if client.refreshes and _OFFLINE_ACCESS in names and (None, _OFFLINE_ACCESS) not in user.roles:
        raise TokenRefused(400, "not_allowed", "Offline tokens not allowed for the user or client")
    session = issuer.begin_session(client, user, {}, names)
    scopes = granted_scopes(issuer.realm, client, user, names)
    return token_response(issuer, Grant(issuer.realm, client, user, "ro", scopes, "openid" in names, session))


def _authenticated_user(issuer: Issuer, form: _Form) -> User:
    if "username" not in form:
        raise TokenRefused(401, "invalid_request", "Missing parameter: username")
    user = issuer.find_user(form["username"])
    is_person = user is not None and user.service_account_of is None
    if user is None or not is_person or user.password is None or form.get("password") != user.password:
        raise TokenRefused(400, "invalid_grant", "Invalid user credentials")
    if not user.enabled:
        raise TokenRefused(400, "invalid_grant", "Account disabled")
    if not user.is_set_up:
        raise TokenRefused(400, "invalid_grant", "Account is not fully set up")
    return user


def _refresh_token(issuer: Issuer, client: Client, form: _Form, address: str) -> dict[str, Any]:
    if "refresh_token" not in form:
        raise TokenRefused(400, "invalid_request", "No refresh token")
    requested = _scope_names(client, form)
    token = present(issuer, form["refresh_token"], is_refresh_token=True)
    session, user = _session_to_refresh(token, client)
    scopes = granted_scopes(issuer.realm, client, user, session.scope_names)
    openid = "openid" in session.scope_names
    whole = Grant(issuer.realm, client, user, "rt", scopes, openid, session, session.notes)
    if "scope" not in form:
        return token_response(issuer, whole)
    # A refresh may ask for less than was granted; what it asks for beyond that is left out.
    kept = tuple(scope for scope in scopes if scope.name in (*client.default_scopes, *requested))
    openid = openid and "openid" in requested
    narrowed = Grant(issuer.realm, client, user, "rt", kept, openid, session, session.notes)
    return token_response(issuer, narrowed, whole)


def _session_to_refresh(token: PresentedToken | None, client: Client) -> tuple[Session, User]:
    """The session of a refresh token that is still good. The order of the checks is Keycloak's."""
    if token is None:
        raise TokenRefused(400, "invalid_grant", _BAD_REFRESH_TOKEN)
    if token.is_expired:
        raise TokenRefused(400, "invalid_grant", "Token is not active")
    if token.is_stale:
        raise TokenRefused(400, "invalid_grant", "Stale token")
    if token.claims.get("azp") != client.client_id:
        mismatch = f"{_BAD_REFRESH_TOKEN}. Token client and authorized client don't match"
        raise TokenRefused(400, "invalid_grant", mismatch)
    if token.session is None or token.user is None:
        is_offline = token.claims["typ"] == "Offline"
        raise TokenRefused(
            400, "invalid_grant", "Offline user session not found" if is_offline else "Session not active"
        )
    if not token.user.enabled:
        raise TokenRefused(400, "invalid_grant", "User disabled")
    if token.is_stale_for_user:
        raise TokenRefused(400, "invalid_grant", "Stale token")
    return token.session, token.user


def _scope_names(client: Client, form: _Form) -> list[str]:
    """The requested scope names. Raises TokenRefused if one of them is not the client's."""
    scope = form.get("scope")
    names = requested_names(scope)
    if scope is not None and not all(is_scope_known(client, name) for name in names):
        shown = "".join(character for character in scope if character.isprintable())
        raise TokenRefused(400, "invalid_scope", f"Invalid scopes: {shown}")
    return names


GRANTS: Mapping[str, Callable[[Issuer, Client, _Form, str], dict[str, Any]]] = {
    "client_credentials": _client_credentials,
    "password": _password,
    "refresh_token": _refresh_token,
}
"""By `grant_type`: from an authenticated client and its form to the answer, or to TokenRefused."""
