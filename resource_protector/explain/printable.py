"""Text that a terminal may be given, whatever the author of a token wrote into it."""

from __future__ import annotations

import json

__all__ = ["as_json", "exactly", "printable", "readable"]

_LONGEST_VALUE = 300


def printable(text: str) -> str:
    """`text` as one line without control, direction and other invisible characters: those are escaped."""
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def readable(value: object) -> str:
    """A claim for reading: text without quotes, letters of any language, everything else as JSON; one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return _shortened(printable(text))


def exactly(value: object) -> str:
    """A value for comparing: quoted, in ASCII, so that two that look alike and are not look different."""
    if isinstance(value, str):
        return _shortened(ascii(value))
    if isinstance(value, list | tuple | set | frozenset):
        members = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return _shortened(", ".join(ascii(member) for member in members) or "nothing")
    return "absent" if value is None else _shortened(ascii(value))


def as_json(document: object) -> str:
    """`document` as JSON in printable ASCII."""
    # ASCII has one control character that JSON may hold as it is.
    return json.dumps(document, indent=2, ensure_ascii=True, default=str).replace("\x7f", "\\u007f")


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}... ({len(text)} characters)"


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
