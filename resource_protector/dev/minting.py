"""Tokens made to measure: valid ones with any claims, and ones that are wrong in one chosen way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, get_args
from uuid import uuid4

from resource_protector.dev.claim import Claims
from resource_protector.dev.compact import sign, unsigned
from resource_protector.dev.grant import Grant, granted_scopes
from resource_protector.dev.issuer import Issuer
from resource_protector.dev.key_ring import foreign_key
from resource_protector.dev.realm_model import Client, User
from resource_protector.dev.tokens import access_claims, access_token_hash

__all__ = ["Wrong", "mint"]

Wrong = Literal[
    "expired",
    "not_yet_valid",
    "audience",
    "issuer",
    "id_token",
    "id_token_without_typ",
    "refresh_token",
    "key",
    "unknown_key",
    "signature",
    "alg_none",
    "lightweight",
]
"""The one way in which a minted token is wrong."""

_HOUR = 3600
# Who gets minted tokens in a realm without a service account.
_NO_CLIENT = Client("dev-client")
_NO_USER = User("00000000-0000-4000-8000-000000000000", "dev-user")
_LIGHTWEIGHT_CLAIMS = ("exp", "iat", "jti", "iss", "sub", "typ", "azp", "sid", "scope")


def mint(issuer: Issuer, audiences: Iterable[str], wrong: Wrong | None, claims: Mapping[str, Any]) -> str:
    """A token of the realm's first service account for `audiences`, with `claims` in place of its own.

    A claim given as None is left out. Raises ValueError for a `wrong` that does not exist.
    """
    if wrong is not None and wrong not in get_args(Wrong):
        raise ValueError(f"mint(wrong={wrong!r}) is not known: write one of {', '.join(get_args(Wrong))}.")
    whole = _access_claims(issuer, sorted(audiences))
    spoil = _CLAIMS_OF.get(wrong or "")
    payload = whole if spoil is None else spoil(whole, issuer)
    token = _signed(issuer, wrong, _with(payload, claims))
    # Introspection completes a lightweight token.
    left_out = {name: value for name, value in whole.items() if name not in payload} if wrong == "lightweight" else {}
    issuer.sessions.remember_minted(token, left_out)
    return token


def _with(payload: Claims, claims: Mapping[str, Any]) -> Claims:
    """The payload with these claims, and without those that are None."""
    return {name: value for name, value in {**payload, **claims}.items() if value is not None}


def _access_claims(issuer: Issuer, audiences: list[str]) -> Claims:
    realm = issuer.realm
    client = next((client for client in realm.clients.values() if client.service_account), _NO_CLIENT)
    user = realm.service_accounts.get(client.client_id, _NO_USER)
    notes = {"client_id": client.client_id, "clientHost": "127.0.0.1", "clientAddress": "127.0.0.1"}
    grant = Grant(realm, client, user, "cc", granted_scopes(realm, client, user, ()), notes=notes)
    claims = access_claims(grant, issuer.url, int(issuer.now()))
    claims["aud"] = audiences[0] if len(audiences) == 1 else audiences or None
    return claims


def _signed(issuer: Issuer, wrong: Wrong | None, payload: Claims) -> str:
    key = issuer.keys.signing_key()
    header = {"alg": key.algorithm, "typ": "JWT", "kid": key.kid}
    if wrong == "refresh_token":
        return sign({**header, "alg": "HS512", "kid": issuer.keys.refresh_kid}, payload, issuer.keys.refresh_key)
    if wrong == "alg_none":
        return unsigned(payload)
    foreign = foreign_key(key.algorithm)
    if wrong == "key":
        return sign(header, payload, foreign.key)
    if wrong == "unknown_key":
        return sign({**header, "kid": foreign.kid}, payload, foreign.key)
    token = sign(header, payload, key.key)
    if wrong == "signature":
        signed, _, signature = token.rpartition(".")
        # One letter in the middle, so that the signature keeps its length and its encoding.
        middle = len(signature) // 2
        other = "A" if signature[middle] != "A" else "B"
        return f"{signed}.{signature[:middle]}{other}{signature[middle + 1 :]}"
    return token


def _expired(claims: Claims, issuer: Issuer) -> Claims:
    return {**claims, "iat": claims["iat"] - 2 * _HOUR, "exp": claims["iat"] - _HOUR}


def _not_yet_valid(claims: Claims, issuer: Issuer) -> Claims:
    start = claims["iat"] + _HOUR
    return {**claims, "iat": start, "nbf": start, "exp": start + _HOUR}


def _other_audience(claims: Claims, issuer: Issuer) -> Claims:
    return {**claims, "aud": "another-api"}


def _other_issuer(claims: Claims, issuer: Issuer) -> Claims:
    server, _, name = issuer.url.rpartition("/")
    return {**claims, "iss": f"{server}/another-{name}"}


def _id_token(claims: Claims, issuer: Issuer) -> Claims:
    left_out = ("scope", "realm_access", "resource_access", "allowed-origins")
    kept = {name: value for name, value in claims.items() if name not in left_out}
    # Its audience stays that of the API, as when the API is the client that logged in.
    return {**kept, "typ": "ID", "jti": str(uuid4()), "at_hash": access_token_hash("", "RS256")}


def _id_token_without_typ(claims: Claims, issuer: Issuer) -> Claims:
    return {**_id_token(claims, issuer), "typ": None}


def _refresh_token(claims: Claims, issuer: Issuer) -> Claims:
    kept: Claims = {name: claims[name] for name in ("iat", "exp", "iss", "sub", "azp", "scope") if name in claims}
    return {**kept, "jti": str(uuid4()), "aud": issuer.url, "aud_x": claims["aud"], "typ": "Refresh", "prov": "default"}


def _lightweight(claims: Claims, issuer: Issuer) -> Claims:
    kept = {name: claims[name] for name in _LIGHTWEIGHT_CLAIMS if name in claims}
    return {**kept, "jti": f"trltcc:{uuid4()}"}


_CLAIMS_OF: Mapping[str, Callable[[Claims, Issuer], Claims]] = {
    "expired": _expired,
    "not_yet_valid": _not_yet_valid,
    "audience": _other_audience,
    "issuer": _other_issuer,
    "id_token": _id_token,
    "id_token_without_typ": _id_token_without_typ,
    "refresh_token": _refresh_token,
    "lightweight": _lightweight,
}
