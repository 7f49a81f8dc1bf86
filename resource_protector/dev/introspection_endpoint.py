"""The introspection endpoint (RFC 7662), with Keycloak's answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resource_protector.dev.claim import Claims
from resource_protector.dev.client_login import authenticate_client
from resource_protector.dev.grant import Grant
from resource_protector.dev.http_exchange import HttpAnswer, HttpRequest, first_values
from resource_protector.dev.issuer import Issuer
from resource_protector.dev.mappers import write_claims
from resource_protector.dev.presented_token import REFRESH_TYPES, PresentedToken, present
from resource_protector.dev.realm_model import Client
from resource_protector.dev.token_refused import TokenRefused

__all__ = ["answer_introspection"]

# The claims that an answer has from the token; all others are computed anew.
_KEPT_CLAIMS = ("exp", "iat", "jti", "iss", "aud", "sub", "typ", "azp", "nonce", "sid", "scope")
_IS_REFRESH_TOKEN = {None: False, "access_token": False, "refresh_token": True}
_INACTIVE = {"active": False}


def answer_introspection(issuer: Issuer, request: HttpRequest) -> HttpAnswer:
    """What Keycloak answers to a POST; or what the realm was told to answer instead.

    A token that was minted has no grant to compute anything from, so its own claims are repeated.
    Of Keycloak's hints, `requesting_party_token` is not honoured.
    """
    if issuer.lies.answer is not None:
        return issuer.lies.answer
    try:
        document = _document(issuer, request)
    except TokenRefused as refused:
        return HttpAnswer.of(refused.status_code, refused.document)
    if document["active"] is True:
        document = issuer.lies.told(document)
    return HttpAnswer.of(200, document, Cache_Control="no-cache")


def _document(issuer: Issuer, request: HttpRequest) -> Mapping[str, Any]:
    if not issuer.realm.enabled:
        raise TokenRefused(403, "access_denied", "Realm not enabled")
    pairs = request.form
    form = first_values(pairs)
    client = _caller(issuer, form, request.authorization)
    if len(form) < len(pairs):
        raise TokenRefused(400, "invalid_request", "duplicated parameter")
    if "token" not in form:
        raise TokenRefused(400, "invalid_request", "Token not provided.")
    hint = form.get("token_type_hint")
    if hint not in _IS_REFRESH_TOKEN:
        raise TokenRefused(400, "invalid_request", "Unsupported token type.")
    token = present(issuer, form["token"], is_refresh_token=_IS_REFRESH_TOKEN[hint])
    if token is None or not token.is_active:
        return _INACTIVE
    claims = _claims(token)
    return claims if _may_know(client, token, claims) else _INACTIVE


def _caller(issuer: Issuer, form: Mapping[str, str], authorization: str | None) -> Client:
    try:
        client = authenticate_client(issuer.realm, form, authorization, may_be_bearer_only=True)
    except TokenRefused as refused:
        if refused.status_code == 401 and refused.error == "unauthorized_client":
            raise TokenRefused(401, "invalid_client", "Client authentication failed.") from refused
        raise
    if client.public:
        raise TokenRefused(403, "invalid_request", "Client not allowed.")
    return client


def _claims(token: PresentedToken) -> Claims:
    """The claims of an active token as they are today, with the members that only introspection has."""
    grant = token.grant()
    claims = {**(token.minted or {}), **token.claims} if grant is None else _computed(token, grant)
    if not str(claims.get("scope", "")).strip():
        claims.pop("scope", None)
    claims["client_id"] = token.claims.get("azp")
    username = claims.get("preferred_username") or (token.user.username if token.user else None)
    if username is not None:
        claims.setdefault("username", username)
    claims["token_type"] = token.claims.get("typ")
    claims["active"] = True
    return claims


def _computed(token: PresentedToken, grant: Grant) -> Claims:
    claims = {name: token.claims[name] for name in _KEPT_CLAIMS if name in token.claims}
    write_claims(claims, grant, "introspection")
    return claims


def _may_know(client: Client, token: PresentedToken, claims: Claims) -> bool:
    """Whether the caller is in the audience, or a refresh token is its own. To anybody else a token is inactive."""
    if token.claims.get("typ") in REFRESH_TYPES:
        return client == token.client
    # A lightweight token does not say for whom it is.
    audience = token.claims.get("aud", claims.get("aud"))
    return client.client_id == audience or (isinstance(audience, list) and client.client_id in audience)
