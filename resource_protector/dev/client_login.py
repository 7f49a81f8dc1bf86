"""Who the client of a request is: its id and secret, from the form or HTTP Basic."""

from __future__ import annotations

import binascii
import hmac
import re
from base64 import b64decode
from collections.abc import Mapping
from urllib.parse import unquote_plus

from resource_protector.dev.realm_model import Client, Realm
from resource_protector.dev.token_refused import TokenRefused

__all__ = ["authenticate_client"]

_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_NO_MATCH = "Invalid client or Invalid client credentials"


def authenticate_client(
    realm: Realm, form: Mapping[str, str], authorization: str | None, *, may_be_bearer_only: bool = False
) -> Client:
    """The client that a request comes from. Raises TokenRefused with Keycloak's words.

    What the form says counts before what HTTP Basic says, for the id and the secret each.
    """
    basic_id, basic_secret = _basic(authorization)
    client_id = form.get("client_id", basic_id)
    secret = form.get("client_secret", basic_secret)
    client = realm.clients.get(client_id or "")
    if client is None or not client.enabled:
        raise TokenRefused(401, "invalid_client", _NO_MATCH)
    if client.bearer_only and not may_be_bearer_only:
        raise TokenRefused(400, "invalid_client", "Bearer-only not allowed")
    if not client.public and not _is_secret(client, secret):
        raise TokenRefused(401, "unauthorized_client", _NO_MATCH)
    return client


def _is_secret(client: Client, secret: str | None) -> bool:
    if client.secret is None or secret is None or not client.authenticates_by_secret:
        return False
    return hmac.compare_digest(client.secret.encode(), secret.encode(errors="surrogatepass"))


def _basic(authorization: str | None) -> tuple[str | None, str | None]:
    """Id and secret of an HTTP Basic header, form-decoded (RFC 6749 section 2.3.1); Nones if it is none."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None, None
    encoded = encoded.strip()
    try:
        decoded = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode(errors="replace")
    except (binascii.Error, ValueError):
        return None, None
    client_id, colon, secret = decoded.partition(":")
    if not colon:
        return None, None
    if _BAD_ESCAPE.search(decoded):
        raise TokenRefused(400, "unauthorized_client", "Unexpected error when authenticating client")
    return unquote_plus(client_id), unquote_plus(secret)
