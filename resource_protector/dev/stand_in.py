"""The validator that stands in for an application's own while its tests use the tokens of a dev realm."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import Protocol

from resource_protector.validator import RealmTokenValidator

__all__ = ["Protector", "audiences_of", "stand_in"]


_ANYBODY = "https://localhost/realms/any"


class Protector(Protocol):
    """What is needed of a protector: `ResourceProtector.replaced_by`."""

    def replaced_by(
        self, make: Callable[[RealmTokenValidator | None], RealmTokenValidator]
    ) -> AbstractContextManager[object]: ...


def stand_in(
    original: RealmTokenValidator | None,
    issuer: str,
    audiences: Collection[str],
    fetch: Callable[[str], object] | None,
) -> RealmTokenValidator:
    """The original's policy for another issuer; where there is no original, a validator for `audiences`."""
    if original is not None:
        return original.with_issuer(issuer, fetch=fetch)
    return RealmTokenValidator(issuer, audience=sorted(audiences), fetch=fetch)


def audiences_of(require_auth: Protector, audience: str | None) -> frozenset[str]:
    """What the application calls itself: as the test says, or as far as it is known outside of a request."""
    if audience is not None:
        return frozenset({audience})
    try:
        validator = require_auth.validator  # type: ignore[attr-defined]  # not every protector has one
    except (AttributeError, RuntimeError):
        return frozenset()
    # Of several realms' validators, the one that a test's realm takes the place of.
    return validator.with_issuer(_ANYBODY).policy.audience or frozenset()
