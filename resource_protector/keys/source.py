"""Where a realm's JWKS document comes from: a fixed address, or the one that discovery names."""

from __future__ import annotations

from dataclasses import dataclass

from resource_protector.provider import Discovery, Fetch

__all__ = ["DiscoveredJwks", "JwksAt"]


@dataclass(frozen=True, slots=True)
class JwksAt:
    """The document at `jwks_uri`."""

    jwks_uri: str
    fetch: Fetch

    def __call__(self) -> object:
        return self.fetch(self.jwks_uri)


@dataclass(frozen=True, slots=True)
class DiscoveredJwks:
    """The document whose address the provider's configuration names, read anew each time."""

    discovery: Discovery

    def __call__(self) -> object:
        return self.discovery.fetch(self.discovery.endpoint("jwks_uri"))
