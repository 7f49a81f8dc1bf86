"""The tokens of a grant, with Keycloak's claims, and the token response that holds them."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import uuid4

from resource_protector.dev.claim import Claims
from resource_protector.dev.compact import base64url, sign
from resource_protector.dev.grant import Grant, Session
from resource_protector.dev.issuer import Issuer
from resource_protector.dev.mappers import write_claims

__all__ = ["access_claims", "access_token_hash", "id_claims", "refresh_claims", "token_response"]

_ACCESS_ALGORITHM = "access.token.signed.response.alg"
_ID_ALGORITHM = "id.token.signed.response.alg"


def token_response(issuer: Issuer, grant: Grant, whole: Grant | None = None) -> dict[str, Any]:
    """A successful answer of the token endpoint (RFC 6749 section 5.1).

    `whole` is what a refresh that asked for less could have had: the refresh token keeps all of it.
    """
    whole = whole or grant
    now = int(issuer.now())
    access = access_claims(grant, issuer.url, now)
    key = issuer.keys.signing_key(grant.client.attributes.get(_ACCESS_ALGORITHM))
    header = {"alg": key.algorithm, "typ": _header_type(grant), "kid": key.kid}
    access_token = sign(header, access, key.key)
    answer: dict[str, Any] = {
        "access_token": access_token,
        "expires_in": access["exp"] - now,
        "refresh_expires_in": 0,
        "token_type": "Bearer",
        "not-before-policy": issuer.realm.not_before,
        "scope": grant.scope,
    }
    session = grant.session
    if session is not None:
        answer["session_state"] = session.sid
        if session.offline:
            answer["scope"] = whole.scope
        if grant.client.refreshes:
            refresh = refresh_claims(whole, session, issuer.url, now, access)
            answer["refresh_expires_in"] = refresh.get("exp", now) - now
            refresh_header = {"alg": "HS512", "typ": "JWT", "kid": issuer.keys.refresh_kid}
            answer["refresh_token"] = sign(refresh_header, refresh, issuer.keys.refresh_key)
    if whole.openid:
        key = issuer.keys.signing_key(grant.client.attributes.get(_ID_ALGORITHM))
        claims = id_claims(grant, issuer.url, now, access_token_hash(access_token, key.algorithm))
        answer["id_token"] = sign({"alg": key.algorithm, "typ": "JWT", "kid": key.kid}, claims, key.key)
    return answer


def access_claims(grant: Grant, issuer: str, now: int) -> Claims:
    """The claims of the grant's access token."""
    lightweight = grant.client.is_lightweight
    kind = "tr" if grant.session is None else "of" if grant.session.offline else "on"
    claims = _common_claims(grant, issuer, now)
    claims["jti"] = f"{kind}{'lt' if lightweight else 'rt'}{grant.kind}:{uuid4()}"
    claims["typ"] = "Bearer"
    claims["scope"] = grant.scope
    if grant.notes:
        # A service account's token has a subject also where no mapper writes one.
        claims["sub"] = grant.user.id
    write_claims(claims, grant, "lightweight" if lightweight else "access")
    return claims


def id_claims(grant: Grant, issuer: str, now: int, at_hash: str) -> Claims:
    """The claims of the ID token beside an access token (OpenID Connect Core 1.0 section 3.1.3.3)."""
    claims = _common_claims(grant, issuer, now)
    claims.update(jti=str(uuid4()), aud=grant.client.client_id, sub=grant.user.id, typ="ID", at_hash=at_hash)
    write_claims(claims, grant, "id")
    return claims


def refresh_claims(grant: Grant, session: Session, issuer: str, now: int, access: Claims) -> Claims:
    """The claims of a session's refresh token, or of its offline token, beside the claims of an access token."""
    claims = _common_claims(grant, issuer, now)
    del claims["exp"]
    claims.update(jti=str(uuid4()), aud=issuer, typ="Offline" if session.offline else "Refresh")
    claims.update(scope=grant.all_scopes, prov="default")
    if not session.offline:
        idle = grant.realm.session_idle_seconds
        idle = min(idle, grant.client.seconds("client.session.idle.timeout", idle))
        claims["exp"] = min(now + idle, session.started_at + grant.realm.session_max_seconds)
    if "sub" in access:
        claims["sub"] = access["sub"]
    if "aud" in access:
        claims["aud_x"] = access["aud"]
    return claims


def access_token_hash(access_token: str, algorithm: str) -> str:
    """The `at_hash` of an ID token: half of the hash that its signature algorithm uses."""
    bits = "512" if algorithm == "EdDSA" else algorithm[-3:]
    digest = hashlib.new(f"sha{bits}", access_token.encode()).digest()
    return base64url(digest[: len(digest) // 2])


def _common_claims(grant: Grant, issuer: str, now: int) -> Claims:
    lifespan = grant.client.seconds("access.token.lifespan", grant.realm.access_token_seconds)
    if grant.session is not None and not grant.session.offline:
        # No token outlives its session.
        lifespan = min(lifespan, grant.session.started_at + grant.realm.session_max_seconds - now)
    claims: Claims = {"exp": now + lifespan, "iat": now, "iss": issuer, "azp": grant.client.client_id}
    if grant.session is not None:
        claims["sid"] = grant.session.sid
    return claims


def _header_type(grant: Grant) -> str:
    return "at+jwt" if grant.client.has("access.token.header.type.rfc9068") else "JWT"
