"""What the protectors of all frameworks share: which validator serves, and whether it can do what routes demand."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Unpack

from .access_token_validator import AccessTokenValidator
from .options import ValidatorOptions, refuse_unknown
from .scopes import Requirements
from .validator import RealmTokenValidator

__all__ = ["NOT_GIVEN", "Protector"]

#: In the place of an argument that has no default.
NOT_GIVEN: Any = object()


class Protector:
    """Has a validator, from the beginning or later, and remembers what routes demand of it.

    `Protector(issuer, audience=...)` takes every keyword of `RealmTokenValidator`; `Protector(validator)`
    takes a finished one. Without either, give it one later by `register_token_validator`.
    """

    def __init__(
        self,
        issuer_or_validator: str | AccessTokenValidator | None = None,
        *,
        audience: str | Iterable[str] | None = NOT_GIVEN,
        **options: Unpack[ValidatorOptions],
    ) -> None:
        refuse_unknown(options)
        self._validator: AccessTokenValidator | None = None
        self._replacements: list[Callable[[AccessTokenValidator | None], AccessTokenValidator]] = []
        self._introspected_issuers: set[str | None] = set()  # of routes with introspect=True; None is any issuer
        self._of_applications: weakref.WeakSet[AccessTokenValidator] = weakref.WeakSet()
        self._defaults: dict[str, Any] = dict(options)
        if audience is not NOT_GIVEN:
            self._defaults["audience"] = audience
        if isinstance(issuer_or_validator, str):
            if audience is NOT_GIVEN:
                raise TypeError(
                    "audience is missing: write audience='...', what this API is called in the tokens' 'aud', or "
                    "audience=None to accept every access token of the realm."
                )
            self._validator = RealmTokenValidator(issuer_or_validator, **self._defaults)
        elif issuer_or_validator is not None:
            if self._defaults:
                raise TypeError(f"{', '.join(self._defaults)}: give these to the validator, it is made already.")
            self.register_token_validator(issuer_or_validator)

    # Which validator serves

    def register_token_validator(self, validator: AccessTokenValidator) -> None:
        """Have `validator` check the tokens. Raises ValueError where there is one already."""
        if not isinstance(validator, AccessTokenValidator):
            raise ValueError(f"{validator!r} is not a validator: pass a RealmTokenValidator or a MultiRealmValidator.")
        _refuse_overrides(validator)
        if self._validator is not None:
            raise ValueError(
                f"This protector already has {self._validator!r}: make another ResourceProtector for another validator."
            )
        if self._defaults:
            raise ValueError(f"{', '.join(self._defaults)}: give these to the validator, they are for init_app only.")
        self._check_introspection(validator)
        self._validator = validator

    @property
    def validator(self) -> AccessTokenValidator:
        """What checks the tokens of the current application. Raises RuntimeError where nothing does."""
        validator = self._of_current_application() or self._validator
        if self._replacements:
            return self._replacements[-1](validator)
        if validator is None:
            raise RuntimeError(self._advice_without_validator)
        return validator

    def status(self) -> Mapping[str, Any]:
        """The state of the keys, for a health endpoint: every value is JSON."""
        return self.validator.status()

    _advice_without_validator = (
        "This ResourceProtector has no validator: call require_auth.register_token_validator(RealmTokenValidator(...))."
    )

    def _of_current_application(self) -> AccessTokenValidator | None:
        """For frameworks whose applications bring validators of their own."""
        return None

    def _keep_for_application(self, validator: AccessTokenValidator) -> None:
        """Check a validator that one application has to itself. Raises ValueError."""
        self._check_introspection(validator)
        self._of_applications.add(validator)

    @contextmanager
    def replaced_by(self, make: Callable[[AccessTokenValidator | None], AccessTokenValidator]) -> Iterator[None]:
        """For tests: within the block, `make(original)` serves instead of whatever validator would have served.

        It is called once per original, which is None where there is none.
        """
        replace = functools.cache(make)
        self._replacements.append(replace)
        try:
            yield
        finally:
            self._replacements.remove(replace)

    def _demand(self, requirements: Requirements) -> Requirements:
        """What a route requires, if every validator that there is already can check it. Raises ValueError."""
        if requirements.introspect:
            self._introspected_issuers.add(requirements.issuer)
            for validator in (self._validator, *self._of_applications):
                if validator is not None:
                    validator.check_introspection(requirements.issuer)
        return requirements

    def _check_introspection(self, validator: AccessTokenValidator) -> None:
        """For a validator that comes after routes that demand introspection. Raises ValueError."""
        for issuer in self._introspected_issuers:
            validator.check_introspection(issuer)


def _refuse_overrides(validator: AccessTokenValidator) -> None:
    """Raises ValueError for a subclass whose own rules, written for Authlib's protector, nobody would ask."""
    for name in ("validate_request", "authenticate_token", "validate_token"):
        if getattr(type(validator), name) is not getattr(AccessTokenValidator, name):
            raise ValueError(
                f"{type(validator).__name__}.{name} is called by Authlib's own ResourceProtector only, so here it would "
                "check nothing: override verify(token_string, *, introspect=False), or write require_auth(scopes, roles=..., claims=...)."
            )
