"""All that is known of a token when advice is sought: its words, its checks, and hints that decide nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from resource_protector.errors import Finding, Reason

from .check import Check
from .printable import exactly
from .yardstick import Yardstick

__all__ = ["Evidence"]

# Keycloak 26 writes how a token came about into `jti`: session, kind and grant, two letters each.
_JTI = re.compile(r"[a-z]{2}([a-z]{2})([a-z]{2}):")
_REALM = re.compile(r"/realms/([^/]+)")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A token's own words, which may be lies, and what the checks found."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    checks: tuple[Check, ...]
    yardstick: Yardstick
    now: float
    is_verified: bool

    @property
    def findings(self) -> list[Finding]:
        """Every problem, in the order of the checks."""
        return [finding for check in self.checks for finding in check.findings]

    def finding(self, *reasons: Reason, claim: str | None = None) -> Finding | None:
        """The first problem with one of these reasons, and about this claim if one is named."""
        return next((f for f in self.findings if f.reason in reasons and claim in (None, f.claim)), None)

    @property
    def is_lightweight(self) -> bool | None:
        """Whether `jti` says that the token is a lightweight one; None where it says nothing."""
        hint = self._jti
        return None if hint is None else hint[1] == "lt"

    @property
    def is_of_a_service_account(self) -> bool:
        """Whether the client got the token for itself."""
        hint = self._jti
        return (hint is not None and hint[2] == "cc") or "clientAddress" in self.claims

    @property
    def client(self) -> str:
        """The client that got the token, quoted, for the path of a page in the admin console."""
        name = self.claims.get("azp") or self.claims.get("client_id")
        return f"client {exactly(name)}" if isinstance(name, str) else "the client that asked for the token"

    @property
    def realm(self) -> str:
        """The realm that the token names, quoted."""
        issuer = self.claims.get("iss")
        name = _REALM.search(issuer) if isinstance(issuer, str) else None
        return f"realm {exactly(unquote(name[1]))}" if name else "its realm"

    @property
    def _jti(self) -> re.Match[str] | None:
        jti = self.claims.get("jti")
        return _JTI.match(jti) if isinstance(jti, str) else None
