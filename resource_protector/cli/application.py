"""What `--app module:name` names: a Flask or FastAPI application, its factory, a protector, or a validator."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from flask import Flask

from resource_protector.access_token_validator import AccessTokenValidator
from resource_protector.cli.bad_input import BadInput
from resource_protector.flask import ResourceProtector
from resource_protector.flask.protection import protection_of
from resource_protector.protector import Protector

__all__ = ["application", "is_fastapi", "loaded", "validator_of"]


def loaded(named: str) -> Any:
    """The object called `module:name`; a factory is called without arguments.

    The current folder is looked into first, as `flask --app` does. Raises BadInput, in one line.
    """
    module_name, colon, name = named.partition(":")
    if not colon or not module_name or not name:
        raise BadInput(f"--app {named}: write it as module:name, such as orders:app or orders:create_app.")
    folder = os.getcwd()  # noqa: PTH109 - sys.path holds strings
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        found: Any = import_module(module_name)
        for part in name.removesuffix("()").split("."):
            found = getattr(found, part)
        return found() if _is_factory(found) else found
    except (Exception, SystemExit) as error:
        raise BadInput(f"--app {named}: {type(error).__name__}: {_one_line(error)}.") from error


def application(named: str) -> Any:
    """The Flask or FastAPI application that `--app` names. Raises BadInput for anything else."""
    found = loaded(named)
    if not isinstance(found, Flask) and not is_fastapi(found):
        raise BadInput(
            f"--app {named} is of the type {type(found).__name__}: name a Flask or FastAPI application or its factory."
        )
    return found


def is_fastapi(found: object) -> bool:
    """Whether it is a FastAPI application: nothing is where FastAPI, which is an extra, was never imported."""
    fastapi = sys.modules.get("fastapi")
    return fastapi is not None and isinstance(found, fastapi.FastAPI)


def validator_of(named: str) -> AccessTokenValidator:
    """The one validator behind what `--app` names. Raises BadInput where there is none, or more than one."""
    found = loaded(named)
    if isinstance(found, AccessTokenValidator):
        return found
    try:
        if isinstance(found, Flask):
            with found.app_context():
                return _only_one(_protectors(found), named)
        if is_fastapi(found):
            from resource_protector.fastapi.protection import protectors

            return _only_one(protectors(found), named)
        validator = getattr(found, "validator", None)
    except RuntimeError as error:
        raise BadInput(f"--app {named}: {_one_line(error)} Or name the application itself.") from error
    if isinstance(validator, AccessTokenValidator):
        return validator
    raise BadInput(
        f"--app {named} is of the type {type(found).__name__}: name an application, its factory, a protector or a validator."
    )


def _only_one(protectors: Iterable[Protector], named: str) -> AccessTokenValidator:
    validators = {id(validator): validator for validator in (protector.validator for protector in set(protectors))}
    if not validators:
        raise BadInput(
            f"--app {named}: no protector of this package is in use there: name the protector or the validator."
        )
    if len(validators) > 1:
        listed = ", ".join(sorted(repr(validator) for validator in validators.values()))
        raise BadInput(
            f"--app {named} uses several validators ({listed}): name the protector or the validator that you mean."
        )
    return next(iter(validators.values()))


def _protectors(app: Flask) -> Iterator[ResourceProtector]:
    """The protectors with a validator made for this application, and those of its views and guards."""
    yield from app.extensions.get("resource_protector", {})
    for view in app.view_functions.values():
        view_class = getattr(view, "view_class", None)
        yield from _behind(view)
        for method in getattr(view_class, "methods", None) or ():
            yield from _behind(getattr(view_class, method.lower(), None))
    for hooks in app.before_request_funcs.values():
        for hook in hooks:
            yield from _behind(hook)


def _behind(function: Any) -> Iterator[ResourceProtector]:
    """The protectors of a decorated view or a guard, the inner decorators' too."""
    while function is not None:
        protection = protection_of(function)
        if protection is not None and isinstance(protection.protector, ResourceProtector):
            yield protection.protector
        function = getattr(function, "__wrapped__", None)


def _is_factory(found: Any) -> bool:
    is_finished = isinstance(found, Flask | AccessTokenValidator | Protector) or is_fastapi(found)
    return callable(found) and not is_finished and not hasattr(found, "validator")


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return "".join(character if character.isprintable() else "?" for character in text).rstrip(".")
