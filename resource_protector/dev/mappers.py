"""The protocol mappers: each writes one claim into a token.

Those of the two example realm files and of Keycloak's built-in scopes are honoured; any other is
named once per realm in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from resource_protector.dev.claim import Claims, add_audience, write_values
from resource_protector.dev.grant import Grant
from resource_protector.dev.protocol_mapper import Mapper, TokenKind
from resource_protector.dev.realm_model import Realm, Role

__all__ = ["HONOURED", "report_unhonoured", "write_claims"]

_log = logging.getLogger("resource_protector.dev")

_Values = list[Any]

_ATTRIBUTE_FIELDS = {"username": "username", "email": "email", "firstName": "first_name", "lastName": "last_name"}
_PROPERTY_FIELDS = {
    **_ATTRIBUTE_FIELDS,
    "id": "id",
    "emailVerified": "email_verified",
    "enabled": "enabled",
    "createdTimestamp": "created_at_milliseconds",
}
_ADDRESS_CLAIMS = {
    "street": "street_address",
    "locality": "locality",
    "region": "region",
    "postal_code": "postal_code",
    "country": "country",
    "formatted": "formatted",
}


def write_claims(claims: Claims, grant: Grant, token: TokenKind) -> None:
    """Let every mapper of the grant's client and scopes write into `claims`."""
    # The client's own come last, so that they have the last word on a claim.
    mappers = [*(mapper for scope in grant.scopes for mapper in scope.mappers), *grant.client.mappers]
    for mapper in mappers:
        write = HONOURED.get(mapper.kind)
        if write is not None and mapper.writes_into(token):
            write(mapper, grant, claims)


def report_unhonoured(realm: Realm) -> None:
    """Name each kind of mapper that the realm has and the dev realm does not know, once."""
    by_kind: dict[str, list[str]] = {}
    for mapper in realm.mappers:
        if mapper.kind not in HONOURED:
            by_kind.setdefault(mapper.kind, []).append(repr(mapper.name))
    for kind, names in by_kind.items():
        _log.warning(
            "The dev realm does not honour the protocol mapper %r (%s): Keycloak's tokens have a claim that its own lack.",
            kind,
            ", ".join(names),
        )


def _subject(mapper: Mapper, grant: Grant, claims: Claims) -> None:
    claims["sub"] = grant.user.id


def _note(mapper: Mapper, grant: Grant, claims: Claims) -> None:
    note = grant.notes.get(mapper.config.get("user.session.note", ""))
    write_values(mapper, claims, [] if note is None else [note])


def _attribute(mapper: Mapper, grant: Grant, claims: Claims) -> None:
    name = mapper.config.get("user.attribute", "")
    write_values(mapper, claims, _attribute_values(grant, name))


def _property(mapper: Mapper, grant: Grant, claims: Claims) -> None:
    field = _PROPERTY_FIELDS.get(mapper.config.get("user.attribute", ""))
    value = getattr(grant.user, field) if field else None
    write_values(mapper, claims, [] if value is None else [value])


def _full_name(mapper: Mapper, grant: Grant, claims: Claims) -> None:
    name = " ".join(part for part in (grant.user.first_name, grant.user.last_name) if part)
    if name:
        claims["name"] = name


def _address(mapper: Mapper, grant: Grant, claims: Claims) -> None:
    address = {}
    for field, claim in _ADDRESS_CLAIMS.items():
        values = _attribute_values(grant, mapper.config.get(f"user.attribute.{field}", field))
        if values:
            address[claim] = values[0]
    if address:
        claims["address"] = address


def _acr(mapper: Mapper, grant: Grant, claims: Claims) -> None:
    claims["acr"] = "1"


def _allowed_origins(mapper: Mapper, grant: Grant, claims: Claims) -> None:
    origins = list(grant.client.allowed_origins)
    if origins:
        claims["allowed-origins"] = origins


def _realm_roles(mapper: Mapper, grant: Grant, claims: Claims) -> None:
    prefix = mapper.config.get("usermodel.realmRoleMapping.rolePrefix", "")
    write_values(mapper, claims, [prefix + name for name in _role_names(grant.roles, None)])


def _client_roles(mapper: Mapper, grant: Grant, claims: Claims) -> None:
    prefix = mapper.config.get("usermodel.clientRoleMapping.rolePrefix", "")
    only = mapper.config.get("usermodel.clientRoleMapping.clientId")
    clients = [only] if only else _role_clients(grant.roles)
    by_client = {client: [prefix + name for name in _role_names(grant.roles, client)] for client in clients}
    if "${client_id}" in mapper.config.get("claim.name", ""):
        for client, names in by_client.items():
            write_values(mapper, claims, names, client_id=client)
    else:
        write_values(mapper, claims, [name for names in by_client.values() for name in names])


def _audience(mapper: Mapper, grant: Grant, claims: Claims) -> None:
    audience = mapper.config.get("included.client.audience") or mapper.config.get("included.custom.audience")
    if audience:
        add_audience(claims, audience)


def _audience_resolve(mapper: Mapper, grant: Grant, claims: Claims) -> None:
    for client in _role_clients(grant.roles):
        if client != grant.client.client_id:
            add_audience(claims, client)


def _organization(mapper: Mapper, grant: Grant, claims: Claims) -> None:
    """Writes nothing: no user of a realm file is a member of an organization."""


HONOURED: dict[str, Callable[[Mapper, Grant, Claims], None]] = {
    "oidc-sub-mapper": _subject,
    "oidc-usersessionmodel-note-mapper": _note,
    "oidc-usermodel-attribute-mapper": _attribute,
    "oidc-usermodel-property-mapper": _property,
    "oidc-full-name-mapper": _full_name,
    "oidc-address-mapper": _address,
    "oidc-acr-mapper": _acr,
    "oidc-allowed-origins-mapper": _allowed_origins,
    "oidc-usermodel-realm-role-mapper": _realm_roles,
    "oidc-usermodel-client-role-mapper": _client_roles,
    "oidc-audience-mapper": _audience,
    "oidc-audience-resolve-mapper": _audience_resolve,
    "oidc-organization-membership-mapper": _organization,
}


def _attribute_values(grant: Grant, name: str) -> _Values:
    if name in _ATTRIBUTE_FIELDS:
        value = getattr(grant.user, _ATTRIBUTE_FIELDS[name])
        return [value] if value else []
    return list(grant.user.attributes.get(name, ()))


def _role_names(roles: Iterable[Role], client: str | None) -> list[str]:
    return sorted(name for owner, name in roles if owner == client)


def _role_clients(roles: Iterable[Role]) -> list[str]:
    return sorted({owner for owner, _ in roles if owner is not None})
