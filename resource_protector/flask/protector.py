"""The protector of Flask routes: decorator, context manager and guard."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, overload

from flask import Blueprint, Flask, Request, current_app, has_app_context, request
from werkzeug.routing import Rule

from resource_protector.access_token_validator import AccessTokenValidator
from resource_protector.bearer import bearer_token
from resource_protector.claims import AccessToken
from resource_protector.errors import Finding, KeysUnavailable, Reason, TokenRejected
from resource_protector.protector import Protector
from resource_protector.scopes import Requirement, Requirements
from resource_protector.settings import validator_from_mapping

from . import protection as marks
from .accept_token import accept_token
from .guard import OnRefused, install_guard
from .refusals import raise_refusal
from .request_token import demanded, remember_token, remembered_token

__all__ = ["ResourceProtector"]

_EXTENSION = "resource_protector"

View = TypeVar("View", bound=Callable[..., Any])


class ResourceProtector(Protector):
    """Demands an access token of the requests to a Flask application's routes.

    `ResourceProtector(issuer, audience=...)` takes every keyword of `RealmTokenValidator`;
    `ResourceProtector(validator)` takes a finished one. Without either, give it one later by
    `register_token_validator`, or per application by `init_app`.
    """

    def register_token_validator(self, validator: AccessTokenValidator) -> None:
        """Have `validator` check the tokens. Raises ValueError where there is one already."""
        for kind in type(validator).__mro__:
            if "verify" in vars(kind):
                break
            if "verify_async" in vars(kind):
                raise ValueError(
                    f"{kind.__name__} overrides verify_async, and Flask's protector calls verify, so it would check "
                    "nothing: override verify too."
                )
        super().register_token_validator(validator)

    def init_app(self, app: Flask, prefix: str = "RESOURCE_PROTECTOR_") -> None:
        """Make this application's own validator from `app.config`.

        Every keyword of `RealmTokenValidator` is read upper-cased behind `prefix`, such as
        `RESOURCE_PROTECTOR_ISSUER`. Raises ValueError for an unknown, missing or mistyped setting.
        """
        validators = app.extensions.setdefault(_EXTENSION, {})
        if self in validators:
            raise ValueError(f"init_app was already called for {app.name!r} with this protector: call it once.")
        validator = validator_from_mapping(app.config, prefix, self._defaults)
        self._keep_for_application(validator)
        self._has_applications = True
        validators[self] = validator

    _advice_without_validator = (
        "This ResourceProtector has no validator for the current application: call require_auth.init_app(app), "
        "or require_auth.register_token_validator(RealmTokenValidator(...))."
    )

    _has_applications = False  # most protectors serve all, and need not ask which it is

    def _of_current_application(self) -> AccessTokenValidator | None:
        if not self._has_applications or not has_app_context():
            return None
        validators = current_app.extensions.get(_EXTENSION)
        return validators.get(self) if validators else None

    # What protects a route

    @overload
    def __call__(self, view: View, /) -> View: ...

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
        optional: bool = False,
        introspect: bool = False,
    ) -> Callable[[View], View]: ...

    def __call__(self, scopes: Any = None, /, *, optional: bool = False, **required: Any) -> Any:
        """Decorate a view: it is called only with a token that is valid and has everything named here.

        - `scopes`: "a b" and ["a", "b"] both mean all; `any_of("a b", "c")` means (a and b) or c; None
          means any valid token.
        - `roles`: realm roles. `client_roles`: `{client: roles}`. `claims`: `{name: values}`. In the same shapes.
        - `issuer`: accept the tokens of this issuer only.
        - `optional`: a request without a token is let through; one with a bad token is refused all the same.
        - `introspect`: the realm is asked too whether the token is still active, and its answer is judged: the
          validator needs `client_id` and `client_secret` for it, or ValueError is raised.

        Put it directly above the function, below `@app.route`. Raises ValueError for an empty requirement.
        """
        if inspect.isroutine(scopes) or isinstance(scopes, type):
            return self._protect(scopes, Requirements(), optional=False)
        requirements = self._demand(Requirements.of(scopes, **required))
        return functools.partial(self._protect, requirements=requirements, optional=optional)

    def _protect(self, view: Any, requirements: Requirements, *, optional: bool) -> Any:
        if not isinstance(optional, bool):
            raise ValueError(f"optional is {optional!r}: write True or False.")
        if isinstance(view, type) or not callable(view):
            raise TypeError(
                f"@require_auth decorates functions, and {view!r} is none: for a class-based view write "
                "decorators = [require_auth(...)] in its body."
            )
        is_async = inspect.iscoroutinefunction(view)
        inner = marks.protection_of(view)
        whole = requirements.joined(inner.as_seen_by(self)) if inner else requirements

        @functools.wraps(view)
        def protected(*args: Any, **kwargs: Any) -> Any:
            self.authorize(whole, optional=optional, check=requirements)
            return current_app.ensure_sync(view)(*args, **kwargs) if is_async else view(*args, **kwargs)

        is_optional = optional and (inner is None or inner.optional)
        marks.set_protection(protected, marks.Protection(whole, is_optional, protector=self))
        return protected

    @contextmanager
    def acquire(
        self,
        scopes: Requirement | None = None,
        /,
        *,
        roles: Requirement | None = None,
        client_roles: Mapping[str, Requirement] | None = None,
        claims: Mapping[str, Requirement] | None = None,
        issuer: str | None = None,
        introspect: bool = False,
    ) -> Iterator[AccessToken]:
        """The token, for a `with` statement inside a view: what it demands may depend on the request."""
        requirements = Requirements.of(
            scopes, roles=roles, client_roles=client_roles, claims=claims, issuer=issuer, introspect=introspect
        )
        token = self.authorize(requirements)
        assert token is not None  # noqa: S101 - only an optional authorization returns None
        yield token

    def guard(
        self,
        app_or_blueprint: Flask | Blueprint,
        scopes: Requirement | None = None,
        *,
        roles: Requirement | None = None,
        client_roles: Mapping[str, Requirement] | None = None,
        claims: Mapping[str, Requirement] | None = None,
        issuer: str | None = None,
        optional: bool = False,
        introspect: bool = False,
        exempt: str | Iterable[str] = (),
        g_name: str | None = None,
        on_refused: OnRefused | None = None,
    ) -> None:
        """Protect every route of an application or a blueprint, its static files and its error pages too.

        - `exempt`: endpoint names, or rules that start with "/", compared exactly.
        - `g_name`: also put the token, or None, into this attribute of `flask.g`.
        - `on_refused`: called with the refusal; what it returns, if anything, is the body of the answer.

        Guards and decorators add up, and the token is verified once.
        """
        requirements = self._demand(
            Requirements.of(
                scopes, roles=roles, client_roles=client_roles, claims=claims, issuer=issuer, introspect=introspect
            )
        )
        install_guard(
            self,
            self.authorize,
            app_or_blueprint,
            requirements,
            optional=optional,
            exempt=exempt,
            g_name=g_name,
            on_refused=on_refused,
        )

    def accept_token(
        self, require_token: bool = False, scopes_required: Requirement | None = None, render_errors: bool = True
    ) -> Callable[[View], View]:
        """Decorate a view as with flask-oidc 1: the claims, or None without a token, are in `g.oidc_token_info`.

        - `require_token`: False lets a request without a token through; one with a bad token is refused all the same.
        - `scopes_required`: all of them, in the shapes of `require_auth`.
        - `render_errors`: False returns a refusal from the view, as body (a dict), status and header fields.

        The token is read from the `Authorization` header only. Raises ValueError for an argument of another kind,
        and for none at all where the parentheses are left out: flask-oidc 1 and 2 differ in what that means.
        """
        requirements = self._demand(Requirements.of(scopes_required))
        return accept_token(
            self, self.authorize, requirements, require_token=require_token, render_errors=render_errors
        )

    @staticmethod
    def exempt(view: View) -> View:
        """Mark a view as open on purpose: guards let it through, and `unprotected` does not list it."""
        return marks.exempt(view)

    @staticmethod
    def unprotected(app: Flask) -> list[Rule]:
        """The routes that nothing protects and nobody exempted: a decorator above `@app.route` protects nothing."""
        return marks.unprotected(app)

    def authorize(
        self, requirements: Requirements, *, optional: bool = False, check: Requirements | None = None
    ) -> AccessToken | None:
        """The request's token, if it has everything required; None without one where that is allowed.

        Raises the refusal otherwise. `check` is what is checked now, where `requirements` also says
        what will be checked later.
        """
        validator = self.validator
        current: Request = request._get_current_object()  # type: ignore[attr-defined]  # once: the proxy looks it up each time
        try:
            token = remembered_token(current, validator, requirements.introspect)
            if token is None:
                authorization = current.environ.get("HTTP_AUTHORIZATION")
                try:
                    text = bearer_token([authorization] if authorization else [])
                except TokenRejected as error:
                    raise validator.refuse(error.finding, requirements) from None
                if text is None:
                    if optional:
                        return None
                    raise validator.refuse(Finding(Reason.MISSING), requirements)
                token = validator.verify_for(text, requirements)
                remember_token(current, validator, requirements.introspect, token)
            validator.require(token, requirements if check is None else check, demanded(current, requirements))
        except (TokenRejected, KeysUnavailable) as error:
            raise_refusal(error)
        return token
