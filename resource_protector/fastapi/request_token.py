"""The token of the current request, as it is remembered between one dependency and the next."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from starlette.requests import HTTPConnection

from resource_protector.access_token_validator import AccessTokenValidator
from resource_protector.claims import AccessToken
from resource_protector.errors import KeysUnavailable
from resource_protector.scopes import Requirements

__all__ = ["authorization_fields", "demand", "demanded", "recalled_token", "verified_tokens"]

_VERIFIED = "resource_protector.verified"
_BEARER = b"Bearer "
_DEMANDED = "resource_protector.demanded"


def authorization_fields(connection: HTTPConnection) -> list[bytes]:
    """The value of every `Authorization` field: `headers.get` would return the first of two."""
    return [value for name, value in connection.scope["headers"] if name.lower() == b"authorization"]


def recalled_token(validator: AccessTokenValidator, connection: HTTPConnection) -> AccessToken | None:
    """What `validator` has to say without parsing anything, since it verified these very bytes before.

    None where it has nothing to say, or nobody can say anything; or where something was verified for this request
    already: the realm may have been asked, and then its word counts.
    """
    if _VERIFIED in connection.scope:
        return None
    sent: bytes | None = None
    for name, value in connection.scope["headers"]:
        if name.lower() == b"authorization":
            if sent is not None:
                return None
            sent = value
    if sent is None or not sent.startswith(_BEARER):
        return None
    try:
        return validator.recalled(sent[len(_BEARER) :])
    except KeysUnavailable:
        return None


def verified_tokens(connection: HTTPConnection) -> dict[tuple[AccessTokenValidator, bool], AccessToken]:
    """What was verified in this request already, by which validator, and whether the realm was asked too.

    It is kept in the ASGI scope, which a request has from its first middleware to its route.
    """
    scope: MutableMapping[str, Any] = connection.scope
    verified: dict[tuple[AccessTokenValidator, bool], AccessToken] | None = scope.get(_VERIFIED)
    if verified is None:
        verified = scope[_VERIFIED] = {}
    return verified


def demand(connection: HTTPConnection, protector: object, requirements: Requirements) -> None:
    """Note what a guard has demanded: a refusal by the route behind it names that too."""
    scope: MutableMapping[str, Any] = connection.scope
    scope[_DEMANDED] = [*scope.get(_DEMANDED, ()), (protector, requirements)]


def demanded(connection: HTTPConnection, protector: object) -> Requirements:
    """What the guards of this protector have demanded of the request."""
    noted: list[tuple[object, Requirements]] = connection.scope.get(_DEMANDED, [])
    whole = Requirements()
    for whose, requirements in noted:
        if whose is protector:
            whole = whole.joined(requirements)
    return whole
