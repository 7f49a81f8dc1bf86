"""Validators that differ in nothing but their leeway."""

from __future__ import annotations

from collections.abc import Callable

from resource_protector.validator import RealmTokenValidator

__all__ = ["Leeways"]

_MOST = 8


class Leeways:
    """`usual`, and the same validator with another leeway where one is asked for; all share its keys.

    `make` builds such a validator for `leeway_seconds=`.
    """

    def __init__(self, make: Callable[..., RealmTokenValidator]) -> None:
        self._make = make
        self.usual = make()
        self._others: dict[float, RealmTokenValidator] = {}

    def validator(self, leeway_seconds: float | None) -> RealmTokenValidator:
        """The validator for this leeway; None is the usual one. Raises ValueError for what is no number of seconds."""
        if leeway_seconds is None or leeway_seconds == self.usual.policy.leeway_seconds:
            return self.usual
        validator = self._others.get(leeway_seconds)
        if validator is None:
            validator = self._make(leeway_seconds=leeway_seconds)
            validator.keys = self.usual.keys
            if len(self._others) >= _MOST:  # whoever computes another one for each token has no use for keeping them
                self._others.clear()
            self._others[leeway_seconds] = validator
        return validator
