"""What the credentials of both HTTP libraries are made of."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

import requests

from resource_protector.policy import check_seconds

from .destinations import Destinations
from .token_endpoint import AuthMethod, Secret, TokenEndpoint, scope_of
from .token_source import TokenSource

__all__ = ["ConfiguredCredentials"]


class ConfiguredCredentials:
    """Takes the arguments that `ClientCredentials` describes, and makes the token's source and destinations of them."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: Secret,
        *,
        scope: str | Collection[str] | None = None,
        token_url: str | None = None,
        auth_method: AuthMethod = "client_secret_basic",
        early_seconds: float = 30.0,
        allow_hosts: Collection[str] | None = None,
        session: requests.Session | None = None,
        timeout_seconds: float = 10.0,
        allow_insecure_http: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if client_secret is None:
            raise ValueError("client_secret is missing: a client without a secret gets no token for itself.")
        endpoint = TokenEndpoint(
            issuer,
            client_id,
            client_secret,
            token_url=token_url,
            auth_method=auth_method,
            session=session,
            timeout_seconds=timeout_seconds,
            allow_insecure_http=allow_insecure_http,
        )
        names = scope_of(scope)
        self._endpoint = endpoint
        self._destinations = Destinations(allow_hosts, allow_insecure_http=allow_insecure_http)
        self._source = TokenSource(
            lambda: endpoint.client_credentials(names),
            name=f"of {issuer} for client {client_id!r}",
            early_seconds=check_seconds(early_seconds, "early_seconds"),
            timeout_seconds=timeout_seconds,
            monotonic=monotonic,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._endpoint.issuer!r}, {self._endpoint.client_id!r})"
