"""The tally of shadow mode: counts, a log line per disagreement, and a report per hour."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable

from resource_protector.after_fork import renew_after_fork
from resource_protector.refusal_log import CURES, details

from .difference import Difference
from .outcome import Outcome, Verdict
from .report import ShadowReport

__all__ = ["Tally"]

logger = logging.getLogger("resource_protector.shadow")

_COUNT_EVERY_SECONDS = 60.0

# What a disagreement says about the switch, where it is not a reason of the offline side.
_MEANINGS = {
    "inactive": (
        "Offline nobody knows of logout, revocation, a disabled user, client or session until the token expires; the "
        "provider also refuses where the client that asks is not in the token's 'aud'. introspect=True asks the "
        "provider on the routes that need it"
    ),
    "leeway": "The token expired a moment ago: leeway_seconds is how long it is still accepted",
    "claims": "The provider computes claims anew, the token holds those of its issue: a role or scope was changed since",
    "online_failed": "The online check raised something that says neither 'refused' nor 'not reachable': see refusals=",
    "offline_failed": "The offline check raised something that no validator of this package raises",
}


class Tally:
    """Counts what the two sides said. Safe for any number of threads; a forked child begins its own."""

    def __init__(self, decides: str, report_seconds: float, monotonic: Callable[[], float]) -> None:
        if isinstance(report_seconds, bool) or not isinstance(report_seconds, int | float) or not report_seconds > 0:
            raise ValueError(f"report_seconds is {report_seconds!r}: write a number of seconds, such as 3600.")
        self._decides = decides
        self._report_seconds = report_seconds
        self._monotonic = monotonic
        self.renew_after_fork()
        renew_after_fork(self)

    def renew_after_fork(self) -> None:
        """A forked child gets a lock that nobody holds, and counts its own requests."""
        self._lock = threading.Lock()  # guards everything below
        self._began_at = self._reported_at = self._monotonic()
        self._requests = 0
        self._agreements = 0
        self._disagreements: Counter[str] = Counter()
        self._unavailable: Counter[str] = Counter()
        self._seconds: Counter[str] = Counter()
        self._warned_at: dict[str, float] = {}
        self._since_warned: Counter[str] = Counter()

    def record(self, online: Outcome, offline: Outcome, difference: Difference | None) -> None:
        """Count one request, and log it if the sides disagree."""
        now = self._monotonic()
        warn, due = 0, None
        with self._lock:
            self._requests += 1
            self._seconds["online"] += online.seconds  # type: ignore[assignment]  # a Counter of floats
            self._seconds["offline"] += offline.seconds  # type: ignore[assignment]  # likewise
            silent = [name for name, side in (("online", online), ("offline", offline)) if not _spoke(side)]
            self._unavailable.update(silent)
            if difference is not None:
                self._disagreements[difference.reason] += 1
                warn = self._warnings_due(difference.reason, now)
            elif not silent:
                self._agreements += 1
            if now - self._reported_at >= self._report_seconds:
                self._reported_at = now
                due = self._report(now)
        if difference is not None:
            _log(difference, online, offline, warn)
        if due is not None:
            # A warning although nothing is wrong: an application's default log level hides INFO, and this
            # line is what shadow mode is for.
            logger.warning("Shadow mode: %s", due, extra={"report": due.as_dict()})

    def report(self) -> ShadowReport:
        """The counts so far."""
        now = self._monotonic()
        with self._lock:
            return self._report(now)

    def _report(self, now: float) -> ShadowReport:
        return ShadowReport(
            decides=self._decides,
            requests=self._requests,
            agreements=self._agreements,
            disagreements=self._disagreements,
            unavailable={"online": self._unavailable["online"], "offline": self._unavailable["offline"]},
            online_seconds=self._seconds["online"],
            offline_seconds=self._seconds["offline"],
            since_seconds=now - self._began_at,
        )

    def _warnings_due(self, reason: str, now: float) -> int:
        """How many disagreements a warning is to tell of now: the first, and then a count a minute; 0 is none."""
        self._since_warned[reason] += 1
        warned_at = self._warned_at.get(reason)
        if warned_at is not None and now - warned_at < _COUNT_EVERY_SECONDS:
            return 0
        self._warned_at[reason] = now
        return self._since_warned.pop(reason)


def _spoke(side: Outcome) -> bool:
    return side.verdict is not Verdict.UNAVAILABLE


def _log(difference: Difference, online: Outcome, offline: Outcome, warn: int) -> None:
    finding = difference.finding
    extra = {
        "reason": difference.reason,
        "online": online.verdict.value,
        "offline": offline.verdict.value,
        "claim": finding.claim if finding else None,
        "expected": finding.expected if finding else None,
        "actual": finding.actual if finding else None,
        "claims": list(difference.claims),
    }
    said = f"online {online.verdict}, offline {offline.verdict} ({difference.reason})"
    shown = details(finding) if finding else f": {', '.join(difference.claims)}" if difference.claims else ""
    if warn:
        meaning = (CURES.get(finding.reason) if finding else None) or _MEANINGS.get(difference.reason)
        count = "The checks disagree about a token" if warn == 1 else f"The checks disagreed about {warn} tokens"
        logger.warning("%s: %s%s%s", count, said, shown, f". {meaning}" if meaning else "", extra=extra)
    if logger.isEnabledFor(logging.INFO):
        failure = next((side.error for side in (online, offline) if side.verdict is Verdict.FAILED), None)
        kind = f": {type(failure).__name__}" if failure else ""
        logger.info("Differs: %s%s%s", said, shown, kind, extra=extra)
