from __future__ import annotations

import time

import pytest

from resource_protector.explain.times import is_moment, moment, relative, span


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "now"),
        (-1, "1 second ago"),
        (59.4, "in 59 seconds"),
        (60, "in 1 minute"),
        (-250, "4 minutes ago"),
        (3_600, "in 1 hour"),
        (-200_000, "2 days ago"),
    ],
)
def test_relative(seconds: float, said: str) -> None:
    """A distance is said in its largest unit, before or after now."""
    assert relative(seconds) == said


def test_a_span_of_nothing() -> None:
    """Less than half a second is none."""
    assert span(0.1) == "0 seconds"


def test_a_moment_is_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock on the wall of whoever reads it, with its zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "EST+5")
        time.tzset()
        said = moment(1_000_000_000, 1_000_000_240)
    time.tzset()

    assert said == "2001-09-08 20:46:40 EST, 4 minutes ago"


@pytest.mark.parametrize(
    ("value", "expected"), [(0, True), (1.5, True), (True, False), ("1", False), (1e18, False), (None, False)]
)
def test_what_a_calendar_has_a_date_for(value: object, expected: bool) -> None:
    """Numbers within the calendar's years, and nothing else."""
    assert is_moment(value) is expected


def test_the_end_of_the_calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the zone's offset would leave the calendar, only the distance is said."""
    last = 253_402_300_799  # 9999-12-31 23:59:59 UTC
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "XXX-10")
        time.tzset()
        said = moment(last, last - 60)
    time.tzset()

    assert said == "in 1 minute"
