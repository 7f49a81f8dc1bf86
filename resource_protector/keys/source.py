"""Where a realm's JWKS document comes from: a fixed address, or the one that discovery names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from resource_protector.realm import check_url

from .fetch import Fetch, FetchFailed

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
    """The document whose address the provider's configuration names (OpenID Connect Discovery 1.0 section 4.3)."""

    configuration_url: str
    issuer: str
    allow_insecure_http: bool
    fetch: Fetch

    def __call__(self) -> object:
        fetched = self.fetch(self.configuration_url)
        configuration = fetched if isinstance(fetched, Mapping) else {}
        named = configuration.get("issuer")
        if named != self.issuer:
            raise FetchFailed(
                f"{self.configuration_url} names issuer {named!r}, and tokens of {self.issuer!r} are to be accepted: "
                f"if you trust the former, write issuer={named!r}; if the latter, discover it at its own address"
            )
        try:
            jwks_uri = check_url(
                configuration.get("jwks_uri"), name="jwks_uri", allow_insecure_http=self.allow_insecure_http
            )
        except ValueError as error:
            raise FetchFailed(f"{self.configuration_url}: {error}") from error
        return self.fetch(jwks_uri)
