"""What the realm is told to say at its introspection endpoint instead of the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from resource_protector.dev.changes import Changes
from resource_protector.dev.http_exchange import HttpAnswer

__all__ = ["IntrospectionLies"]


class IntrospectionLies:
    """The lies in force: claims that are said otherwise, and whole answers; of the latter the newest counts."""

    def __init__(self) -> None:
        self._claims: Changes[Mapping[str, Any]] = Changes()
        self._answers: Changes[HttpAnswer] = Changes()

    @property
    def answer(self) -> HttpAnswer | None:
        """What is answered to everybody, whatever he asks; None if requests are to be looked at."""
        answers = self._answers.in_force
        return answers[-1] if answers else None

    def told(self, honest: Mapping[str, Any]) -> dict[str, Any]:
        """An honest active answer, with the members in it that are lied about."""
        told = dict(honest)
        for claims in self._claims.in_force:
            told.update(claims)
        return {name: value for name, value in told.items() if value is not None}

    def say(self, claims: Mapping[str, Any]) -> AbstractContextManager[object]:
        """Say these claims in every active answer; None for one that is to be left out."""
        return self._claims.begin(dict(claims))

    def say_instead(self, body: object, status_code: int, content_type: str) -> AbstractContextManager[object]:
        """Answer every request with this body: bytes as they are, anything else as JSON."""
        encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._answers.begin(HttpAnswer(status_code, encoded, content_type))

    def end(self) -> None:
        """Tell the truth again."""
        self._claims.undo_all()
        self._answers.undo_all()
