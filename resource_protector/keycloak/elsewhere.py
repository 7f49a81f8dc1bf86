"""What python-keycloak's class has and ours has not, with what to use instead."""

from __future__ import annotations

__all__ = ["absence_of"]

_UMA = "Permissions are decided by the realm, on each request"
_ADMIN = "It changes the realm"
_INSTEAD = {
    "auth_url": "It begins a login; well_known()['authorization_endpoint'] is the address that it starts from",
    "exchange_token": "It gets another token; this class checks them",
    "device": "It begins a login on another device",
    "entitlement": "Keycloak has had no such endpoint since version 4",
    "uma_permissions": _UMA,
    "has_uma_access": _UMA,
    "authorization": _UMA,
    "load_authorization_config": _UMA,
    "get_policies": _UMA,
    "get_permissions": _UMA,
    "register_client": _ADMIN,
    "update_client": _ADMIN,
    "connection": "The constructor's verify=, cert=, proxies=, timeout= and custom_headers= are what configures it",
}


def absence_of(name: str, kind: str) -> str:
    """Why a `kind` has no attribute `name`: one sentence, which names the library that has it."""
    why = _INSTEAD.get(name.removeprefix("a_"))
    if why is None:
        return f"{kind!r} object has no attribute {name!r}"
    return (
        f"resource_protector.keycloak.KeycloakOpenID has no {name!r}. {why}: use keycloak.KeycloakOpenID of the library "
        "python-keycloak for it, beside this class."
    )
