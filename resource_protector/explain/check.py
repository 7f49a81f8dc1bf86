"""One check of a token: what was expected, what was found, and a mark."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from resource_protector.errors import Finding

__all__ = ["Check", "Mark", "failed", "passed", "skipped"]


class Mark(StrEnum):
    """How a check ended."""

    OK = "ok"
    PROBLEM = "problem"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class Check:
    """A check with its outcome. `note` says what the two values do not; `findings` are the problems, if any."""

    name: str
    mark: Mark
    expected: object = None
    actual: object = None
    note: str | None = None
    findings: tuple[Finding, ...] = ()


def passed(name: str, expected: object = None, actual: object = None, *, note: str | None = None) -> Check:
    """A check that the token passes."""
    return Check(name, Mark.OK, expected, actual, note)


def failed(name: str, *findings: Finding, note: str | None = None) -> Check:
    """A check that the token does not pass."""
    return Check(name, Mark.PROBLEM, findings[0].expected, findings[0].actual, note, findings)


def skipped(name: str, why: str, *findings: Finding) -> Check:
    """A check that could not be made, so that nobody can say that the token would be accepted."""
    return Check(name, Mark.NOT_CHECKED, note=why, findings=findings)
