"""An application's routes, and what protects each one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .printable import printable

__all__ = ["Route", "as_document", "as_text"]

_MARKS = {True: "ok", False: "NO"}


@dataclass(frozen=True, slots=True)
class Route:
    """One route: its rule, its methods, what protects it in words, and whether that is enough or meant to be so."""

    rule: str
    methods: tuple[str, ...]
    endpoint: str
    protection: str
    is_covered: bool


def as_text(routes: Sequence[Route]) -> str:
    """A table with a mark for each route, and one line about those that nothing protects."""
    rows = [("", "route", "methods", "protected by", "endpoint")]
    rows += [
        (_MARKS[route.is_covered], route.rule, " ".join(route.methods), route.protection, route.endpoint)
        for route in routes
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(printable(line) for line in (*lines, "", _verdict(routes)))


def as_document(routes: Sequence[Route]) -> list[dict[str, Any]]:
    """The routes as a JSON document, for programs."""
    return [asdict(route) for route in routes]


def _verdict(routes: Sequence[Route]) -> str:
    open_ones = [route for route in routes if not route.is_covered]
    if not open_ones:
        return f"{len(routes)} routes, and each is protected, or open on purpose."
    return (
        f"{len(open_ones)} of {len(routes)} routes are protected by nothing. Flask: put @require_auth(...) directly above "
        "the function, below @app.route (above it, it protects nothing). FastAPI: add Depends(require_auth(...)). Or guard "
        "the application; what is open on purpose is marked by @require_auth.exempt."
    )
