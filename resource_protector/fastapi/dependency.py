"""The dependency that a route has on a token: what `require_auth(...)` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from resource_protector.scopes import Requirements

if TYPE_CHECKING:
    from .protector import ResourceProtector

__all__ = ["TokenDependency"]

_MOST_MERGED = 64

#: What the route is given: AccessToken, or AccessToken | None where it is optional.
Found = TypeVar("Found", covariant=True)


class TokenDependency(SecurityBase, Generic[Found]):
    """Has the request's token checked before a route is called, and hands it over.

    Equal and hashable by its protector and by what it demands, so FastAPI calls equal ones once per
    request, and `app.dependency_overrides[require_auth("scope")]` finds the one of the route.
    """

    def __init__(self, protector: ResourceProtector, requirements: Requirements, *, optional: bool) -> None:
        self.protector = protector
        self.requirements = requirements
        self.optional = optional
        # FastAPI asks for it several times in a request.
        self._hash = hash((id(protector), requirements, optional))
        self._merged: dict[tuple[str, ...], Requirements] = {(): requirements}  # grows by what the code's routes say

    # These annotations are read by FastAPI, by evaluating them.
    async def __call__(self, connection: HTTPConnection, security_scopes: SecurityScopes) -> Found:
        requirements = self.merged_with(security_scopes.scopes) if security_scopes.scopes else self.requirements
        token: Any = self.protector.at_hand(connection, requirements)
        if token is None:
            token = await self.protector.authorize(connection, requirements, optional=self.optional)
        return token  # type: ignore[no-any-return]  # None only if optional, which Found says

    def merged_with(self, scopes: list[str]) -> Requirements:
        """What it demands where `Security(..., scopes=[...])`, here or further out, demands these too."""
        key = tuple(scopes)
        merged = self._merged.get(key)
        if merged is None:
            merged = self.requirements.joined(Requirements.of(scopes))
            if len(self._merged) < _MOST_MERGED:  # whoever calls it by hand may bring scopes of a request
                self._merged[key] = merged
        return merged

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> NoReturn:
        """FastAPI asks for it where `Depends` was forgotten, and would read the token from the request's body."""
        raise TypeError("require_auth(...) in an annotation protects nothing: write Depends(require_auth(...)).")

    @property
    def model(self) -> Any:  # type: ignore[override]  # an attribute in FastAPI, but the issuer may come later
        """What OpenAPI says of how to authorize."""
        return self.protector.security_scheme_model

    @property
    def scheme_name(self) -> str:  # type: ignore[override]  # likewise
        """What OpenAPI calls it."""
        return self.protector.scheme.name

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TokenDependency):
            return NotImplemented
        return (
            self.protector is other.protector
            and self.requirements == other.requirements
            and self.optional == other.optional
        )

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        optional = " optional" if self.optional else ""
        return f"<TokenDependency{optional} {self.requirements}>"
