"""When a realm's keys are loaded again, and how long anybody waits for it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from resource_protector.policy import check_seconds

__all__ = ["KeyTiming"]


@dataclass(frozen=True, slots=True)
class KeyTiming:
    """The times of a key set, all in seconds on the monotonic clock.

    - `max_age_seconds`: keys older than 0.9 to 1.0 of it are refreshed beside the requests; where
      they are older than twice that (an idle process), the request waits for one shared load. Keys
      that took longer than this to fetch serve for as long again, from their arrival.
    - `max_stale_seconds`: how long beyond `max_age_seconds` keys keep serving when refreshes fail.
    - `cooldown_seconds`: at least this long between two reloads forced by an unknown `kid` or a
      bad signature.
    - `retry_seconds`: the wait after a failed load, doubled at each further failure up to
      30 seconds (or `retry_seconds`, if that is more).
    - `wait_seconds`: once keys were loaded, nobody waits longer than this for a reload, counted
      from its start.
    - `timeout_seconds`: the deadline of one load, from the first byte to the last.

    Raises ValueError for what is no number of seconds.
    """

    max_age_seconds: float = 300.0
    max_stale_seconds: float = 3600.0
    cooldown_seconds: float = 10.0
    retry_seconds: float = 1.0
    wait_seconds: float = 1.0
    timeout_seconds: float = 5.0

    def __post_init__(self) -> None:
        may_be_zero = {"max_stale_seconds", "wait_seconds"}
        for field in fields(self):
            check_seconds(getattr(self, field.name), field.name, or_more=field.name in may_be_zero)
