"""Figures: what a run has measured is printed at the end of the suite, whether its tests passed or not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Figure = Callable[[str], None]


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """A function that takes a line for the summary."""
    return lambda line: record_property("figure", line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures, by the test that measured them."""
    reports = [r for outcome in ("passed", "failed") for r in terminalreporter.getreports(outcome)]
    told = [
        (r.nodeid, line) for r in reports if r.when == "call" for name, line in r.user_properties if name == "figure"
    ]
    if told:
        terminalreporter.section("figures of tests/servers")
    for number, (nodeid, line) in enumerate(told):
        if number == 0 or told[number - 1][0] != nodeid:
            terminalreporter.write_line(nodeid.rpartition("/")[2])
        terminalreporter.write_line(f"    {line}")
