"""The token endpoint as a plain function: form and Authorization header in, status and JSON out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resource_protector.dev.client_login import authenticate_client
from resource_protector.dev.grants import GRANTS
from resource_protector.dev.issuer import Issuer
from resource_protector.dev.token_refused import TokenRefused

__all__ = ["answer_token_request"]


def answer_token_request(
    issuer: Issuer,
    form: Sequence[tuple[str, str]],
    authorization: str | None = None,
    address: str = "127.0.0.1",
) -> tuple[int, dict[str, Any]]:
    """What Keycloak answers to a POST of `form` (names and values, in order): the status and the JSON body.

    `address` is where the request came from; tokens of service accounts carry it.
    """
    try:
        return 200, _answer(issuer, form, authorization, address)
    except TokenRefused as refused:
        return refused.status_code, refused.document


def _answer(
    issuer: Issuer, pairs: Sequence[tuple[str, str]], authorization: str | None, address: str
) -> dict[str, Any]:
    # The order of the checks is Keycloak's: it decides which of two mistakes is named.
    if not issuer.realm.enabled:
        raise TokenRefused(403, "access_denied", "Realm not enabled")
    form: dict[str, str] = {}
    for name, value in pairs:
        form.setdefault(name, value)
    if "grant_type" not in form:
        raise TokenRefused(400, "invalid_request", "Missing form parameter: grant_type")
    grant = GRANTS.get(form["grant_type"])
    if grant is None:
        raise TokenRefused(400, "unsupported_grant_type", "Unsupported grant_type")
    client = authenticate_client(issuer.realm, form, authorization)
    if len(form) < len(pairs):
        raise TokenRefused(400, "invalid_request", "duplicated parameter")
    if client.has("dpop.bound.access.tokens"):
        raise TokenRefused(400, "invalid_request", "DPoP proof is missing")
    return grant(issuer, client, form, address)
