"""The client scope that puts an API's name into the audience of a token (RFC 7519 section 4.1.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import AdminError

__all__ = ["check_audience_scope", "new_audience_scope"]

_AUDIENCE_MAPPER = "oidc-audience-mapper"


def new_audience_scope(name: str, audience: str) -> dict[str, Any]:
    """Keycloak's representation of a scope for the API `audience`, with its mapper: made at once or not at all."""
    return {
        "name": name,
        "description": "The audience of an API; made by resource-protector credentials",
        "protocol": "openid-connect",
        "attributes": {"include.in.token.scope": "true", "display.on.consent.screen": "true"},
        "protocolMappers": [
            {
                "name": "audience",
                "protocol": "openid-connect",
                "protocolMapper": _AUDIENCE_MAPPER,
                "config": {
                    "included.client.audience": audience,
                    "access.token.claim": "true",
                    "introspection.token.claim": "true",  # the API that introspects must be in the answer's `aud`
                    "id.token.claim": "false",
                },
            }
        ],
    }


def check_audience_scope(scope: Mapping[str, Any], audience: str) -> None:
    """Whether tokens with an existing scope are meant for `audience` and for nothing else; AdminError if not.

    A scope is never changed: other clients may have it, and would get what it is changed to.
    """
    name, attributes = scope["name"], scope.get("attributes") or {}
    if scope.get("protocol") != "openid-connect":
        raise AdminError(f"The client scope {name!r} is not one for OpenID Connect: choose another --scope.")
    if attributes.get("include.in.token.scope", "true") != "true":
        raise AdminError(
            f"The client scope {name!r} would not be named in the token: switch on its 'Include in token scope', "
            "or choose another --scope."
        )
    found = _audiences(scope)
    if not found:
        raise AdminError(
            f"The client scope {name!r} exists and has no Audience mapper for {audience!r} (in access tokens and in "
            "introspection): choose another --scope, which is made with its mapper, or add one to this scope."
        )
    if found != {audience}:
        listed = ", ".join(repr(other) for other in sorted(found))
        raise AdminError(
            f"The client scope {name!r} exists and puts {listed} into the audience, not {audience!r} alone: choose "
            "another --scope."
        )


def _audiences(scope: Mapping[str, Any]) -> set[str]:
    """What the scope's mappers add to the `aud` of access tokens or of introspection's answers.

    A name that comes into only one of the two is marked, so that it equals no API's.
    """
    in_token: set[str] = set()
    in_answer: set[str] = set()
    for mapper in scope.get("protocolMappers") or ():
        config = mapper.get("config") or {}
        if mapper.get("protocolMapper") == _AUDIENCE_MAPPER:
            # Keycloak reads the second only where the first is empty.
            name = str(config.get("included.client.audience") or config.get("included.custom.audience") or "")
            # As Keycloak has it: absent is off for the token, and for the answer it is as for the token.
            access = config.get("access.token.claim", "false")
            if access == "true":
                in_token.add(name)
            if config.get("introspection.token.claim", access) == "true":
                in_answer.add(name)
    one_sided = {f"{name} (in access tokens only)" for name in in_token - in_answer} | {
        f"{name} (in introspection only)" for name in in_answer - in_token
    }
    return (in_token & in_answer | one_sided) - {""}
