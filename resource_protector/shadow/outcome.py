"""What one side came to when it was asked about a token: accepted, refused, not to be asked, or failed."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from resource_protector.errors import TokenRejected

__all__ = ["Outcome", "Verdict", "ask", "ask_async", "is_refusal", "verdict_of_error"]

_REFUSALS = (400, 401, 403)
_BUSY = (408, 429)
_STATUS_NAMES = ("status_code", "code", "response_code")  # of ours, of Werkzeug's and urllib's, of python-keycloak's


class Verdict(StrEnum):
    """What an outcome says about the token."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a call returned or raised, what that says about the token, and how long it took."""

    verdict: Verdict
    seconds: float
    answer: Any = None
    error: Exception | None = None

    def result(self) -> Any:
        """What the call returned; raises what it raised."""
        if self.error is not None:
            raise self.error
        return self.answer


Refusals = tuple[type[Exception], ...]
Clock = Callable[[], float]


def ask(call: Callable[[], Any], clock: Clock, refusals: Refusals = ()) -> Outcome:
    """Make the call; an exception is an outcome like others."""
    started, handled = clock(), sys.exception()
    try:
        answer = call()
    except Exception as error:  # noqa: BLE001 - whatever a caller's check raises
        return Outcome(verdict_of_error(error, handled, refusals), clock() - started, error=error)
    return _answered(answer, clock() - started)


async def ask_async(call: Callable[[], Awaitable[Any]], clock: Clock, refusals: Refusals = ()) -> Outcome:
    """As `ask`, for a call that is awaited."""
    started, handled = clock(), sys.exception()
    try:
        answer = await call()
    except Exception as error:  # noqa: BLE001 - whatever a caller's check raises
        return Outcome(verdict_of_error(error, handled, refusals), clock() - started, error=error)
    return _answered(answer, clock() - started)


def is_refusal(answer: object) -> bool:
    """Whether an answer says no: nothing at all, or a document (RFC 7662 section 2.2) that is not active."""
    return not answer or (isinstance(answer, Mapping) and "active" in answer and answer["active"] is not True)


def _answered(answer: object, seconds: float) -> Outcome:
    try:
        verdict = Verdict.REFUSED if is_refusal(answer) else Verdict.ACCEPTED
    except Exception:  # noqa: BLE001 - an object of the caller's that cannot be asked whether it is true
        verdict = Verdict.FAILED
    return Outcome(verdict, seconds, answer)


def verdict_of_error(error: Exception, handled: BaseException | None, refusals: Refusals) -> Verdict:
    """What an exception says about the token; `handled` is the one that was being handled before the call."""
    if isinstance(error, TokenRejected):
        return Verdict.REFUSED
    chain = list(_chain(error, handled))
    # First, and in the whole chain: many a hand-written check answers 401 whatever went wrong.
    if any(_could_not_be_asked(each) for each in chain):
        return Verdict.UNAVAILABLE
    if isinstance(error, refusals) or any(_status(each) in _REFUSALS for each in chain):
        return Verdict.REFUSED
    return Verdict.FAILED


def _chain(error: BaseException | None, handled: BaseException | None) -> Iterator[BaseException]:
    """An exception and what led to it, as a traceback shows it, up to what was `handled` before the call."""
    seen: set[int] = set()
    while error is not None and error is not handled and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _could_not_be_asked(error: BaseException) -> bool:
    """No answer, or one that is not about the token. OSError holds TimeoutError and all that requests raises."""
    status = _status(error)
    return isinstance(error, OSError) if status is None else status >= 500 or status in _BUSY


def _status(error: BaseException) -> int | None:
    """The HTTP status that an exception tells of, by whatever name, or that of the response that it carries."""
    named = [getattr(error, name, None) for name in _STATUS_NAMES]
    named.append(getattr(getattr(error, "response", None), "status_code", None))
    return next((value for value in named if type(value) is int), None)
