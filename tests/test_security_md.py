"""SECURITY.md names the test that proves each of its lines."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SECURITY = (ROOT / "SECURITY.md").read_text()


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`(tests/[\w/.:]+)`", SECURITY))))
def test_every_test_that_is_named_exists(named: str) -> None:
    """A file, and a function or a class in it where one is named."""
    path, _, name = named.partition("::")
    text = (ROOT / path).read_text()

    assert not name or re.search(rf"^(?:async )?(?:def|class) {name}\b", text, re.MULTILINE)


def test_every_line_of_the_table_names_a_test() -> None:
    """A promise without a test is none."""
    lines = [line for line in SECURITY.splitlines() if line.startswith("| ") and not line.startswith("| attack")]

    assert len(lines) > 12
    assert all("`tests/" in line for line in lines)
