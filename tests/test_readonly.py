"""Dicts and lists that cannot be changed."""

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from resource_protector.readonly import ReadOnlyDict, ReadOnlyList, read_only

PLAIN = {"a": 1, "b": [1, {"c": [2]}], "d": {"e": "f"}}


@pytest.fixture
def frozen() -> Any:
    """The plain value, made read-only."""
    return read_only(PLAIN)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.__setitem__("a", 2),
        lambda d: d.__delitem__("a"),
        lambda d: d.update(a=2),
        lambda d: d.pop("a"),
        lambda d: d.popitem(),
        lambda d: d.clear(),
        lambda d: d.setdefault("z", 1),
        lambda d: d.__ior__({"a": 2}),
        lambda d: d["d"].update(e=1),
        lambda d: d["b"].append(3),
        lambda d: d["b"].__setitem__(0, 3),
        lambda d: d["b"].__delitem__(0),
        lambda d: d["b"].extend([3]),
        lambda d: d["b"].insert(0, 3),
        lambda d: d["b"].pop(),
        lambda d: d["b"].remove(1),
        lambda d: d["b"].reverse(),
        lambda d: d["b"].sort(),
        lambda d: d["b"].clear(),
        lambda d: d["b"].__iadd__([3]),
        lambda d: d["b"].__imul__(2),
        lambda d: d["b"][1]["c"].append(3),
    ],
)
def test_every_change_is_refused_with_advice(frozen: Any, change: Callable[[Any], Any]) -> None:
    """Nothing changes, at any depth, and the error says how to get a copy."""
    with pytest.raises(TypeError, match=r"copy\.deepcopy"):
        change(frozen)

    assert frozen == PLAIN


def test_it_equals_and_dumps_like_the_plain_dict(frozen: Any) -> None:
    """Code that had a dict goes on working."""
    assert frozen == PLAIN
    assert json.loads(json.dumps(frozen)) == PLAIN
    assert {**frozen} == PLAIN
    assert frozen.get("z") is None


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda value: value.copy()])
def test_copies_are_plain(frozen: Any, make: Callable[[Any], Any]) -> None:
    """A copy can be changed."""
    made_dict, made_list = make(frozen), make(frozen["b"])
    made_dict["z"] = 1
    made_list.append(1)

    assert type(made_dict) is dict
    assert type(made_list) is list


def test_a_deep_copy_is_plain_all_the_way_down(frozen: Any) -> None:
    """Nested values can be changed too, and the original stays."""
    made = copy.deepcopy(frozen)
    made["b"][1]["c"].append(3)

    assert frozen == PLAIN


def test_what_is_read_only_already_is_taken_as_it_is(frozen: Any) -> None:
    """Freezing twice costs nothing."""
    assert read_only(frozen) is frozen
    assert read_only({"x": frozen})["x"] is frozen


def test_pickle_keeps_it_read_only(frozen: Any) -> None:
    """What comes out of a pickle is what went in."""
    made = pickle.loads(pickle.dumps(frozen))  # noqa: S301 - our own bytes

    assert made == PLAIN
    assert type(made) is ReadOnlyDict
    assert type(pickle.loads(pickle.dumps(frozen["b"]))) is ReadOnlyList  # noqa: S301 - likewise
