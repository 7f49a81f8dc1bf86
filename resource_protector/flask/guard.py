"""The guard of a whole application or blueprint: one hook before every request."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from flask import Blueprint, Flask, current_app, g, request
from werkzeug.exceptions import HTTPException

from resource_protector.claims import AccessToken
from resource_protector.scopes import Requirements

from .protection import Protection, is_exempt, protection_of, set_protection

__all__ = ["install_guard"]

#: Makes an application's own answer of a refusal, or returns None to leave it as it is. The status stays the refusal's
#: unless the answer has an error status of its own, so a redirect becomes a 401 that names its location.
OnRefused = Callable[[Any], Any]


class Authorize(Protocol):
    """Checks the current request: the protector's part of a guard."""

    def __call__(self, requirements: Requirements, *, optional: bool, check: Requirements) -> AccessToken | None: ...


def install_guard(
    protector: object,
    authorize: Authorize,
    target: Flask | Blueprint,
    requirements: Requirements,
    *,
    optional: bool,
    exempt: str | Iterable[str],
    g_name: str | None,
    on_refused: OnRefused | None,
) -> None:
    """Have `protector` check, by `authorize`, every request to `target` before its view, and before its error pages."""
    if g_name is not None and (not isinstance(g_name, str) or not g_name.isidentifier()):
        raise ValueError(f"g_name is {g_name!r}: write the name of an attribute of flask.g, such as 'auth_token'.")
    if not isinstance(optional, bool):
        raise ValueError(f"optional is {optional!r}: write True or False.")
    if on_refused is not None and (not callable(on_refused) or inspect.iscoroutinefunction(on_refused)):
        raise ValueError(f"on_refused is {on_refused!r}: pass a plain function that takes the refusal.")
    protection = Protection(requirements, optional, _exempt_names(exempt), protector)

    def guard() -> Any:
        token = None
        try:
            if not _passes(protection):
                token = authorize(_with_decorators(requirements, protector), optional=optional, check=requirements)
        except HTTPException as refusal:
            answer = on_refused(refusal) if on_refused else None
            if answer is None:
                raise
            response = current_app.make_response(answer)
            if response.status_code < 400:  # a body alone: it must not turn the refusal into a success
                response.status_code = refusal.code or 401
            return response
        finally:
            if g_name is not None:
                setattr(g, g_name, token)
        return None

    set_protection(guard, protection)
    target.before_request(guard)


def _exempt_names(exempt: str | Iterable[str]) -> frozenset[str]:
    names = [exempt] if isinstance(exempt, str) else list(exempt)
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"exempt holds {name!r}: write endpoint names, or rules that start with '/'.")
    return frozenset(names)


def _passes(protection: Protection) -> bool:
    """Whether this request is none of the guard's business."""
    rule = request.url_rule.rule if request.url_rule else None
    if protection.exempts(request.endpoint, rule) or is_exempt(current_app.view_functions.get(request.endpoint or "")):
        return True
    # A browser asks for leave without credentials before it sends a request across origins (Fetch standard,
    # section 3.2.2). Any other OPTIONS is a request like others.
    return (
        request.method == "OPTIONS"
        and "Origin" in request.headers
        and ("Access-Control-Request-Method" in request.headers)
    )


def _with_decorators(requirements: Requirements, protector: object) -> Requirements:
    """What the whole route needs: the guard's demands and those of the view, for the challenge to name."""
    decorators = protection_of(current_app.view_functions.get(request.endpoint or ""))
    return requirements.joined(decorators.as_seen_by(protector)) if decorators else requirements
