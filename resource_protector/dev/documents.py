"""The discovery document of a realm."""

from __future__ import annotations

from typing import Any

from resource_protector.dev.algorithms import ALGORITHMS
from resource_protector.dev.grants import GRANTS
from resource_protector.dev.issuer import Issuer
from resource_protector.realm import certs_url, token_url

__all__ = ["discovery"]


def discovery(issuer: Issuer) -> dict[str, Any]:
    """What the realm can do and where (OpenID Connect Discovery 1.0 section 3); only what is there is listed."""
    return {
        "issuer": issuer.url,
        "token_endpoint": token_url(issuer.url),
        "jwks_uri": certs_url(issuer.url),
        "grant_types_supported": sorted(GRANTS),
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
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
