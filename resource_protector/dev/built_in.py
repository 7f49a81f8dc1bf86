"""The client scopes and client roles that Keycloak gives to a realm whose file brings none."""

from __future__ import annotations

from resource_protector.dev.protocol_mapper import Mapper
from resource_protector.dev.realm_model import ClientScope

__all__ = [
    "BUILT_IN_CLIENT_ROLES",
    "BUILT_IN_DEFAULT_SCOPES",
    "BUILT_IN_OPTIONAL_SCOPES",
    "BUILT_IN_SCOPES",
    "OFFLINE_ACCESS",
]

_ACCESS = {"access.token.claim": "true", "introspection.token.claim": "true"}
_BOTH = {**_ACCESS, "id.token.claim": "true"}
_ALL = {**_BOTH, "userinfo.token.claim": "true"}


def _attribute(name: str, attribute: str, claim: str, json_type: str = "String") -> Mapper:
    config = {**_ALL, "user.attribute": attribute, "claim.name": claim, "jsonType.label": json_type}
    return Mapper(name, "oidc-usermodel-attribute-mapper", config)


def _note(name: str, note: str, claim: str, json_type: str = "String") -> Mapper:
    config = {**_BOTH, "user.session.note": note, "claim.name": claim, "jsonType.label": json_type}
    return Mapper(name, "oidc-usersessionmodel-note-mapper", config)


def _roles(name: str, kind: str, claim: str, flags: dict[str, str]) -> Mapper:
    config = {**flags, "multivalued": "true", "claim.name": claim, "jsonType.label": "String"}
    return Mapper(name, f"oidc-usermodel-{kind}-role-mapper", config)


OFFLINE_ACCESS = ClientScope("offline_access", roles=frozenset({(None, "offline_access")}))

_ADDRESS_FIELDS = ("formatted", "street", "locality", "region", "postal_code", "country")

BUILT_IN_SCOPES: tuple[ClientScope, ...] = (
    ClientScope(
        "basic",
        (_note("auth_time", "AUTH_TIME", "auth_time", "long"), Mapper("sub", "oidc-sub-mapper", _ACCESS)),
        in_token_scope=False,
    ),
    ClientScope("web-origins", (Mapper("allowed web origins", "oidc-allowed-origins-mapper", _ACCESS),), False),
    ClientScope("acr", (Mapper("acr loa level", "oidc-acr-mapper", _BOTH),), in_token_scope=False),
    ClientScope(
        "service_account",
        (
            _note("Client ID", "client_id", "client_id"),
            _note("Client IP Address", "clientAddress", "clientAddress"),
            _note("Client Host", "clientHost", "clientHost"),
        ),
        in_token_scope=False,
    ),
    ClientScope(
        "roles",
        (
            _roles("realm roles", "realm", "realm_access.roles", _ACCESS),
            _roles("client roles", "client", "resource_access.${client_id}.roles", _ACCESS),
            Mapper("audience resolve", "oidc-audience-resolve-mapper", _ACCESS),
        ),
        in_token_scope=False,
    ),
    ClientScope(
        "email",
        (
            _attribute("email", "email", "email"),
            Mapper(
                "email verified",
                "oidc-usermodel-property-mapper",
                {
                    **_ALL,
                    "user.attribute": "emailVerified",
                    "claim.name": "email_verified",
                    "jsonType.label": "boolean",
                },
            ),
        ),
    ),
    ClientScope(
        "profile",
        (
            _attribute("username", "username", "preferred_username"),
            Mapper("full name", "oidc-full-name-mapper", _ALL),
            _attribute("given name", "firstName", "given_name"),
            _attribute("family name", "lastName", "family_name"),
            _attribute("middle name", "middleName", "middle_name"),
            _attribute("updated at", "updatedAt", "updated_at", "long"),
            *(
                _attribute(name, name, name)
                for name in (
                    "nickname",
                    "profile",
                    "picture",
                    "website",
                    "gender",
                    "birthdate",
                    "zoneinfo",
                    "locale",
                )
            ),
        ),
    ),
    ClientScope(
        "address",
        (
            Mapper(
                "address",
                "oidc-address-mapper",
                {**_ALL, **{f"user.attribute.{name}": name for name in _ADDRESS_FIELDS}},
            ),
        ),
    ),
    ClientScope(
        "phone",
        (
            _attribute("phone number", "phoneNumber", "phone_number"),
            _attribute("phone number verified", "phoneNumberVerified", "phone_number_verified", "boolean"),
        ),
    ),
    ClientScope(
        "microprofile-jwt",
        (_attribute("upn", "username", "upn"), _roles("groups", "realm", "groups", _ALL)),
    ),
    ClientScope(
        "organization",
        (
            Mapper(
                "organization",
                "oidc-organization-membership-mapper",
                {**_BOTH, "multivalued": "true", "claim.name": "organization", "jsonType.label": "String"},
            ),
        ),
    ),
    OFFLINE_ACCESS,
)

BUILT_IN_DEFAULT_SCOPES = ("basic", "roles", "profile", "email", "acr", "web-origins")
BUILT_IN_OPTIONAL_SCOPES = ("offline_access", "address", "phone", "microprofile-jwt", "organization")

BUILT_IN_CLIENT_ROLES: dict[str, dict[str, tuple[str, ...]]] = {
    "account": {
        "view-profile": (),
        "manage-account": ("manage-account-links",),
        "manage-account-links": (),
        "view-applications": (),
        "view-consent": (),
        "manage-consent": ("view-consent",),
        "view-groups": (),
        "delete-account": (),
    },
    "broker": {"read-token": ()},
    "realm-management": {
        "view-users": ("query-users", "query-groups"),
        "view-clients": ("query-clients",),
        "view-organizations": ("query-organizations",),
        **dict.fromkeys(
            (
                "create-client",
                "impersonation",
                "manage-authorization",
                "manage-clients",
                "manage-events",
                "manage-identity-providers",
                "manage-organizations",
                "manage-realm",
                "manage-users",
                "query-clients",
                "query-groups",
                "query-organizations",
                "query-realms",
                "query-users",
                "view-authorization",
                "view-events",
                "view-identity-providers",
                "view-realm",
            ),
            (),
        ),
    },
}
"""Client roles by client, each with the roles of the same client that it includes."""
_ADMIN = BUILT_IN_CLIENT_ROLES["realm-management"]
_ADMIN["realm-admin"] = tuple(sorted(_ADMIN))
