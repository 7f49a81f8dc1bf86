"""An explanation laid out for reading: what the token says, the checks, the verdict, what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from resource_protector.errors import Finding, Reason

from .check import Check, Mark
from .explanation import Explanation
from .printable import exactly, printable, readable
from .times import TIME_CLAIMS, is_moment, moment

__all__ = ["as_document", "as_text", "wrapped"]

_WIDTH = 100
_MARKS = {Mark.OK: "ok", Mark.PROBLEM: "NO", Mark.NOT_CHECKED: "--"}


def as_text(explanation: Explanation) -> str:
    """Everything in lines of printable characters; what the token's author wrote cannot break out of them."""
    return "\n".join(printable(line) for line in _lines(explanation))


def as_document(explanation: Explanation) -> dict[str, Any]:
    """Everything as a JSON document, for programs."""
    answer, yardstick = explanation.answer, explanation.yardstick
    return {
        "accepted": explanation.accepted,
        "reason": explanation.refusal.reason.value if explanation.refusal else None,
        "status": answer.status_code if answer else None,
        "error_description": answer.description if answer else None,
        "issuers": list(yardstick.issuers),
        "verified": explanation.is_verified,
        "header": explanation.header,
        "claims": explanation.claims,
        "signature": explanation.signature,
        "checks": [_check_document(check) for check in explanation.checks],
        "advice": list(explanation.advice),
        "now": explanation.now,
    }


def wrapped(text: str, first: str, rest: str) -> list[str]:
    """`text` in lines that fit a terminal, without breaking URLs and names."""
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _lines(explanation: Explanation) -> Iterator[str]:
    yield from wrapped(f"Against  {explanation.yardstick}", "", " " * 9)
    if explanation.header:
        yield from ("", "Header")
        yield from _members(explanation.header, explanation.now)
    if explanation.claims:
        yield from ("", "Claims" if explanation.is_verified else "Claims, which nobody has verified")
        yield from _members(explanation.claims, explanation.now)
    if explanation.signature:
        yield from ("", f"Signature  {explanation.signature}")
    yield from ("", "Checks")
    width = max(len(check.name) for check in explanation.checks)
    for check in explanation.checks:
        for said in _said(check):
            head = f"  {_MARKS[check.mark]}  {check.name.ljust(width)}  "
            yield from wrapped(printable(said), head, " " * (len(head) + 2))
    yield ""
    yield from wrapped(_verdict(explanation), "", "  ")
    if explanation.advice:
        yield from ("", "What to do")
        for number, advice in enumerate(explanation.advice, start=1):
            yield from wrapped(printable(advice), f"  {number}. ", " " * 5)


def _members(members: Mapping[str, Any], now: float) -> Iterator[str]:
    width = min(max(map(len, members)), 20)
    for name, value in members.items():
        said = readable(value)
        if name in TIME_CLAIMS and is_moment(value):
            said += f"  {moment(value, now)}"
        yield f"  {readable(name).ljust(width)}  {said}"


def _said(check: Check) -> Iterable[str]:
    """What is to be read beside the mark: one line, or one for each problem."""
    if check.mark is Mark.NOT_CHECKED:
        return (f"not checked: {check.note}",)
    if check.findings:
        return tuple(_problem(finding) for finding in check.findings)
    if check.note is not None:
        return (check.note,)
    if check.expected is None and check.actual is None:
        return ("",)
    return (f"expected {exactly(check.expected)}; found {exactly(check.actual)}",)


def _problem(finding: Finding) -> str:
    expected, actual = finding.expected, finding.actual
    if finding.reason in (Reason.EXPIRED, Reason.NOT_YET_VALID):
        return f"{finding.claim}: expected {expected}; found {actual}"
    about = f"{finding.claim}: " if finding.claim else ""
    return f"{about}expected {exactly(expected)}; found {exactly(actual)}"


def _verdict(explanation: Explanation) -> str:
    if explanation.accepted:
        return "ACCEPTED: the API lets this token in."
    if explanation.answer is None:
        return "UNDECIDED: nothing wrong was found, and not everything was checked."
    answer = explanation.answer
    return f"REFUSED ({answer.reason}): the API answers {answer.status_code} {answer.error}, '{answer.description}'."


def _check_document(check: Check) -> dict[str, Any]:
    return {
        "check": check.name,
        "mark": check.mark.value,
        "expected": _plain(check.expected),
        "actual": _plain(check.actual),
        "note": check.note,
        "problems": [
            {
                "reason": finding.reason.value,
                "claim": finding.claim,
                "expected": _plain(finding.expected),
                "actual": _plain(finding.actual),
            }
            for finding in check.findings
        ],
    }


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, set | frozenset) else value
