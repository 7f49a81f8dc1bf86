"""What is accepted: a frozen dataclass that validates itself."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from .algorithms import ALGORITHMS
from .realm import check_issuer

__all__ = ["AT_JWT", "Policy", "check_seconds"]

#: The header type of RFC 9068 section 2.1; tokens spell it in any case, with or without "application/".
AT_JWT = "at+jwt"

_NEVER_FOR_APIS = {
    "id": "an ID token is for the client, not for an API",
    "refresh": "a refresh token is for the realm, not for an API",
    "offline": "an offline token is for the realm, not for an API",
    "logout": "a logout token is for the client, not for an API",
    "dpop": "a token that is bound to a key needs its proof, which nobody checks here",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """Which tokens of one issuer are accepted.

    - `issuer`: exactly the `iss` of the tokens.
    - `audience`: one of these must be in `aud`; None leaves `aud` unchecked.
    - `algorithms`: names of RFC 7518 and RFC 9864, asymmetric ones only.
    - `token_types`: what a token may say it is, in claim `typ` or header `typ`; "at+jwt" in every spelling.
    - `required_claims`: names beyond `iss`, `exp` and `aud`.
    - `leeway_seconds`: how far the clocks may differ, on `exp`, `nbf` and `iat` alike.

    Strings are taken as one name. Raises ValueError for what could never work.
    """

    issuer: str
    audience: frozenset[str] | None
    algorithms: frozenset[str] = frozenset(ALGORITHMS)
    token_types: tuple[str, ...] = ("Bearer", "at+jwt")
    required_claims: tuple[str, ...] = ("iat", "sub")
    leeway_seconds: float = 30.0
    allow_insecure_http: bool = False

    @classmethod
    def of(cls, issuer: str, audience: str | Collection[str] | None, **options: Any) -> Policy:
        """A policy from what people write: one string where one name is meant, any collection for several."""
        return cls(issuer, audience, **options)  # type: ignore[arg-type]  # __post_init__ reads all of these

    def __post_init__(self) -> None:
        if not isinstance(self.allow_insecure_http, bool):
            raise ValueError(f"allow_insecure_http is {self.allow_insecure_http!r}: write True or False.")
        check_issuer(self.issuer, allow_insecure_http=self.allow_insecure_http)
        if self.audience is not None:
            self._set("audience", frozenset(_names(self.audience, "audience", "name what the API is called in 'aud'")))
        self._set("algorithms", frozenset(_names(self.algorithms, "algorithms", f"name some of {_listed(ALGORITHMS)}")))
        self._set("token_types", _names(self.token_types, "token_types", "write ('Bearer', 'at+jwt')"))
        self._set("required_claims", _names(self.required_claims, "required_claims", "", may_be_empty=True))
        check_seconds(self.leeway_seconds, "leeway_seconds")
        unknown = self.algorithms - ALGORITHMS.keys()
        if unknown:
            raise ValueError(
                f"algorithms holds {_listed(unknown)}, which cannot be checked with a realm's public keys: "
                f"name some of {_listed(ALGORITHMS)}."
            )
        for name in self.token_types:
            if name.lower() in _NEVER_FOR_APIS:
                raise ValueError(f"token_types holds {name!r}, but {_NEVER_FOR_APIS[name.lower()]}: leave it out.")
            if name != AT_JWT and name.lower().removeprefix("application/") == AT_JWT:
                raise ValueError(f"token_types holds {name!r}: write {AT_JWT!r}, which means every spelling of it.")

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def check_seconds(value: float, name: str, *, minimum: float = 0.0, or_more: bool = True) -> float:
    """`value`, if it is a number of seconds. Raises ValueError, also for NaN, infinity and booleans."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or value < minimum or (value == minimum and not or_more):
        bound = f"of at least {minimum:g}" if or_more else f"greater than {minimum:g}"
        raise ValueError(f"{name} is {value!r}: write a number of seconds {bound}.")
    return value


def _names(value: object, name: str, advice: str, *, may_be_empty: bool = False) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Collection) else None
    if names is None or isinstance(value, bytes) or not all(isinstance(item, str) for item in names):
        raise ValueError(f"{name} is {value!r}: write a string or a list of strings.")
    if not names and not may_be_empty:
        raise ValueError(f"{name} is empty, so no token would ever be accepted: {advice}.")
    for item in names:
        if not item.strip():
            raise ValueError(f"{name} holds a blank string: leave it out{' or ' + advice if advice else ''}.")
    return names


def _listed(names: Collection[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))
