"""What a doctor says of a realm: lines with a level and what to do, and the worst of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any

from .layout import wrapped
from .printable import printable

__all__ = ["Level", "Line", "as_document", "as_text", "worst"]


class Level(IntEnum):
    """How bad it is."""

    OK = 0
    WARNING = 1
    PROBLEM = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at, what was seen, and what to do about it."""

    name: str
    level: Level
    said: str
    cure: str | None = None


def worst(lines: Sequence[Line]) -> Level:
    """The level of the worst line."""
    return max(line.level for line in lines)


def as_text(issuer: str, lines: Sequence[Line]) -> str:
    """The lines for reading, cures indented below them."""
    width = max(len(line.name) for line in lines)
    text = [f"Realm  {issuer}", ""]
    for line in lines:
        head = f"  {line.level.name.lower().ljust(7)}  {line.name.ljust(width)}  "
        indent = " " * len(head)
        text += wrapped(printable(line.said), head, indent)
        if line.cure is not None:
            text += wrapped(printable(line.cure), f"{indent}> ", f"{indent}  ")
    return "\n".join(printable(line) for line in text)


def as_document(issuer: str, lines: Sequence[Line]) -> dict[str, Any]:
    """The lines as a JSON document, for programs."""
    return {
        "issuer": issuer,
        "worst": worst(lines).name.lower(),
        "lines": [{**asdict(line), "level": line.level.name.lower()} for line in lines],
    }
