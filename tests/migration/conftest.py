"""The table of both columns, printed at the end of the suite."""

from __future__ import annotations

import pytest

TABLE = "migration_table"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the programs have answered, whether their tests passed or not."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    tables = [value for r in reports if r.when == "call" for name, value in r.user_properties if name == TABLE]
    if tables:
        terminalreporter.section("examples/online_to_offline, before and after")
    for table in tables:
        terminalreporter.write_line(str(table))
