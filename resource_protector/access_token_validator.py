"""What every validator of ours does for the protector in front of it, ours or Authlib's own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from authlib.oauth2.rfc6749 import TokenValidator
from authlib.oauth2.rfc7523 import JWTBearerTokenValidator

from .bearer import bearer_token
from .claims import AccessToken
from .errors import Finding, InsufficientScope, Reason, TokenRejected, quoted
from .keys import KeySet
from .provider import Fetch
from .refusal_log import RefusalLog
from .scopes import Requirement, Requirements

__all__ = ["AccessTokenValidator"]


class AccessTokenValidator(JWTBearerTokenValidator):  # type: ignore[misc]  # Authlib has no types
    """A validator of access tokens; `realm` is named in its challenges."""

    def __init__(self, realm: str | None, refusals: RefusalLog) -> None:
        if realm is not None:
            quoted(realm)
        # Not the constructor of the class between: that one wants a key, and claim options that we do not use.
        TokenValidator.__init__(self, realm)
        self._refusals = refusals

    def __init_subclass__(cls) -> None:
        """Whoever decides by rules of his own is asked each time, and not by-passed by what was decided before."""
        super().__init_subclass__()
        ways = {"verify", "verify_async", "recalled"}
        first = next(kind for kind in cls.__mro__ if not ways.isdisjoint(vars(kind)))  # also one that was mixed in
        if "recalled" not in vars(first):
            cls.recalled = AccessTokenValidator.recalled  # type: ignore[method-assign]  # on purpose, see above

    @abstractmethod
    def verify(self, token_string: str, *, introspect: bool = False) -> AccessToken:
        """The claims of `token_string`, if it is accepted. Raises TokenRejected or KeysUnavailable."""

    @abstractmethod
    async def verify_async(self, token_string: str, *, introspect: bool = False) -> AccessToken:
        """As `verify`, without blocking the event loop while the realm is asked."""

    def recalled(self, token: bytes) -> AccessToken | None:
        """What `verify` would return for a token that was verified before, where that is known without looking at it.

        Raises KeysUnavailable.
        """
        return None

    @abstractmethod
    def key_sets(self) -> Sequence[KeySet]:
        """The keys that it checks tokens with, one set per issuer."""

    def verify_for(self, token_string: str, requirements: Requirements) -> AccessToken:
        """As `verify`, introspected if that is required; about a token of another issuer than required nobody is asked."""
        if requirements.introspect and requirements.issuer is not None:
            self.require(self.verify(token_string), Requirements(issuer=requirements.issuer))
        return self.verify(token_string, introspect=requirements.introspect)

    async def verify_async_for(self, token_string: str, requirements: Requirements) -> AccessToken:
        """As `verify_for`, without blocking the event loop."""
        if requirements.introspect and requirements.issuer is not None:
            self.require(await self.verify_async(token_string), Requirements(issuer=requirements.issuer))
        return await self.verify_async(token_string, introspect=requirements.introspect)

    @abstractmethod
    def check_introspection(self, issuer: str | None) -> None:
        """Raises ValueError where a route's `introspect=True`, for tokens of `issuer` or of all, cannot be honoured."""

    @abstractmethod
    def status(self) -> Mapping[str, Any]:
        """The state of the keys, for a health endpoint: every value is JSON."""

    @abstractmethod
    def with_issuer(
        self, issuer: str, *, jwks_uri: str | None = None, fetch: Fetch | None = None
    ) -> AccessTokenValidator:
        """The same policy for another issuer: what a test needs that brings tokens of its own."""

    def require(self, token: AccessToken, requirements: Requirements, whole: Requirements | None = None) -> None:
        """Raises InsufficientScope where `token`, a verified one, lacks something that a route needs.

        `whole` is everything that the route needs, for the challenge to name, where `requirements` is a part of it.
        """
        for finding in requirements.problems(token):
            kind = TokenRejected if finding.reason is Reason.ISSUER else InsufficientScope
            named = (whole or requirements).scope_parameter
            scope = named if finding.reason is Reason.INSUFFICIENT_SCOPE else None
            raise self._recorded(kind(finding, scope=scope))

    def refuse(self, finding: Finding, requirements: Requirements) -> TokenRejected:
        """The refusal of a request that brought no usable token to a route, logged; the caller raises it."""
        scope = requirements.scope_parameter if finding.reason is Reason.MISSING else None
        return self._recorded(TokenRejected(finding, scope=scope))

    def _recorded(self, error: TokenRejected) -> TokenRejected:
        error.realm = self.realm
        self._refusals.record(error)
        return error

    # What Authlib's own ResourceProtector calls

    def validate_request(self, request: Any) -> None:
        """Refuses a request with more or less than one well-formed bearer token (RFC 6750 section 2.1)."""
        try:
            bearer_token([request.headers.get("Authorization", "")])
        except TokenRejected as error:
            raise self.refuse(error.finding, Requirements()) from None

    def authenticate_token(self, token_string: str) -> AccessToken:
        return self.verify(token_string)

    def validate_token(
        self,
        token: AccessToken,
        scopes: Requirement | None,
        request: Any,
        *,
        roles: Requirement | None = None,
        client_roles: Mapping[str, Requirement] | None = None,
        claims: Mapping[str, Requirement] | None = None,
        introspect: bool = False,
    ) -> None:
        """Requires **all** of `scopes`, where Authlib's own validators are content with any one of a list.

        With `introspect`, of the token as the realm has it today; the view sees the claims that it brought.
        """
        requirements = Requirements.of(
            scopes, roles=roles, client_roles=client_roles, claims=claims, introspect=introspect
        )
        if introspect:
            text = bearer_token([request.headers["Authorization"]])
            token = self.verify(str(text), introspect=True)
        self.require(token, requirements)

    @property
    def claims_options(self) -> Mapping[str, Any]:
        """What Authlib's validators are configured by. There is none here: the constructor's keywords say it."""
        return {}

    @claims_options.setter
    def claims_options(self, value: object) -> NoReturn:
        raise TypeError(
            f"claims_options is not read by {type(self).__name__}, so it would check nothing: give the issuer as first "
            "argument, 'aud' as audience=, further claims as required_claims=, and values by "
            "require_auth(claims={'name': 'value'})."
        )
