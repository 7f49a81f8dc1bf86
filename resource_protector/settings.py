"""A validator's configuration, read from a mapping such as `app.config`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .options import ValidatorOptions
from .validator import RealmTokenValidator

__all__ = ["validator_from_mapping"]


def validator_from_mapping(
    mapping: Mapping[str, Any], prefix: str, defaults: Mapping[str, Any] | None = None
) -> RealmTokenValidator:
    """The validator that `mapping` describes: every constructor keyword, upper-cased, behind `prefix`.

    Lists may be written as lists or as JSON, numbers and booleans also as text, since that is what
    an environment variable holds. `defaults` are keywords for what `mapping` does not name. Raises
    ValueError for an unknown, missing or mistyped setting.
    """
    keywords: dict[str, Any] = dict(defaults or {})
    for name, value in mapping.items():
        if name.startswith(prefix):
            keyword = name[len(prefix) :].lower()
            if keyword not in _READERS:
                known = ", ".join(sorted(prefix + known.upper() for known in _READERS))
                raise ValueError(f"{name} is no setting. There are {known}.")
            keywords[keyword] = _READERS[keyword](name, value)
    for keyword, example in (("issuer", "'https://sso.example.com/realms/myorg'"), ("audience", "'orders-api'")):
        if keyword not in keywords:
            raise ValueError(f"{prefix}{keyword.upper()} is missing: set it, for example to {example}.")
    issuer, audience = keywords.pop("issuer"), keywords.pop("audience")
    return RealmTokenValidator(issuer, audience=audience, **keywords)


def _text(name: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ValueError(f"{name} is {value!r}, a {type(value).__name__} where text is meant: write it in quotes.")


def _secret(name: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ValueError(f"{name} is a {type(value).__name__} where text is meant: write it in quotes.")


def _names(name: str, value: Any) -> Any:
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise ValueError(
                f'{name} is {value!r}, which is not a JSON list ({error}): write it as \'["a", "b"]\'.'
            ) from error
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list | tuple | set | frozenset) and all(isinstance(item, str) for item in value):
        return value
    raise ValueError(f"{name} is {value!r}: write text, or a list of texts.")


def _number(name: str, value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        return int(value) if value.strip().lstrip("-").isdigit() else float(value)
    except (AttributeError, ValueError) as error:
        raise ValueError(f"{name} is {value!r}: write a number.") from error


def _flag(name: str, value: Any) -> bool:
    written = {"true": True, "1": True, "false": False, "0": False}.get(str(value).strip().lower())
    if written is None:
        raise ValueError(f"{name} is {value!r}: write true or false.")
    return written


def _object(name: str, value: Any) -> Any:
    return value  # the constructor says what is wrong with it


_Reader = Callable[[str, Any], Any]
_READERS: dict[str, _Reader] = {
    **dict.fromkeys(ValidatorOptions.__annotations__, _number),
    **dict.fromkeys(("issuer", "jwks_uri", "introspection_endpoint", "client_id", "realm"), _text),
    "client_secret": _secret,
    **dict.fromkeys(("audience", "algorithms", "token_types", "required_claims"), _names),
    "allow_insecure_http": _flag,
    **dict.fromkeys(("session", "now", "monotonic", "fetch"), _object),
}
