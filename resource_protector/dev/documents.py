"""The documents in which a realm says who it is: discovery, for programs, with the page at the issuer's own address."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from resource_protector.dev.algorithms import ALGORITHMS
from resource_protector.dev.grants import GRANTS
from resource_protector.dev.issuer import Issuer
from resource_protector.realm import (
    PROTOCOL_PATH,
    certs_url,
    introspection_url,
    logout_url,
    revocation_url,
    token_url,
    userinfo_url,
)

__all__ = ["discovery", "realm_page"]

_CLIENT_LOGINS = ["client_secret_basic", "client_secret_post"]


def discovery(issuer: Issuer) -> dict[str, Any]:
    """What the realm can do and where (OpenID Connect Discovery 1.0 section 3); only what is there is listed."""
    return {
        "issuer": issuer.url,
        "token_endpoint": token_url(issuer.url),
        "introspection_endpoint": introspection_url(issuer.url),
        "userinfo_endpoint": userinfo_url(issuer.url),
        "end_session_endpoint": logout_url(issuer.url),
        "jwks_uri": certs_url(issuer.url),
        "grant_types_supported": sorted(GRANTS),
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "token_endpoint_auth_methods_supported": _CLIENT_LOGINS,
        "introspection_endpoint_auth_methods_supported": _CLIENT_LOGINS,
        "revocation_endpoint": revocation_url(issuer.url),
        "revocation_endpoint_auth_methods_supported": _CLIENT_LOGINS,
        "claims_supported": [
            "aud",
            "sub",
            "iss",
            "name",
            "given_name",
            "family_name",
            "preferred_username",
            "email",
            "acr",
        ],
        "claim_types_supported": ["normal"],
        "scopes_supported": ["openid", *issuer.realm.scopes],
    }


def realm_page(issuer: Issuer) -> dict[str, Any]:
    """What Keycloak says at the issuer's own address: above all the key that RS256 signs with, which old code pins."""
    key = issuer.keys.signing_key("RS256").key
    return {
        "realm": issuer.realm.name,
        "public_key": b64encode(key.as_der(private=False)).decode(),
        "token-service": issuer.url + PROTOCOL_PATH,
        "account-service": f"{issuer.url}/account",
        "tokens-not-before": issuer.realm.not_before,
    }
