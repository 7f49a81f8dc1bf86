"""The protector of FastAPI routes: it makes dependencies, and guards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal, NoReturn, TypeVar, Unpack, overload

from fastapi import FastAPI
from fastapi.params import Depends
from starlette.requests import HTTPConnection

from resource_protector.access_token_validator import AccessTokenValidator
from resource_protector.bearer import bearer_token
from resource_protector.claims import AccessToken
from resource_protector.errors import Finding, KeysUnavailable, Reason, TokenRejected
from resource_protector.options import ValidatorOptions
from resource_protector.protector import NOT_GIVEN, Protector
from resource_protector.scopes import Requirement, Requirements

from . import protection
from .demands import route_demands
from .dependency import TokenDependency
from .documentation import document
from .guard import install_guard
from .loading import load_keys
from .refusals import Refusal, answer, refusal
from .request_token import authorization_fields, demand, demanded, recalled_token, verified_tokens
from .security_scheme import SecurityScheme

__all__ = ["ResourceProtector"]

_ADVICE = "Depends(require_auth) would protect nothing: write Depends(require_auth(None)), or name the scope."


View = TypeVar("View", bound=Callable[..., Any])


class _NoSignature:
    """Fails where FastAPI looks at the parameters of what it is to depend on, which it does at import."""

    def __get__(self, protector: object, owner: type) -> NoReturn:
        if protector is None:
            raise AttributeError("__signature__")
        raise TypeError(_ADVICE)


class ResourceProtector(Protector):
    """Demands an access token of the requests to a FastAPI application's routes.

    `ResourceProtector(issuer, audience=...)` takes every keyword of `RealmTokenValidator`;
    `ResourceProtector(validator)` takes a finished one. Without either, give it one later by
    `register_token_validator`.

    For the OpenAPI document, and with it for the lock in /docs:

    - nothing: an HTTP bearer token, wherever it comes from.
    - `openapi_scopes`: the scopes to choose from, `{name: text}`, and a login at the realm (the authorization
      code flow), whose addresses are those of the issuer, unless `authorization_url` and `token_url` say others.
    - `token_url` alone, such as "/login": a form for user and password that this address takes.
    - `scheme_name`: what the scheme is called, where an application has several.
    """

    __signature__ = _NoSignature()

    def __init__(
        self,
        issuer_or_validator: str | AccessTokenValidator | None = None,
        *,
        audience: str | Iterable[str] | None = NOT_GIVEN,
        authorization_url: str | None = None,
        token_url: str | None = None,
        openapi_scopes: Mapping[str, str] | None = None,
        scheme_name: str | None = None,
        **options: Unpack[ValidatorOptions],
    ) -> None:
        self.scheme = SecurityScheme(authorization_url, token_url, openapi_scopes, scheme_name)
        super().__init__(issuer_or_validator, audience=audience, **options)

    def register_token_validator(self, validator: AccessTokenValidator) -> None:
        """Have `validator` check the tokens. Raises ValueError where there is one already."""
        if isinstance(validator, AccessTokenValidator):
            _refuse_override(validator)
            if self.scheme.needs_issuer and _issuer(validator) is None:
                raise ValueError(
                    "The addresses of several realms cannot be one OpenAPI scheme: write authorization_url= and "
                    "token_url=, or leave out openapi_scopes=."
                )
        super().register_token_validator(validator)

    def init_app(self, app: FastAPI) -> None:
        """Answer refusals with `error` and `error_description` at the top level, and document them in OpenAPI.

        Without it FastAPI puts both under `detail`.
        """
        if not isinstance(app, FastAPI):
            raise TypeError(f"{app!r} is no FastAPI application.")
        if self in getattr(app.state, "resource_protectors", ()):
            raise ValueError("init_app was already called for this application with this protector: call it once.")
        if any(isinstance(inner, Depends) and inner.dependency is self for inner in app.router.dependencies):
            raise TypeError(_ADVICE)
        app.state.resource_protectors = (*getattr(app.state, "resource_protectors", ()), self)
        app.add_exception_handler(Refusal, answer)
        self._document(app)

    def _document(self, app: FastAPI) -> None:
        make = app.openapi
        done: list[object] = [None]  # FastAPI makes the document once, and again when there are new routes

        def openapi() -> dict[str, Any]:
            schema = make()
            if done[0] is not schema:
                document(schema, app, self, self.scheme, self.security_scheme_model)
                done[0] = schema
            return schema

        app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documentation has it so

    @property
    def security_scheme_model(self) -> Any:
        """What OpenAPI says of how to get a token. Raises RuntimeError where the issuer is not known yet."""
        return self.scheme.model(_issuer(self.validator) or "" if self.scheme.needs_issuer else "")

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Have the keys loaded when the first request comes: `FastAPI(lifespan=require_auth.lifespan)`.

        The application starts also while the realm is away; `status()` says whether it has keys. In a
        lifespan of your own: `async with require_auth.lifespan(app): yield`.
        """
        protection.protectors(app)  # looks at each route, which is when FastAPI looks at those of included routers
        await load_keys(self.validator)
        yield

    # What protects a route

    @overload
    def __call__(
        self,
        scopes: Requirement | None = None,
        /,
        *,
        roles: Requirement | None = None,
        client_roles: Mapping[str, Requirement] | None = None,
        claims: Mapping[str, Requirement] | None = None,
        issuer: str | None = None,
        optional: Literal[False] = False,
        introspect: bool = False,
    ) -> TokenDependency[AccessToken]: ...

    @overload
    def __call__(
        self,
        scopes: Requirement | None = None,
        /,
        *,
        roles: Requirement | None = None,
        client_roles: Mapping[str, Requirement] | None = None,
        claims: Mapping[str, Requirement] | None = None,
        issuer: str | None = None,
        optional: bool,
        introspect: bool = False,
    ) -> TokenDependency[AccessToken | None]: ...

    def __call__(self, scopes: Any = None, /, *, optional: bool = False, **required: Any) -> TokenDependency[Any]:
        """The dependency of a route on a token that is valid and has everything named here.

        - `scopes`: "a b" and ["a", "b"] both mean all; `any_of("a b", "c")` means (a and b) or c; None
          means any valid token. `Security(require_auth(...), scopes=["d"])` adds to them.
        - `roles`: realm roles. `client_roles`: `{client: roles}`. `claims`: `{name: values}`. In the same shapes.
        - `issuer`: accept the tokens of this issuer only.
        - `optional`: a request without a token is let through, and has None; one with a bad token is refused.
        - `introspect`: the realm is asked too whether the token is still active, and its answer is judged: the
          validator needs `client_id` and `client_secret` for it, or ValueError is raised.

        Write `Depends(require_auth(...))`, at a route, a router or the application. Raises ValueError for an
        empty requirement.
        """
        if callable(scopes):
            raise TypeError(
                "require_auth is no decorator with FastAPI: write a parameter "
                "token: Annotated[AccessToken, Depends(require_auth(None))]."
            )
        if not isinstance(optional, bool):
            raise ValueError(f"optional is {optional!r}: write True or False.")
        return TokenDependency(self, self._demand(Requirements.of(scopes, **required)), optional=optional)

    def guard(
        self,
        app: FastAPI,
        scopes: Requirement | None = None,
        *,
        roles: Requirement | None = None,
        client_roles: Mapping[str, Requirement] | None = None,
        claims: Mapping[str, Requirement] | None = None,
        issuer: str | None = None,
        optional: bool = False,
        introspect: bool = False,
        exempt: str | Iterable[str] = (),
    ) -> None:
        """Protect everything in `app` before it is routed or read: mounts, static files, /docs, what does not exist.

        FastAPI's own `FastAPI(dependencies=[...])` protects routes only, and after their body was read.
        `exempt` holds paths, compared exactly. Guards and dependencies add up, and the token is verified once.
        """
        requirements = self._demand(
            Requirements.of(
                scopes, roles=roles, client_roles=client_roles, claims=claims, issuer=issuer, introspect=introspect
            )
        )

        async def authorize(connection: HTTPConnection) -> None:
            demand(connection, self, requirements)
            await self.authorize(connection, requirements, optional=optional)

        install_guard(app, self, authorize, requirements, exempt, optional=optional)

    @staticmethod
    def exempt(view: View) -> View:
        """Mark a view as open on purpose: `unprotected` does not list it. Guards let paths through, by `exempt=`."""
        return protection.exempt(view)

    @staticmethod
    def unprotected(app: FastAPI) -> list[str]:
        """The routes that nothing protects and nobody exempted, such as "GET /orders".

        FastAPI makes a query parameter of `Annotated[AccessToken, Depends(...)]` where it cannot evaluate
        the annotation: inside of a function, below `from __future__ import annotations`.
        """
        return protection.unprotected(app)

    async def authorize(
        self, connection: HTTPConnection, requirements: Requirements, *, optional: bool = False
    ) -> AccessToken | None:
        """The request's token, if it has everything required; None without one where that is allowed.

        Raises the refusal otherwise, as an HTTPException.
        """
        token = self.at_hand(connection, requirements)
        if token is not None:
            return token
        validator = self.validator
        introspect = requirements.introspect
        verified = verified_tokens(connection)
        try:
            # One that was introspected serves those who did not ask for that, too.
            token = verified.get((validator, introspect)) or verified.get((validator, True))
            if token is None:
                text = self._sent(connection, validator, requirements)
                if text is None:
                    if optional:
                        return None
                    raise validator.refuse(Finding(Reason.MISSING), self._whole(connection, requirements))
                token = verified[validator, introspect] = await validator.verify_async_for(text, requirements)
            if next(requirements.problems(token), None) is not None:
                validator.require(token, requirements, self._whole(connection, requirements))
        except (TokenRejected, KeysUnavailable) as error:
            raise refusal(error, connection) from error.__cause__
        return token

    def at_hand(self, connection: HTTPConnection, requirements: Requirements) -> AccessToken | None:
        """What `authorize` returns in nearly every request: a token that was seen before, and has everything required.

        None for anything else, which is for `authorize` to judge.
        """
        if requirements.introspect:
            return None
        token = recalled_token(self.validator, connection)
        if token is None or next(requirements.problems(token), None) is not None:
            return None
        return token

    @staticmethod
    def _sent(connection: HTTPConnection, validator: AccessTokenValidator, requirements: Requirements) -> str | None:
        """The token in the request's header, if there is one. Raises TokenRejected for what is malformed."""
        try:
            return bearer_token([field.decode("latin-1") for field in authorization_fields(connection)])
        except TokenRejected as error:
            raise validator.refuse(error.finding, requirements) from None

    def _whole(self, connection: HTTPConnection, requirements: Requirements) -> Requirements:
        """Everything that the guards and the route need, for the challenge to name."""
        route = route_demands(connection.scope, self)
        return demanded(connection, self).joined(route).joined(requirements)


def _issuer(validator: AccessTokenValidator) -> str | None:
    policy = getattr(validator, "policy", None)
    return None if policy is None else policy.issuer


def _refuse_override(validator: AccessTokenValidator) -> None:
    """Raises ValueError for a subclass whose own rules nobody would ask: here it is `verify_async`, and no `require`."""
    if type(validator).require is not AccessTokenValidator.require:
        raise ValueError(
            f"{type(validator).__name__} overrides require, which FastAPI's protector calls for refusals only, so it "
            "would check nothing: override verify and verify_async, or write require_auth(scopes, roles=..., claims=...)."
        )
    for kind in type(validator).__mro__:
        if "verify_async" in vars(kind):
            return
        if "verify" in vars(kind):
            raise ValueError(
                f"{kind.__name__} overrides verify, and FastAPI's protector awaits verify_async, so it would check "
                "nothing: override verify_async too."
            )
