from __future__ import annotations

import json

import pytest

from resource_protector.explain.printable import as_json, exactly, printable, readable


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\x9b", "\n", "\r", "\u202e", "\u2028", "\U000e0001"])
def test_no_invisible_character_passes(character: str) -> None:
    """Control and direction characters are escaped, in text, in claims and in JSON alike."""
    text = f"a{character}b"
    said = [printable(text), readable(text), readable([text]), readable({text: text}), exactly(text), exactly([text])]
    document = as_json({text: text})

    assert all(one.isprintable() for one in said)
    assert all(line.isprintable() for line in document.splitlines())
    assert json.loads(document) == {text: text}


def test_letters_stay_letters() -> None:
    """A name is shown as it is written; where values are compared, look-alikes are told apart."""
    assert readable("Jürgen") == "Jürgen"
    assert exactly("myоrg") == "'my\\u043erg'"  # noqa: RUF001 - the Cyrillic letter is the point


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "absent"),
        ([], "nothing"),
        (frozenset({"b", "a"}), "'a', 'b'"),
        (("b", "a"), "'b', 'a'"),
        ({"a": 1}, "{'a': 1}"),
        (1, "1"),
    ],
)
def test_values_for_comparing(value: object, said: str) -> None:
    """Lists are their members, sets are sorted, nothing is called absent."""
    assert exactly(value) == said


def test_long_values_are_cut() -> None:
    """A value of thousands of characters does not bury the rest."""
    assert readable("x" * 5_000).endswith("... (5000 characters)")
    assert len(exactly("x" * 5_000)) < 350
