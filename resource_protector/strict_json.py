"""One JSON object, read so that no two parsers could disagree about it (RFC 8259, RFC 7515 section 4)."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from .readonly import ReadOnlyDict, ReadOnlyList

__all__ = ["MAX_DEPTH", "read_object"]

MAX_DEPTH = 32
_set = dict.__setitem__
_WHITE_SPACE = " \t\n\r"
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_NOT_A_BRACKET = re.compile(r"[^\[\]{}]+")
_ONE_KIND_OF_BRACKET = str.maketrans("{}", "[]")


def read_object(encoded: bytes) -> ReadOnlyDict[str, Any]:
    """The JSON object in `encoded`, read-only.

    Raises ValueError for anything else: another encoding than UTF-8, a byte order mark, a value
    that is no object, a member named twice, NaN and Infinity, lone surrogates, more than
    `MAX_DEPTH` levels.
    """
    text = encoded.decode("utf-8")
    # Counting is a bound on the depth that costs next to nothing; only crowded objects are measured.
    if text.count("{") + text.count("[") > MAX_DEPTH and _is_too_deep(text):
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    # The scanner knows no white space around the value, which no realm writes and RFC 8259 allows.
    if text[:1] != "{":
        text = text.lstrip(_WHITE_SPACE)
    try:
        value, end = _scan(text, 0)
    except StopIteration as error:
        raise ValueError("not JSON") from error
    if end != len(text) and text[end:].strip(_WHITE_SPACE):
        raise ValueError("something follows the JSON object")
    if type(value) is not ReadOnlyDict:
        raise ValueError("not a JSON object")
    if "\\" in text:
        # Only an escape can spell half a surrogate pair; such a string could be encoded nowhere later.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _is_too_deep(text: str) -> bool:
    """Whether brackets outside strings nest deeper than MAX_DEPTH: each pass takes away the innermost level."""
    brackets = _NOT_A_BRACKET.sub("", _STRING.sub("", text)).translate(_ONE_KIND_OF_BRACKET)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace("[]", "")
    return bool(brackets)


def _object(pairs: list[tuple[str, Any]]) -> ReadOnlyDict[str, Any]:
    made = ReadOnlyDict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a member is named twice")
    for name, value in pairs:
        if type(value) is list:
            _set(made, name, _frozen(value))  # nobody has seen it yet
    return made


def _frozen(items: list[Any]) -> ReadOnlyList[Any]:
    # The decoder shows objects to its hook, never lists, so a list in a list is found here.
    for item in items:
        if type(item) is list:
            return ReadOnlyList([_frozen(item) if type(item) is list else item for item in items])
    return ReadOnlyList(items)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# What the decoder's own methods call, without the layers between: this is on the way of every token.
_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)
_scan = _decoder.scan_once  # type: ignore[attr-defined]  # typeshed leaves it out
