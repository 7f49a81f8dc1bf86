"""The credentials of one third party: a confidential client with a service account, and the marks of who made it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Credentials", "is_ours", "new_client"]

# The marks: attributes of the client, which nobody can set who could not make the client himself.
_ISSUED_AT = "resource_protector.issued_at"
_SCOPE = "resource_protector.scope"
# The scopes that Keycloak brings along: they are in everybody's hands and say nothing about one's access.
_BUILT_IN = frozenset(
    {
        *("acr", "address", "basic", "email", "microprofile-jwt", "offline_access", "organization", "phone"),
        *("profile", "roles", "service_account", "web-origins"),
    }
)


@dataclass(frozen=True)
class Credentials:
    """What is known of credentials without their secret."""

    name: str  # the client id
    issued_at: str  # ISO 8601, in UTC
    enabled: bool
    scopes: tuple[str, ...]  # those that the client has, without the ones that Keycloak brings along
    issued_for: str  # the scope that they were made for
    id: str  # Keycloak's own

    @classmethod
    def of(cls, client: Mapping[str, Any]) -> Credentials:
        """Those that Keycloak's representation of one of our clients describes."""
        scopes = {*client.get("defaultClientScopes", ()), *client.get("optionalClientScopes", ())}
        return cls(
            name=client["clientId"],
            issued_at=client["attributes"][_ISSUED_AT],
            enabled=bool(client.get("enabled")),
            scopes=tuple(sorted(scopes - _BUILT_IN)),
            issued_for=client["attributes"].get(_SCOPE, ""),
            id=client["id"],
        )


def is_ours(client: Mapping[str, Any]) -> bool:
    """Whether this package has made the client."""
    return _ISSUED_AT in (client.get("attributes") or {})


def new_client(name: str, *, scope: str, default_scopes: Iterable[str], issued_at: str) -> dict[str, Any]:
    """Keycloak's representation of new credentials: one grant, by a secret that Keycloak makes.

    The scope is in it, so that client and scope are there at once or not at all.
    """
    return {
        "clientId": name,
        "description": "Credentials of a third party; made by resource-protector credentials",
        "protocol": "openid-connect",
        "enabled": True,
        "publicClient": False,
        "clientAuthenticatorType": "client-secret",
        "serviceAccountsEnabled": True,
        "standardFlowEnabled": False,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "authorizationServicesEnabled": False,
        "bearerOnly": False,
        "consentRequired": False,
        "frontchannelLogout": False,
        "redirectUris": [],
        "webOrigins": [],
        "defaultClientScopes": sorted({*default_scopes, scope}),
        "optionalClientScopes": [],
        "attributes": {
            _ISSUED_AT: issued_at,
            _SCOPE: scope,
            "oauth2.device.authorization.grant.enabled": "false",
            "oidc.ciba.grant.enabled": "false",
            "standard.token.exchange.enabled": "false",
            "client.use.lightweight.access.token.enabled": "false",  # such tokens name no audience
        },
    }
