"""A protocol mapper as the realm file describes it, with its switches for what it writes into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

__all__ = ["Mapper", "TokenKind"]

TokenKind = Literal["access", "lightweight", "id", "introspection", "userinfo"]
"""What mappers write into: three kinds of token, and two endpoints' answers."""

_FLAG_OF = {
    "access": "access.token.claim",
    "lightweight": "lightweight.claim",
    "id": "id.token.claim",
    "introspection": "introspection.token.claim",
    "userinfo": "userinfo.token.claim",
}
# A mapper that does not say whether it writes into an answer writes into it what it writes into this.
_SAME_AS: dict[TokenKind, TokenKind] = {"introspection": "access", "userinfo": "id"}
# These have no such switch.
_NEVER_IN_USERINFO = frozenset(
    {
        "oidc-acr-mapper",
        "oidc-allowed-origins-mapper",
        "oidc-audience-mapper",
        "oidc-audience-resolve-mapper",
        "oidc-sub-mapper",
    }
)
# Keycloak puts these into access tokens unless their configuration says otherwise; all others must say so.
_ON_UNLESS_SAID = frozenset({"oidc-audience-resolve-mapper", "oidc-allowed-origins-mapper"})


@dataclass(frozen=True)
class Mapper:
    """A protocol mapper: what writes one claim into tokens."""

    name: str
    kind: str
    config: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def writes_into(self, token: TokenKind) -> bool:
        """Whether this mapper's configuration names that kind of token."""
        if token == "userinfo" and self.kind in _NEVER_IN_USERINFO:  # noqa: S105 - no password
            return False
        if _FLAG_OF[token] not in self.config and token in _SAME_AS:
            return self.writes_into(_SAME_AS[token])
        default = "true" if token == "access" and self.kind in _ON_UNLESS_SAID else "false"  # noqa: S105 - no password
        return self.config.get(_FLAG_OF[token], default) == "true"
