"""A drop-in for python-keycloak's `KeycloakOpenID`: the same calls, and no request to the realm for each token.

::

    from resource_protector.keycloak import KeycloakOpenID

    idp = KeycloakOpenID("https://sso.example.com", "myorg", "orders-api", SECRET)
    claims = idp.introspect(token)  # {"active": False}, or the claims
"""

from .decode_errors import (
    InvalidJWSObject,
    InvalidJWSSignature,
    JWException,
    JWKeyNotFound,
    JWTExpired,
    JWTInvalidClaimValue,
    JWTMissingClaim,
    JWTMissingKey,
    JWTNotYetValid,
)
from .exceptions import (
    KeycloakAuthenticationError,
    KeycloakAuthorizationConfigError,
    KeycloakConnectionError,
    KeycloakDeleteError,
    KeycloakDeprecationError,
    KeycloakError,
    KeycloakGetError,
    KeycloakInvalidTokenError,
    KeycloakOperationError,
    KeycloakPermissionFormatError,
    KeycloakPostError,
    KeycloakPutError,
    KeycloakRPTNotFound,
    KeycloakSecretNotFound,
)
from .openid import KeycloakOpenID

__all__ = [
    "InvalidJWSObject",
    "InvalidJWSSignature",
    "JWException",
    "JWKeyNotFound",
    "JWTExpired",
    "JWTInvalidClaimValue",
    "JWTMissingClaim",
    "JWTMissingKey",
    "JWTNotYetValid",
    "KeycloakAuthenticationError",
    "KeycloakAuthorizationConfigError",
    "KeycloakConnectionError",
    "KeycloakDeleteError",
    "KeycloakDeprecationError",
    "KeycloakError",
    "KeycloakGetError",
    "KeycloakInvalidTokenError",
    "KeycloakOpenID",
    "KeycloakOperationError",
    "KeycloakPermissionFormatError",
    "KeycloakPostError",
    "KeycloakPutError",
    "KeycloakRPTNotFound",
    "KeycloakSecretNotFound",
]
