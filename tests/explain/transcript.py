"""A token as a real Keycloak issued it, with the keys and the moment that it was explained with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from resource_protector import RealmTokenValidator
from resource_protector.explain import Explanation, Yardstick, explain
from resource_protector.explain.layout import as_text
from resource_protector.scopes import Requirements

FOLDER = Path(__file__).parent / "transcripts"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


@dataclass(frozen=True)
class Transcript:
    """One refused token. `cure` is what the first line of the advice has to name; `now` is the injected clock."""

    name: str
    keycloak: str
    token: str
    issuer: str
    audience: str
    certs: Mapping[str, Any]
    now: float
    reason: str
    cure: str
    scope: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, name: str) -> Self:
        """The recorded one of that name."""
        return cls(**json.loads((FOLDER / f"{name}.json").read_text()))

    @property
    def text(self) -> str:
        """What was printed when it was recorded."""
        return (FOLDER / f"{self.name}.txt").read_text()

    def save(self) -> None:
        """Keep it, with what is printed now."""
        (FOLDER / f"{self.name}.json").write_text(json.dumps(asdict(self), indent=1) + "\n")
        (FOLDER / f"{self.name}.txt").write_text(as_text(self.explain()) + "\n")

    def validator(self) -> RealmTokenValidator:
        """A validator with the recorded keys and clock, which asks nobody."""
        return RealmTokenValidator(
            self.issuer, audience=self.audience, fetch=lambda _: self.certs, now=lambda: self.now, **self.options
        )

    def explain(self) -> Explanation:
        """What is said of the token."""
        return explain(self.token, Yardstick.of(self.validator(), Requirements.of(self.scope)))


def first_line_of_advice(text: str) -> str:
    """The first line below 'What to do'."""
    return text.partition("What to do\n")[2].splitlines()[0]
