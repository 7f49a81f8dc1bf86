"""The provider's configuration document, and the endpoints that it names (OpenID Connect Discovery 1.0 section 4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from resource_protector.realm import check_url

from .failure import ProviderFailed
from .fetch import Fetch

__all__ = ["Discovery"]


@dataclass(frozen=True, slots=True)
class Discovery:
    """The document at `configuration_url`, which must name `issuer`."""

    configuration_url: str
    issuer: str
    allow_insecure_http: bool
    fetch: Fetch

    def endpoint(self, name: str) -> str:
        """The address that the document has under `name`, such as `jwks_uri`.

        Raises ProviderFailed where it names another issuer, or no address that may be used, and whatever `fetch` raises.
        """
        fetched = self.fetch(self.configuration_url)
        configuration = fetched if isinstance(fetched, Mapping) else {}
        named = configuration.get("issuer")
        if named != self.issuer:
            raise ProviderFailed(
                f"{self.configuration_url} names issuer {named!r}, and tokens of {self.issuer!r} are to be accepted: "
                f"if you trust the former, write issuer={named!r}; if the latter, discover it at its own address"
            )
        try:
            return check_url(configuration.get(name), name=name, allow_insecure_http=self.allow_insecure_http)
        except ValueError as error:
            raise ProviderFailed(f"{self.configuration_url}: {error}") from error
