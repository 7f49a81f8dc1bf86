"""Protects Flask APIs with access tokens of Keycloak, or any OpenID Connect provider, checked offline.

::

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

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .claims import AccessToken
    from .errors import Finding, InsufficientScope, KeysUnavailable, Reason, TokenRejected
    from .multi_realm import MultiRealmValidator
    from .scopes import all_of, any_of, exactly
    from .validator import RealmTokenValidator

__all__ = [
    "AccessToken",
    "Finding",
    "InsufficientScope",
    "KeysUnavailable",
    "MultiRealmValidator",
    "RealmTokenValidator",
    "Reason",
    "TokenRejected",
    "all_of",
    "any_of",
    "exactly",
]

_HOMES = {
    "AccessToken": "claims",
    "Finding": "errors",
    "InsufficientScope": "errors",
    "KeysUnavailable": "errors",
    "MultiRealmValidator": "multi_realm",
    "RealmTokenValidator": "validator",
    "Reason": "errors",
    "TokenRejected": "errors",
    "all_of": "scopes",
    "any_of": "scopes",
    "exactly": "scopes",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for (PEP 562).

    Every pytest run of whoever has this package installed imports its plugin, and with it this
    module: Authlib and joserfc, a fifth of a second, are not to be paid there.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value
