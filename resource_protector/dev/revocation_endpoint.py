"""The revocation endpoint (RFC 7009), with Keycloak's answers."""

from __future__ import annotations

from resource_protector.dev.client_login import authenticate_client
from resource_protector.dev.http_exchange import HttpAnswer, HttpRequest, first_values
from resource_protector.dev.issuer import Issuer
from resource_protector.dev.presented_token import REFRESH_TYPES, present
from resource_protector.dev.token_refused import TokenRefused

__all__ = ["answer_revocation"]


def answer_revocation(issuer: Issuer, request: HttpRequest) -> HttpAnswer:
    """What Keycloak answers to a POST. An access token is taken back by itself, a refresh token with its session."""
    try:
        _revoke(issuer, request)
    except TokenRefused as refused:
        return HttpAnswer.of(refused.status_code, refused.document)
    return HttpAnswer.empty(200)


def _revoke(issuer: Issuer, request: HttpRequest) -> None:
    if not issuer.realm.enabled:
        raise TokenRefused(403, "access_denied", "Realm not enabled")
    pairs = request.form
    form = first_values(pairs)
    client = authenticate_client(issuer.realm, form, request.authorization)
    if len(form) < len(pairs):
        raise TokenRefused(400, "invalid_request", "duplicated parameter")
    if "token" not in form:
        raise TokenRefused(400, "invalid_request", "Token not provided")
    # A hint is not needed to tell the kinds apart, and a wrong one does no harm.
    token = present(issuer, form["token"]) or present(issuer, form["token"], is_refresh_token=True)
    if token is None or token.is_expired:
        raise _invalid()
    kind = token.claims.get("typ")
    if kind not in ("Bearer", *REFRESH_TYPES):
        raise TokenRefused(400, "unsupported_token_type", "Unsupported token type")
    if token.claims.get("azp") != client.client_id:
        raise TokenRefused(400, "invalid_request", "Unmatching clients")
    if not token.has_its_session:
        raise _invalid()
    if kind in REFRESH_TYPES and token.session is not None:
        issuer.sessions.end(token.session.sid)
    issuer.sessions.revoke(token.claims.get("jti"))


def _invalid() -> TokenRefused:
    # With status 200, as RFC 7009 section 2.2 wants it for a token that is not good any more.
    return TokenRefused(200, "invalid_token", "Invalid token")
