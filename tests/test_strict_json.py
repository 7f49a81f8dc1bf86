"""One JSON object, read so that no two parsers could disagree about it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_protector.readonly import ReadOnlyDict, ReadOnlyList
from resource_protector.strict_json import MAX_DEPTH, read_object


def nested(levels: int, opening: str = '{"a":', closing: str = "}") -> bytes:
    """JSON of that many levels."""
    return (opening * levels + "1" + closing * levels).encode()


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"a"', id="a string"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"a":1}x', id="something after it"),
        pytest.param(b'{"a":1,"a":1}', id="a member twice"),
        pytest.param(b'{"a":{"b":1,"b":2}}', id="a nested member twice"),
        pytest.param(b'{"a":1,"\\u0061":1}', id="a member twice, once escaped"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'{"a":-Infinity}', id="Infinity"),
        pytest.param(b'{"a":"\xff"}', id="not UTF-8"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', id="a byte order mark"),
        pytest.param('{"a":1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"a":"\\ud800"}', id="half a surrogate pair"),
        pytest.param(b'{"\\udc00":1}', id="half a surrogate pair in a name"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", id="5,000 digits"),
        pytest.param(nested(MAX_DEPTH + 1), id="one level too deep"),
        pytest.param(b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", id="lists, one level too deep"),
        pytest.param(nested(5000), id="far too deep"),
        pytest.param(b'{"a":' + b"[" * 5000, id="far too deep and never closed"),
    ],
)
def test_anything_else_is_refused(encoded: bytes) -> None:
    """ValueError, and no other exception."""
    with pytest.raises(ValueError):  # noqa: PT011 - any ValueError, JSONDecodeError and UnicodeDecodeError among them
        read_object(encoded)


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(nested(MAX_DEPTH), id="as deep as allowed"),
        pytest.param(b'{"a":' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}", id="lists as deep as allowed"),
        pytest.param(json.dumps({"a": [{"b": i} for i in range(60)]}).encode(), id="many brackets, few levels"),
        pytest.param(json.dumps({"a": "[[[[{{{{" * 20, "b": '\\"[['}).encode(), id="brackets in strings"),
        pytest.param(b' {"a" : 1}\n', id="white space"),
        pytest.param(b'{"a":"\\ud83d\\ude00"}', id="a whole surrogate pair"),
        pytest.param('{"ü":"ß"}'.encode(), id="UTF-8"),
    ],
)
def test_an_object_is_read_as_everybody_reads_it(encoded: bytes) -> None:
    """What is accepted means the same to every parser."""
    assert read_object(encoded) == json.loads(encoded)


def test_nested_values_are_read_only() -> None:
    """Objects and lists come frozen, also a list in a list."""
    value = read_object(b'{"a":{"b":[1,[2]]}}')

    assert type(value) is ReadOnlyDict
    assert type(value["a"]) is ReadOnlyDict
    assert type(value["a"]["b"]) is ReadOnlyList
    assert type(value["a"]["b"][1]) is ReadOnlyList


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(encoded: bytes) -> None:
    """Whatever the bytes: an object, or ValueError."""
    try:
        value = read_object(encoded)
    except ValueError:
        return

    assert value == json.loads(encoded)


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)))
def test_any_object_survives(value: dict[str, object]) -> None:
    """What the standard library writes is read back the same, surrogates excepted."""
    try:
        encoded = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return

    assert read_object(encoded) == value
