"""What protects a view: a mark on its function, read by guards and by whoever lists the routes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask
from werkzeug.routing import Rule

from resource_protector.scopes import Requirements

__all__ = ["Protection", "exempt", "is_exempt", "protection_of", "set_protection", "unprotected"]

_PROTECTION = "_resource_protector_protection"
_EXEMPT = "_resource_protector_exempt"

Marked = TypeVar("Marked", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Protection:
    """One decorator's or guard's demands, and whose; `exempt` names what a guard lets through."""

    requirements: Requirements
    optional: bool
    exempt: frozenset[str] = frozenset()
    protector: object = field(default=None, compare=False)

    def as_seen_by(self, protector: object) -> Requirements:
        """What is demanded, for another's challenge to name: only its own protector can ask the realm for it."""
        return self.requirements if self.protector is protector else replace(self.requirements, introspect=False)

    def exempts(self, endpoint: str | None, rule: str | None) -> bool:
        """Whether the guard lets this endpoint, or this exact rule, through: never a prefix of one."""
        return endpoint in self.exempt or rule in self.exempt


def set_protection(function: Callable[..., Any], protection: Protection) -> None:
    """Put the mark on a view or a hook."""
    setattr(function, _PROTECTION, protection)


def protection_of(function: Callable[..., Any] | None) -> Protection | None:
    """What the decorators of a view, or a `before_request` hook, demand."""
    found: Protection | None = getattr(function, _PROTECTION, None)
    return found


def exempt(view: Marked) -> Marked:
    """Mark a view as open on purpose: guards let it through, and `unprotected` does not list it."""
    setattr(view, _EXEMPT, True)
    return view


def is_exempt(view: Callable[..., Any] | None) -> bool:
    """Whether somebody marked the view, or the class of a class-based one, as open."""
    view_class = getattr(view, "view_class", None)
    # Of the class itself: a subclass of an open view was not opened by anybody.
    return getattr(view, _EXEMPT, False) or (view_class is not None and _EXEMPT in vars(view_class))


def unprotected(app: Flask) -> list[Rule]:
    """The routes of `app` that no decorator and no guard protects and nobody marked as exempt."""
    return [rule for rule in app.url_map.iter_rules() if not _is_covered(app, rule)]


def _is_covered(app: Flask, rule: Rule) -> bool:
    view = app.view_functions.get(rule.endpoint)
    if is_exempt(view) or _has_decorator(view) or _serves_no_file(app, rule.endpoint):
        return True
    return any(not guard.optional or guard.exempts(rule.endpoint, rule.rule) for guard in _guards(app, rule.endpoint))


def _serves_no_file(app: Flask, endpoint: str) -> bool:
    """Whether this is Flask's own route for static files, which every application has, and there is no such folder."""
    owner_name, _, name = endpoint.rpartition(".")
    owner = app.blueprints.get(owner_name) if owner_name else app
    if name != "static" or owner is None or owner.static_folder is None:
        return False
    return not Path(owner.static_folder).is_dir()


def _has_decorator(view: Callable[..., Any] | None) -> bool:
    """Whether the view, or every method of a class-based view, carries the mark of a decorator."""
    view_class = getattr(view, "view_class", None)
    if view_class is None or protection_of(view):
        return protection_of(view) is not None
    methods = getattr(view_class, "methods", None) or ()
    functions = [getattr(view_class, method.lower(), None) for method in methods]
    return bool(functions) and all(protection_of(function) for function in functions)


def _guards(app: Flask, endpoint: str) -> Iterator[Protection]:
    """The guards that run before a view: the application's, and those of each blueprint that the endpoint is in."""
    blueprint, names = endpoint.rpartition(".")[0], [None]
    while blueprint:
        names.append(blueprint)  # type: ignore[arg-type]  # None is Flask's name for the application itself
        blueprint = blueprint.rpartition(".")[0]
    for name in names:
        for hook in app.before_request_funcs.get(name, ()):
            protection = protection_of(hook)
            if protection:
                yield protection
