"""What python-keycloak would answer about a token, made from the offline verdict."""

from __future__ import annotations

import json
from typing import Any

from resource_protector.claims import AccessToken
from resource_protector.errors import Finding, InsufficientScope, KeysUnavailable, Reason, TokenRejected
from resource_protector.provider import ProviderFailed
from resource_protector.readonly import writable

from .decode_errors import decode_error
from .endpoints import path_advice
from .exceptions import KeycloakAuthenticationError, KeycloakConnectionError, KeycloakError, KeycloakGetError

__all__ = ["Answers"]

# What an access token says about itself and its session; all else is about the user.
_NOT_ABOUT_THE_USER = frozenset(
    (
        *("exp", "iat", "nbf", "jti", "iss", "aud", "typ", "azp", "nonce", "scope", "scp"),
        *("sid", "session_state", "acr", "amr", "auth_time", "allowed-origins", "trusted-certs"),
        *("client_id", "clientId", "clientHost", "clientAddress", "act", "may_act", "authorization"),
    )
)

_OF_INTROSPECTION = frozenset(("active", "token_type", "username"))

Refusal = TokenRejected | KeysUnavailable


class Answers:
    """The answers of each method to a token that is accepted, and to one that is not; all are the caller's own.

    Where the realm's keys cannot be had, every method raises KeycloakConnectionError.
    """

    def __init__(self, realm_url: str) -> None:
        self._realm_url = realm_url

    def introspection(self, token: AccessToken) -> dict[str, Any]:
        """What introspection answers to an active token (RFC 7662 section 2.2).

        Every claim, and four members that no token holds. A blank `scope` is left out, and so is a name that the
        token does not have.
        """
        answer: dict[str, Any] = writable(token)
        scope = answer.get("scope")
        if isinstance(scope, str) and not scope.strip():
            del answer["scope"]
        added = {"client_id": token.client_id, "username": token.username}
        answer.update({name: value for name, value in added.items() if value is not None})
        return {**answer, "token_type": "Bearer", "active": True}

    def inactive(self, refusal: Refusal) -> dict[str, Any]:
        """What introspection answers to any other token."""
        self._or_unavailable(refusal)
        return {"active": False}

    def claims(self, token: AccessToken) -> dict[str, Any]:
        """What `decode_token` answers: without what the realm says about a lightweight token, and no token holds."""
        claims: dict[str, Any] = writable(token)
        return {name: value for name, value in claims.items() if name not in _OF_INTROSPECTION}

    def undecodable(self, refusal: Refusal) -> dict[str, Any]:
        """Raises what `decode_token` raises."""
        raise decode_error(self._or_unavailable(refusal)) from refusal

    def userinfo(self, token: AccessToken) -> dict[str, Any]:
        """What userinfo answers (OpenID Connect Core 1.0 section 5.3.2), and the roles."""
        if "openid" not in token.scopes:
            refusal = InsufficientScope(Finding(Reason.INSUFFICIENT_SCOPE, "scope", "openid", sorted(token.scopes)))
            raise _refused(KeycloakGetError, refusal) from refusal
        return {name: value for name, value in self.claims(token).items() if name not in _NOT_ABOUT_THE_USER}

    def unauthorized(self, refusal: Refusal) -> dict[str, Any]:
        """Raises what `userinfo` raises."""
        raise _refused(KeycloakAuthenticationError, self._or_unavailable(refusal)) from refusal

    def _or_unavailable(self, refusal: Refusal) -> TokenRejected:
        if isinstance(refusal, TokenRejected):
            return refusal
        cause = refusal.__cause__
        error = KeycloakConnectionError(f"The token cannot be checked: {cause or refusal}.")
        error.reason = refusal.reason
        error.retry_after_seconds = refusal.retry_after_seconds
        advice = path_advice(self._realm_url)
        if advice is not None and isinstance(cause, ProviderFailed) and cause.status_code == 404:
            error.add_note(advice)
        raise error from refusal


def _refused(kind: type[KeycloakError], refusal: TokenRejected) -> KeycloakError:
    """The error of an endpoint that looks at bearer tokens; its body is ours, since Keycloak's is empty."""
    body = json.dumps(dict(refusal.get_body())).encode()
    error = kind(body, refusal.status_code, body)
    error.reason = refusal.reason
    return error
