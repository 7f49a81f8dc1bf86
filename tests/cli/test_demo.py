from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from resource_protector.cli import demo
from resource_protector.cli.tour import Call
from resource_protector.dev import DevRealm
from resource_protector.errors import Reason
from tests.cli.conftest import Run

ANSWERS = [
    "200",
    "401 missing",
    "200",
    "403 insufficient_scope",
    "200",
    "401 token_type",
    "401 expired",
    "401 audience",
    "200",
    "200",
]


def test_every_answer_is_the_expected_one(run: Run) -> None:
    """The demo shows the whole job, and ends with status 0 because each answer is what it should be."""
    result = run("demo")

    assert result.exit_code == 0, result.output
    assert re.findall(r"^    (\d.*), as expected$", result.stdout, re.MULTILINE) == ANSWERS
    assert result.stdout.endswith("\n10 calls, 10 answered as expected, 0 not.\n")


def test_it_fits_a_terminal_without_colour(run: Run) -> None:
    """No line is longer than 100 columns, and there is no escape sequence in it."""
    result = run("demo")

    assert max(len(line) for line in result.output.splitlines()) <= 100
    assert "\x1b" not in result.output
    assert result.stderr == ""


def test_another_answer_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """A status or a reason that is not the expected one is said, counted and returned."""

    def tour(realm: DevRealm) -> Iterator[Call]:
        yield Call("/api/public", "no token", None, 401, "A wrong status.")
        yield Call("/api/private", "no token", None, 401, "A wrong reason.", Reason.EXPIRED)
        yield Call("/api/private", "no token", None, 401, "The right answer.", Reason.MISSING)

    unexpected = demo.run(tour)

    output = capsys.readouterr().out
    assert unexpected == 2
    assert "200, BUT EXPECTED 401\n" in output
    assert "401 missing, BUT EXPECTED 401 expired\n" in output
    assert output.endswith("\n3 calls, 1 answered as expected, 2 not.\n")


def test_an_unexpected_answer_is_status_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the package answers other than the demo says, the command fails."""

    def tour(realm: DevRealm) -> Iterator[Call]:
        yield Call("/api/public", "no token", None, 401, "A wrong status.")

    monkeypatch.setattr("resource_protector.cli.tour.tour", tour)
    result = run("demo")

    assert result.exit_code == 1
    assert result.stderr == "Error: 1 of the answers above are not the expected ones.\n"
