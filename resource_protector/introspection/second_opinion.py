"""Second opinions on tokens that passed every check here: asked for once, kept for a little while."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from resource_protector.after_fork import renew_after_fork
from resource_protector.claims import AccessToken
from resource_protector.errors import Finding, KeysUnavailable, Reason, TokenRejected
from resource_protector.outage_log import OutageLog
from resource_protector.policy import Policy
from resource_protector.provider import ProviderFailed

from .answer import judge
from .endpoint import CONNECTIONS, IntrospectionEndpoint
from .verdicts import Verdict, Verdicts

__all__ = ["Question", "SecondOpinion"]

logger = logging.getLogger("resource_protector.introspection")

_ONE_STORY_SECONDS = 60.0
# A question ends at its deadline by itself, and its thread has to get round to saying so.
_MOMENT_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Question:
    """A token whose signature, issuer and expiry are good, and what it is remembered under."""

    key: bytes
    token: str = field(repr=False)
    claims: Mapping[str, Any]
    header_type: str | None


class _Asking:
    """A question on its way."""

    __slots__ = ("deadline", "future", "started_at")

    def __init__(self, started_at: float, deadline: float) -> None:
        self.started_at = started_at
        self.deadline = deadline
        self.future: Future[Verdict | Exception] = Future()


class SecondOpinion:
    """Asks one realm about tokens, and judges its answers by the same policy.

    A verdict is repeated for `seconds`, counted from the question and never beyond the token's `exp`; with 0
    the realm is asked each time. Whoever brings a token that is being asked about waits for that answer. At
    most `CONNECTIONS` questions are under way at once, each with `timeout_seconds`, waiting included. Failures
    are not kept; but while the realm does not answer in time, one question at a time finds out whether it does again,
    and nobody else waits. Safe for any number of threads, and across a fork.
    """

    def __init__(
        self,
        endpoint: IntrospectionEndpoint,
        policy: Policy,
        *,
        seconds: float,
        timeout_seconds: float,
        retry_seconds: float,
        now: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._endpoint = endpoint
        self._policy = policy
        self._seconds = seconds
        self._timeout_seconds = timeout_seconds
        self._retry_seconds = retry_seconds
        self._now = now
        self._monotonic = monotonic
        self._log = OutageLog(
            logger,
            f"The introspection endpoint of {policy.issuer}",
            done="asked",
            again="answers again",
            ration_seconds=_ONE_STORY_SECONDS,
        )
        self._failures = 0
        self.renew_after_fork()
        renew_after_fork(self)

    def renew_after_fork(self) -> None:
        """A forked child has none of the threads, and asks for itself."""
        self._lock = threading.Lock()  # guards everything below, and the log's notes
        self._verdicts = Verdicts()
        self._asking: dict[bytes, _Asking] = {}
        self._under_way = 0
        self._is_stalled = False
        self._threads: ThreadPoolExecutor | None = None

    def of(self, question: Question) -> AccessToken:
        """Today's claims of the token. Raises TokenRejected, or KeysUnavailable where the realm cannot be asked."""
        found = self._repeated_or_asked(question)
        if not isinstance(found, _Asking):
            return self._told(found)
        try:
            return self._told(found.future.result(timeout=self._timeout_seconds + _MOMENT_SECONDS))
        except TimeoutError as error:
            return self._told(error)

    async def of_async(self, question: Question) -> AccessToken:
        """As `of`, without blocking the event loop."""
        found = self._repeated_or_asked(question)
        if not isinstance(found, _Asking):
            return self._told(found)
        import asyncio  # takes longer to import than all of this package, and only event loops need it

        ended, _ = await asyncio.wait(
            {asyncio.wrap_future(found.future)}, timeout=self._timeout_seconds + _MOMENT_SECONDS
        )
        return self._told(found.future.result() if ended else TimeoutError())

    def _repeated_or_asked(self, question: Question) -> Verdict | _Asking | Exception:
        """What is known of the token, or the question that will tell, or why there is none."""
        now = self._monotonic()
        with self._lock:
            verdict = self._verdicts.get(question.key, now, self._now())
            if verdict is not None:
                return verdict
            if self._is_stalled and self._under_way:
                return ProviderFailed("the realm does not answer in time; one question finds out whether it does again")
            asking = self._asking.get(question.key)
            if asking is not None and now < asking.started_at + self._seconds:
                return asking
            asking = self._asking[question.key] = _Asking(now, now + self._timeout_seconds)
            try:
                if self._threads is None:
                    self._threads = ThreadPoolExecutor(CONNECTIONS, "resource_protector-introspection")
                self._threads.submit(self._ask, question, asking)
                self._under_way += 1
            except RuntimeError as error:  # no further thread, or the interpreter is going down
                del self._asking[question.key]
                asking.future.set_result(error)
        return asking

    def _ask(self, question: Question, asking: _Asking) -> None:
        """In a thread of the pool: ask, judge, remember, tell."""
        result: Verdict | Exception
        try:
            left = asking.deadline - self._monotonic()
            if left < self._timeout_seconds / 10:  # too little for an answer, and enough for a question
                raise ProviderFailed("no connection was free in time: others wait for its answers", timed_out=True)
            body = self._endpoint(question.token, left)
            outcome = judge(body, question.claims, self._policy, self._now(), header_type=question.header_type)
            result = Verdict(outcome, asking.started_at + self._seconds, question.claims["exp"], len(body))
        except Exception as error:  # noqa: BLE001 - also what an adapter of the caller's session, or its fetch, raises
            result = error
        now = self._monotonic()
        with self._lock:
            self._under_way -= 1
            self._is_stalled = isinstance(result, ProviderFailed) and result.timed_out
            if self._asking.get(question.key) is asking:
                del self._asking[question.key]
            if isinstance(result, Verdict) and self._seconds > 0:
                self._verdicts.put(question.key, result)
            self._note(now, result)
        self._log.tell()
        asking.future.set_result(result)

    def _note(self, now: float, result: Verdict | Exception) -> None:
        if isinstance(result, Exception):
            self._failures += 1
            self._log.failed(now, self._failures, result)
        elif self._failures:
            self._log.recovered(now, self._failures)
            self._failures = 0

    def _told(self, found: Verdict | Exception) -> AccessToken:
        if isinstance(found, Exception):
            finding = Finding(Reason.INTROSPECTION_UNAVAILABLE)
            raise KeysUnavailable(finding, retry_after_seconds=self._retry_seconds) from found
        if isinstance(found.outcome, Finding):
            raise TokenRejected(found.outcome)
        return found.outcome
