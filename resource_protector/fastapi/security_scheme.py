"""What OpenAPI says of how a client gets its token: from the realm, from a form of the application, or from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi.openapi.models import (
    HTTPBearer,
    OAuth2,
    OAuthFlowAuthorizationCode,
    OAuthFlowPassword,
    OAuthFlows,
)

from resource_protector.realm import authorization_url, token_url

__all__ = ["SecurityScheme"]

_EXAMPLES = {
    "authorization_url": "https://sso.example.com/realms/myorg/protocol/openid-connect/auth",
    "token_url": "/login",
    "scheme_name": "Keycloak",
}


@dataclass(frozen=True, slots=True)
class SecurityScheme:
    """What the application says of it. Addresses that it leaves out are the issuer's: a browser can reach those."""

    authorization_url: str | None = None
    token_url: str | None = None
    openapi_scopes: Mapping[str, str] | None = None
    scheme_name: str | None = None

    def __post_init__(self) -> None:
        for keyword, example in _EXAMPLES.items():
            value = getattr(self, keyword)
            if value is not None and not (isinstance(value, str) and value.strip()):
                raise ValueError(f"{keyword} is {value!r}: write text such as {example!r}, or leave it out.")
        scopes = self.openapi_scopes
        if scopes is not None and not (
            isinstance(scopes, Mapping) and all(isinstance(part, str) for item in scopes.items() for part in item)
        ):
            raise ValueError(
                f"openapi_scopes is {scopes!r}: write each scope with a text, such as {{'orders:read': 'Read orders'}}."
            )

    @property
    def is_oauth2(self) -> bool:
        """Whether anything was said that only OpenAPI's OAuth 2.0 form can tell."""
        return any(said is not None for said in (self.authorization_url, self.token_url, self.openapi_scopes))

    @property
    def needs_issuer(self) -> bool:
        """Whether an address is to be the realm's."""
        return self.is_oauth2 and self.token_url is None

    @property
    def name(self) -> str:
        """The scheme's key in OpenAPI's components."""
        return self.scheme_name or ("OAuth2" if self.is_oauth2 else "Bearer")

    def model(self, issuer: str) -> HTTPBearer | OAuth2:
        """The scheme as FastAPI has it; `issuer` is not looked at unless it `needs_issuer`."""
        if not self.is_oauth2:
            return HTTPBearer(bearerFormat="JWT")
        scopes = dict(self.openapi_scopes or {})
        if self.token_url is not None and self.authorization_url is None:
            return OAuth2(flows=OAuthFlows(password=OAuthFlowPassword(tokenUrl=self.token_url, scopes=scopes)))
        flow = OAuthFlowAuthorizationCode(
            authorizationUrl=self.authorization_url or authorization_url(issuer),
            tokenUrl=self.token_url or token_url(issuer),
            scopes=scopes,
        )
        return OAuth2(flows=OAuthFlows(authorizationCode=flow))
