"""One token for all threads and tasks, fetched when there is a reason to."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from resource_protector.after_fork import renew_after_fork
from resource_protector.keys.backoff import Backoff
from resource_protector.outage_log import OutageLog

from .failure import TokenRequestFailed
from .fetch import Fetch
from .held_token import HeldToken
from .issued_token import IssuedToken

__all__ = ["TokenSource"]

logger = logging.getLogger("resource_protector.client")

_RETRY_SECONDS = 1.0
# Credentials that were refused are refused again, until somebody changes them.
_CREDENTIALS_REFUSED_SECONDS = 30.0
_CREDENTIALS_REFUSED = frozenset({"invalid_client", "unauthorized_client"})
# An API that refuses every token must not have the realm asked at every call.
_MOST_RENEWALS = 5
_RENEWAL_SECONDS = 10.0


class TokenSource:
    """The token at hand, its age, and the requests that replace it.

    `request` asks the realm and raises TokenRequestFailed where there is no token. It runs in a short-lived
    thread of its own, one at a time; reading the token takes no lock. `name` stands in the log's lines.
    """

    def __init__(
        self,
        request: Callable[[], IssuedToken],
        *,
        name: str,
        early_seconds: float,
        timeout_seconds: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._request = request
        self._early_seconds = early_seconds
        self._timeout_seconds = timeout_seconds
        self._monotonic = monotonic
        self._held: HeldToken | None = None  # the lock guards it and all below; it is also read without
        self._fetch: Fetch | None = None
        self._failure = TokenRequestFailed("The realm was not asked yet.")
        self._backoff = Backoff(_RETRY_SECONDS)
        self._renewable_at = float("-inf")
        self._renewals: deque[float] = deque(maxlen=_MOST_RENEWALS)  # when they began
        self._log = OutageLog(logger, f"A token {name}", done="fetched", again="is fetched again")
        self.renew_after_fork()
        renew_after_fork(self)

    def renew_after_fork(self) -> None:
        """A forked child has the token and none of the threads; nobody there holds the lock."""
        self._lock = threading.Lock()
        self._fetch = None

    def token(self) -> HeldToken:
        """The token to send now; waits where there is none at hand. Raises TokenRequestFailed."""
        found = self._at_hand() or self._wanted()
        if isinstance(found, HeldToken):
            return found
        return self._fetched(found, found.wait(found.deadline - self._monotonic()))

    async def token_async(self) -> HeldToken:
        """As `token`, without blocking the event loop."""
        found = self._at_hand() or self._wanted()
        if isinstance(found, HeldToken):
            return found
        return self._fetched(found, await found.wait_async(found.deadline - self._monotonic()))

    def instead_of(self, refused: HeldToken) -> HeldToken | None:
        """A token that is newer than the one that an API has refused; None where the realm gives none now."""
        found = self._renewed(refused)
        if not isinstance(found, Fetch):
            return found
        result = found.wait(found.deadline - self._monotonic())
        return result if isinstance(result, HeldToken) else None

    async def instead_of_async(self, refused: HeldToken) -> HeldToken | None:
        """As `instead_of`, without blocking the event loop."""
        found = self._renewed(refused)
        if not isinstance(found, Fetch):
            return found
        result = await found.wait_async(found.deadline - self._monotonic())
        return result if isinstance(result, HeldToken) else None

    def accepted(self) -> None:
        """The API took the token that `instead_of` gave: the next one that it refuses may be replaced at once."""
        # But not without end: of an API some server may refuse what the others take.
        with self._lock:
            now = self._monotonic()
            many = len(self._renewals) == _MOST_RENEWALS and self._renewals[0] > now - _RENEWAL_SECONDS
            self._renewable_at = self._renewals[0] + _RENEWAL_SECONDS if many else float("-inf")

    def _at_hand(self) -> HeldToken | None:
        held = self._held
        return held if held is not None and self._monotonic() < held.refresh_at else None

    def _wanted(self) -> HeldToken | Fetch:
        """The token, or the fetch to wait for; notices the age and starts the refresh. Raises TokenRequestFailed."""
        with self._locked() as now:
            held = self._held
            if held is not None and now < held.refresh_at:
                return held
            if self._fetch is None and not self._backoff.is_waiting(now):
                self._start(now)
            if held is not None and now < held.serves_until:
                return held
            if self._fetch is None:
                raise self._failure.again(max(0.0, self._backoff.next_attempt_at - now))
            return self._fetch

    def _renewed(self, refused: HeldToken) -> HeldToken | Fetch | None:
        with self._locked() as now:
            if self._held is not refused and self._held is not None and now < self._held.serves_until:
                return self._held
            if self._fetch is None:
                if now < self._renewable_at or self._backoff.is_waiting(now):
                    return None
                self._renewable_at = now + _RENEWAL_SECONDS
                self._renewals.append(now)
                self._start(now)
            return self._fetch

    def _fetched(self, fetch: Fetch, result: HeldToken | TokenRequestFailed | None) -> HeldToken:
        """What a caller gets who has waited for `fetch`."""
        if isinstance(result, HeldToken):
            return result
        with self._locked() as now:
            if self._fetch is fetch:
                self._give_up(now, fetch)
            ended = fetch.future.result()
            if isinstance(ended, HeldToken):  # at the last moment
                return ended
            raise ended.again(max(0.0, self._backoff.next_attempt_at - now))

    @contextmanager
    def _locked(self) -> Iterator[float]:
        """The lock, with the clock; a fetch whose time is over is ended first, and log lines are told after."""
        try:
            with self._lock:
                now = self._monotonic()
                if self._fetch is not None and now >= self._fetch.deadline:
                    self._give_up(now, self._fetch)
                yield now
        finally:
            self._log.tell()

    def _start(self, now: float) -> None:
        fetch = self._fetch = Fetch(now, now + self._timeout_seconds)
        try:
            fetch.run(self._run)
        except RuntimeError as error:  # the process is at its limits, or ending
            self._end(now, fetch, _because(error, "There is no thread to fetch a token in."))

    def _run(self, fetch: Fetch) -> None:
        """The work of a fetch's thread."""
        result: HeldToken | TokenRequestFailed
        try:
            result = HeldToken(self._request(), fetch.started_at, self._early_seconds)
        except TokenRequestFailed as failure:
            result = failure
        except Exception as error:  # noqa: BLE001 - what an adapter of the caller's session raises, or its secret's source
            result = _because(
                error, f"The realm could not be asked: {type(error).__name__} before there was an answer."
            )
        with self._locked() as now:
            if self._fetch is fetch:  # one that is over its time was given up
                self._end(now, fetch, result)

    def _give_up(self, now: float, fetch: Fetch) -> None:
        """End a fetch whose time is over: no socket's timeout covers the resolver. The lock is held."""
        waited = f"within timeout_seconds={self._timeout_seconds:g}"
        self._end(
            now, fetch, TokenRequestFailed(f"The realm gave no token {waited}: is it well, and the address right?")
        )

    def _end(self, now: float, fetch: Fetch, result: HeldToken | TokenRequestFailed) -> None:
        """Take in the result of the fetch under way. The lock is held."""
        self._fetch = None
        if isinstance(result, HeldToken):
            if self._backoff.is_failing:
                self._log.recovered(now, self._backoff.failures)
            self._backoff.succeed()
            self._held = result
        else:
            self._failure = result
            self._backoff.fail(now, result)
            if result.error in _CREDENTIALS_REFUSED:
                self._backoff.not_before(now + _CREDENTIALS_REFUSED_SECONDS)
            if result.retry_after_seconds is not None:
                self._backoff.not_before(now + result.retry_after_seconds)
            self._log.failed(now, self._backoff.failures, result)
        fetch.future.set_result(result)


def _because(error: BaseException, advice: str) -> TokenRequestFailed:
    failure = TokenRequestFailed(advice)
    failure.__cause__ = error
    return failure
