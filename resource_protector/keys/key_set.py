"""The realm's live key set: keys at hand, their age, and the loads that keep them current."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypedDict

from resource_protector.after_fork import renew_after_fork
from resource_protector.errors import Finding, KeysUnavailable, Reason
from resource_protector.outage_log import OutageLog

from .backoff import Backoff
from .jwks import read_jwks
from .load import Load
from .snapshot import Snapshot
from .timing import KeyTiming
from .unknown_kids import UnknownKids

__all__ = ["KeySet", "KeySetStatus", "Load", "Snapshot"]

logger = logging.getLogger("resource_protector.keys")


class KeySetStatus(TypedDict):
    """What a health endpoint wants to know; every value is JSON."""

    issuer: str
    loaded: bool
    is_stale: bool
    age_seconds: float | None
    key_ids: list[str]
    last_error: str | None
    next_attempt_seconds: float | None


class EmptyKeySet(ValueError):
    """The realm published a well-formed document without a single usable key."""


class KeySet:
    """The keys of one issuer, loaded when first needed and again when there is a reason.

    Nothing here performs I/O for the caller: `current` and `reload_for` answer with the keys at
    hand, with a load to wait for, or with KeysUnavailable. Loads run in short-lived threads of
    their own, one at a time; reading the keys takes no lock.

    `load` returns the JWKS document and raises anything where there is none; `monotonic` is the
    clock of all ages here.
    """

    def __init__(
        self, issuer: str, load: Callable[[], object], *, timing: KeyTiming, monotonic: Callable[[], float]
    ) -> None:
        self._issuer = issuer
        self._document = load
        self._timing = timing
        self._monotonic = monotonic
        self._lock = threading.Lock()  # guards everything below; _snapshot and _look_again_at are also read without
        self._snapshot: Snapshot | None = None
        self._look_again_at = float("-inf")  # until then the keys at hand serve, and there is nothing to start
        self._load: Load | None = None
        self._started = 0
        self._backoff = Backoff(timing.retry_seconds)
        self._forced_at = float("-inf")
        self._awaited_at = float("-inf")
        self._empty_since: float | None = None
        self._unknown = UnknownKids(timing.cooldown_seconds)
        self._log = OutageLog(logger, f"The keys of {issuer}", done="loaded", again="are loaded again")
        self._skipped: dict[str, str] = {}  # kid: why, as the log knows it
        renew_after_fork(self)

    # What a request asks

    @property
    def snapshot(self) -> Snapshot | None:
        """The keys at hand, of whatever age; None before the first load."""
        return self._snapshot

    def knows(self, kid: str | None) -> bool:
        """Whether a key of this name is at hand."""
        snapshot = self._snapshot
        return snapshot is not None and kid in snapshot.kids

    def at_hand(self) -> Snapshot | None:
        """The keys, where they serve as they are and there is nothing to start; takes no lock. None: see `current`."""
        return self._snapshot if self._monotonic() < self._look_again_at else None

    @property
    def loads_started(self) -> int:
        """A count that tells the loads before some moment from those after it."""
        return self._started

    def current(self) -> Snapshot | Load:
        """The keys to check a token with now, or the load that has to be awaited for them.

        Asked where `at_hand` has none: notices the age and starts the refresh. Raises KeysUnavailable.
        """
        with self._locked() as now:
            snapshot = self._snapshot
            if snapshot is None:
                return self._load or self._attempt(now)
            self._keep_up(snapshot, now)
            return snapshot if now < self._serves_until(snapshot, now) else self._load or self._attempt(now)

    def serving(self) -> Snapshot | None:
        """The keys, if they serve without waiting for a load; notices the age and starts the refresh, as `current` does."""
        with self._locked() as now:
            snapshot = self._snapshot
            if snapshot is None or now >= self._serves_until(snapshot, now):
                return None
            self._keep_up(snapshot, now)
            return snapshot

    def _keep_up(self, snapshot: Snapshot, now: float) -> None:
        """Start the refresh that is due, and say when to look again. Under the lock."""
        if self._load is None and now >= self._due(snapshot):
            self._start(now)
        self._plan()

    def reload_for(self, kid: str | None, since: int) -> Load | None:
        """The load that a token asks for whose key is not at hand, or whose signature no key at hand made.

        None means that the keys at hand are the last word: they were just loaded. `since` is what
        `loads_started` was when the caller first looked. Raises KeysUnavailable where the realm
        cannot be asked.
        """
        with self._locked() as now:
            snapshot = self._snapshot
            if snapshot is not None and not self._backoff.is_failing and snapshot.number > since:
                self._unknown.remember(kid, now)
                return None
            if self._load is not None:
                if self._load.may_be_awaited:
                    return self._load
                raise self._unavailable(now)
            if self._unknown.has(kid, now):
                return None
            if now < self._forced_at + self._timing.cooldown_seconds:
                if self._backoff.is_failing:
                    raise self._unavailable(now)
                return None
            return self._attempt(now, forced=True)

    def seconds_to_wait(self, load: Load) -> float:
        """How long a request may wait for `load`, which a moment later may be less."""
        until = load.deadline if self._snapshot is None else load.started_at + self._timing.wait_seconds
        return min(until, load.deadline) - self._monotonic()

    def unavailable(self) -> KeysUnavailable:
        """What to raise where a load was awaited in vain."""
        with self._locked() as now:
            return self._unavailable(now)

    # What an operator asks

    @property
    def is_stale(self) -> bool:
        """Whether the keys at hand are older than `max_age_seconds`, or there are none."""
        snapshot = self._snapshot
        return snapshot is None or self._monotonic() - snapshot.loaded_at > self._timing.max_age_seconds

    @property
    def is_cooling_down(self) -> bool:
        """Whether an unknown `kid` or a bad signature would not force a reload now."""
        return self._monotonic() < self._forced_at + self._timing.cooldown_seconds

    def reload(self) -> None:
        """Load the keys now and wait for it, whatever their age. Raises KeysUnavailable where that fails."""
        with self._locked() as now:
            load = self._load or self._start(now)
        load.wait(load.deadline - now)
        with self._locked() as now:
            if self._load is load or self._backoff.is_failing:
                raise self._unavailable(now)

    def status(self) -> KeySetStatus:
        """Whether there are keys, how old they are, and what the next attempt waits for."""
        with self._locked() as now:
            snapshot = self._snapshot
            refresh_at = None if snapshot is None else snapshot.refresh_at
            next_attempt = self._backoff.next_attempt_at if self._backoff.is_failing else refresh_at
            return KeySetStatus(
                issuer=self._issuer,
                loaded=snapshot is not None,
                is_stale=snapshot is None or now - snapshot.loaded_at > self._timing.max_age_seconds,
                age_seconds=None if snapshot is None else round(now - snapshot.loaded_at, 3),
                key_ids=[] if snapshot is None else sorted(snapshot.kids),
                last_error=None if self._backoff.last_error is None else str(self._backoff.last_error),
                next_attempt_seconds=None if next_attempt is None else round(max(0.0, next_attempt - now), 3),
            )

    @contextmanager
    def _locked(self) -> Iterator[float]:
        """The lock, with the clock; a load whose time is over is ended first, and log lines are told after."""
        try:
            with self._lock:
                now = self._monotonic()
                self._expire_load(now)
                yield now
        finally:
            self._log.tell()

    # Everything below runs with the lock held, but for _run and _finish

    def _attempt(self, now: float, *, forced: bool = False) -> Load:
        """Start the load that a request needs, unless the last one failed a moment ago."""
        if self._backoff.is_waiting(now):
            raise self._unavailable(now)
        if forced:
            self._forced_at = now
        return self._start(now, forced=forced)

    def _start(self, now: float, *, forced: bool = False) -> Load:
        self._started += 1
        snapshot = self._snapshot
        # Waiting for every attempt of an outage would hold the threads of a server as often as it is retried.
        is_first = not self._backoff.is_failing or snapshot is None
        may_be_awaited = forced or is_first or now >= self._awaited_at + self._timing.cooldown_seconds
        if may_be_awaited:
            self._awaited_at = now
        load = Load(
            number=self._started,
            started_at=now,
            deadline=now + self._timing.timeout_seconds,
            is_in_time=snapshot is not None and now < self._serves_until(snapshot, now),
            may_be_awaited=may_be_awaited,
        )
        self._load = load
        self._plan()
        try:
            load.run(self._run)
        except RuntimeError as error:  # no thread to be had: the process is at its limits, or ending
            self._fail(now, error)
            load.end()
        return load

    def _run(self, load: Load) -> None:
        """The work of a load's thread: fetch and read without the lock, then take in the result with it."""
        snapshot = self._snapshot
        known = {key.identity: key for key in snapshot.in_order} if snapshot else {}
        try:
            keys, skipped = read_jwks(self._document(), known)
            if not keys:
                raise EmptyKeySet("the realm publishes no key that could check a token")
        except Exception as error:  # noqa: BLE001 - whatever a caller's fetch raises: the load failed, no request
            self._finish(load, error)
        else:
            jitter = random.uniform(0.9, 1.0)  # noqa: S311 - spreads the load of many processes, keeps no secret
            refresh_at = load.started_at + self._timing.max_age_seconds * jitter
            arrived_at = self._monotonic()
            snapshot = Snapshot(frozenset(keys), keys, load.number, load.started_at, arrived_at, refresh_at)
            self._finish(load, snapshot, skipped)

    def _finish(self, load: Load, result: Snapshot | Exception, skipped: dict[str, str] | None = None) -> None:
        with self._locked() as now:
            if self._load is load:  # a load that expired meanwhile may be older than what is at hand
                if isinstance(result, Snapshot):
                    self._succeed(now, result, skipped or {})
                else:
                    self._fail(now, result)
        load.end()

    def _succeed(self, now: float, snapshot: Snapshot, skipped: dict[str, str]) -> None:
        if self._backoff.is_failing:
            self._log.recovered(now, self._backoff.failures)
        for kid, why in skipped.items():
            if self._skipped.get(kid) != why:  # told once, not at each load
                self._log.note(logging.INFO, "A key of %s is not used: kid %r: %s", self._issuer, kid, why)
        self._skipped = skipped
        self._load = None
        self._backoff.succeed()
        self._empty_since = None
        self._unknown.forget()
        self._snapshot = snapshot
        self._plan()

    def _fail(self, now: float, error: BaseException) -> None:
        self._load = None
        self._backoff.fail(now, error)
        self._log.failed(now, self._backoff.failures, error)
        if isinstance(error, EmptyKeySet) and self._snapshot is not None:
            # A provider whose signing keys were deleted says so honestly, and a broken one may say it
            # for a moment: a second answer, a cooldown later, decides.
            if self._empty_since is None:
                self._empty_since = now
            elif now - self._empty_since >= self._timing.cooldown_seconds:
                self._snapshot = None
            self._backoff.not_before(self._empty_since + self._timing.cooldown_seconds)
        else:
            self._empty_since = None
        self._plan()

    def _expire_load(self, now: float) -> None:
        """End a load whose time is over by the clock: no socket timeout covers the resolver."""
        load = self._load
        if load is not None and now >= load.deadline:
            self._fail(now, TimeoutError(f"no answer within timeout_seconds={self._timing.timeout_seconds:g}"))
            load.end()

    def _plan(self) -> None:
        """Work out until when requests need not look at anything but the snapshot."""
        snapshot = self._snapshot
        if snapshot is None:
            self._look_again_at = float("-inf")
        else:
            due = self._due(snapshot) if self._load is None else self._load.deadline
            self._look_again_at = min(due, self._serves_until(snapshot, self._backoff.failed_at))

    def _due(self, snapshot: Snapshot) -> float:
        """When the next load is to be started."""
        return self._backoff.next_attempt_at if self._backoff.is_failing else snapshot.refresh_at

    def _serves_until(self, snapshot: Snapshot, now: float) -> float:
        """Until when the keys at hand serve without waiting for a load.

        After a failed attempt that is the stale limit, unless the next one is long overdue: what was
        withdrawn since then, nobody has asked. While a load runs that was started in time, they serve
        until it has ended. Keys that were old when they arrived serve for a while all the same, or a
        realm that takes its time would never be heard.
        """
        timing = self._timing
        until = max(snapshot.loaded_at + timing.max_age_seconds, snapshot.arrived_at) + timing.max_age_seconds
        overdue_at = self._backoff.next_attempt_at + timing.max_age_seconds
        if self._backoff.is_failing and now < overdue_at:
            until = min(snapshot.loaded_at + timing.max_age_seconds + timing.max_stale_seconds, overdue_at)
        if self._load is not None and self._load.is_in_time:
            until = max(until, self._load.deadline)
        return until

    def _unavailable(self, now: float) -> KeysUnavailable:
        soon = now + self._timing.wait_seconds
        due = min(soon, self._load.deadline) if self._load is not None else self._backoff.next_attempt_at
        cause = self._backoff.last_error
        actual = "no answer yet" if cause is None else str(cause)
        finding = Finding(Reason.KEYS_UNAVAILABLE, expected=f"the keys of {self._issuer}", actual=actual)
        error = KeysUnavailable(finding, retry_after_seconds=max(0.0, due - now))
        error.__cause__ = cause
        return error

    def renew_after_fork(self) -> None:  # pragma: no cover - called in the child, tested by what it answers
        """Drop the lock and the load of the parent process: the threads that held them do not exist here."""
        self._lock = threading.Lock()
        self._load = None
        self._plan()
