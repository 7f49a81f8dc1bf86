"""The routes of a Flask application, read from its URL map and from the marks on its views."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask
from werkzeug.routing import Rule

from resource_protector.cli.in_words import in_words
from resource_protector.explain.routes import Route
from resource_protector.flask.protection import Protection, is_exempt, protection_of, unprotected

__all__ = ["routes_of"]

_NOT_TOLD_APART = {"HEAD", "OPTIONS"}


def routes_of(app: Flask) -> list[Route]:
    """Every route, in the order of their rules; covered is what `require_auth.unprotected(app)` does not list."""
    bare = {id(rule) for rule in unprotected(app)}
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint, sorted(rule.methods or ())))
    return [
        Route(rule.rule, _methods(rule), rule.endpoint, _protection(app, rule), is_covered=id(rule) not in bare)
        for rule in rules
    ]


def _methods(rule: Rule) -> tuple[str, ...]:
    methods = rule.methods or set()
    return tuple(sorted(methods - _NOT_TOLD_APART or methods))


def _protection(app: Flask, rule: Rule) -> str:
    said = [*_guards(app, rule), *_decorators(app, rule)]
    if is_exempt(app.view_functions.get(rule.endpoint)):
        # Guards let a marked view through; a decorator on it still demands a token.
        said = ["exempt (marked)", *_decorators(app, rule)]
    return "; ".join(said) or "nothing"


def _guards(app: Flask, rule: Rule) -> Iterator[str]:
    parts = rule.endpoint.split(".")[:-1]
    blueprints = [".".join(parts[: length + 1]) for length in range(len(parts))]
    for name in (None, *blueprints):
        of_whom = "" if name is None else f" of {name}"
        for hook in app.before_request_funcs.get(name, ()):  # None is the application itself
            guard = protection_of(hook)
            if guard is None:
                continue
            if guard.exempts(rule.endpoint, rule.rule):
                yield f"exempt from the guard{of_whom}"
            else:
                yield f"guard{of_whom}: {_demands(guard)}"


def _decorators(app: Flask, rule: Rule) -> Iterator[str]:
    view = app.view_functions.get(rule.endpoint)
    protection = protection_of(view)
    if protection is not None:
        yield _demands(protection)
        return
    view_class = getattr(view, "view_class", None)
    for method in sorted(getattr(view_class, "methods", None) or ()):
        protection = protection_of(getattr(view_class, method.lower(), None))
        if protection is not None:
            yield f"{method}: {_demands(protection)}"


def _demands(protection: Protection) -> str:
    return in_words(protection.requirements, optional=protection.optional)
