"""Protects Flask APIs with access tokens of Keycloak, or any OpenID Connect provider, checked offline.

from resource_protector import RealmTokenValidator
from resource_protector.flask import ResourceProtector, current_token

require_auth = ResourceProtector()
require_auth.register_token_validator(
RealmTokenValidator("https://sso.example.com/realms/myorg", audience="orders-api"))

@app.get("/api/private")
@require_auth("test_api_access")
def private():
return {"sub": current_token["sub"]}
"""

from .claims import AccessToken
from .errors import Finding, InsufficientScope, KeysUnavailable, Reason, TokenRejected
from .scopes import all_of, any_of, exactly
from .validator import RealmTokenValidator

__all__ = [
    "AccessToken",
    "Finding",
    "InsufficientScope",
    "KeysUnavailable",
    "RealmTokenValidator",
    "Reason",
    "TokenRejected",
    "all_of",
    "any_of",
    "exactly",
]
