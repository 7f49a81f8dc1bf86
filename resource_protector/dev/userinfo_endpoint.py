"""The userinfo endpoint (OpenID Connect Core 1.0 section 5.3), with Keycloak's answers."""

from __future__ import annotations

from typing import Any

from resource_protector.dev.claim import Claims
from resource_protector.dev.http_exchange import HttpAnswer, HttpRequest
from resource_protector.dev.issuer import Issuer
from resource_protector.dev.mappers import write_claims
from resource_protector.dev.presented_token import PresentedToken, present

__all__ = ["answer_userinfo"]

_PARAMETER = "access_token"
_ABOUT_THE_TOKEN = {"exp", "iat", "nbf", "jti", "iss", "aud", "typ", "azp", "sid", "scope", "acr", "cnf", "nonce"}
_ABOUT_THE_CLIENT = {"allowed-origins", "client_id", "clientHost", "clientAddress"}
_NOT_ABOUT_THE_USER = _ABOUT_THE_TOKEN | _ABOUT_THE_CLIENT | {"realm_access", "resource_access"}


class _Refused(Exception):
    def __init__(self, status_code: int, error: str = "", description: str = "") -> None:
        super().__init__(error)
        self.status_code = status_code
        self.error = error
        self.description = description


def answer_userinfo(issuer: Issuer, request: HttpRequest) -> HttpAnswer:
    """What Keycloak answers to the bearer of an access token; a refusal has a challenge and no body."""
    try:
        document = _document(issuer, request)
    except _Refused as refused:
        # As Keycloak does it: what a header field cannot hold is a question mark.
        name = issuer.realm.name.encode("latin-1", errors="replace").decode("latin-1")
        challenge = f'Bearer realm="{name}"'
        if refused.error:
            challenge += f', error="{refused.error}", error_description="{refused.description}"'
        return HttpAnswer.empty(
            refused.status_code,
            "text/plain;charset=utf-8",
            Cache_Control="no-store",
            Pragma="no-cache",
            WWW_Authenticate=challenge,
        )
    return HttpAnswer.of(200, document, Cache_Control="no-store, no-cache", Pragma="no-cache")


def _document(issuer: Issuer, request: HttpRequest) -> dict[str, Any]:
    text = _token_in(request)
    if text is None:
        raise _Refused(401)
    token = present(issuer, text)
    # The order of the checks is Keycloak's: it decides which of two troubles is named.
    is_void = token is None or token.is_expired or token.is_stale or token.is_revoked
    if token is None or is_void or token.claims.get("typ") != "Bearer" or not issuer.realm.enabled:
        raise _Refused(401, "invalid_token", "Token verification failed")
    if "openid" not in str(token.claims.get("scope", "")).split(" "):
        raise _Refused(403, "insufficient_scope", "Missing openid scope")
    trouble = _trouble(token)
    if trouble is not None:
        raise _Refused(401, "invalid_token", trouble)
    return _claims(token)


def _trouble(token: PresentedToken) -> str | None:
    if not token.is_client_enabled:
        return "Client disabled"
    if not token.has_its_session:
        return "user_session_not_found"
    if not token.is_user_enabled:
        return "User disabled" if token.session else "user_disabled"
    if token.is_stale_for_user:
        return "User not valid"
    if token.client is not None and token.client.is_lightweight:
        return "Lightweight access token not allowed for userinfo endpoint"
    return None


def _claims(token: PresentedToken) -> Claims:
    """What there is to say about the user today; of a minted token, what it says itself."""
    grant = token.grant()
    if grant is None:
        return {name: value for name, value in token.claims.items() if name not in _NOT_ABOUT_THE_USER}
    claims: Claims = {"sub": grant.user.id}
    write_claims(claims, grant, "userinfo")
    return claims


def _token_in(request: HttpRequest) -> str | None:
    """The token in the header or, of a POST, in the form (RFC 6750 sections 2.1 and 2.2). Raises _Refused for two."""
    words = (request.authorization or "").split(" ")
    in_header = words[1] if len(words) == 2 and words[0].lower() == "bearer" else None
    in_form = [value for name, value in request.form if name == _PARAMETER and request.method == "POST"]
    if len(in_form) > 1:
        raise _Refused(400, "invalid_request", "Duplicate parameter")
    if in_form and in_header is not None:
        raise _Refused(400, "invalid_request", "More than one method used for including an access token")
    return in_form[0] if in_form else in_header
