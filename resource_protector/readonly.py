"""Dicts and lists that cannot be changed, nested values too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, TypeVar

__all__ = ["ReadOnlyDict", "ReadOnlyList", "read_only", "writable"]

K = TypeVar("K")
V = TypeVar("V")


def _refuse(self: object, *args: object, **kwargs: object) -> NoReturn:
    raise TypeError(
        "The claims of a token cannot be changed: one instance serves every request that brings the token. "
        "Work on a copy: copy.deepcopy(token) is a plain dict."
    )


class ReadOnlyDict(dict[K, V]):
    """A dict that refuses to be changed.

    It stays a real dict, so that `json.dumps`, `**` and `==` treat it as one. Copies are plain dicts.
    """

    __slots__ = ()

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def copy(self) -> dict[K, V]:
        return dict(self)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[K, V]:
        return writable(self)  # type: ignore[no-any-return]  # writable() of a dict is a dict

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (writable(self),)


class ReadOnlyList(list[V]):
    """A list that refuses to be changed. Copies are plain lists."""

    __slots__ = ()

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def copy(self) -> list[V]:
        return list(self)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> list[V]:
        return writable(self)  # type: ignore[no-any-return]  # writable() of a list is a list

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (writable(self),)


def read_only(value: Any) -> Any:
    """`value` with every mapping and every list or tuple in it made read-only."""
    if isinstance(value, ReadOnlyDict | ReadOnlyList):
        return value
    if isinstance(value, Mapping):
        return ReadOnlyDict(_items(value))
    if isinstance(value, list | tuple):
        return ReadOnlyList(read_only(item) for item in value)
    return value


def _items(mapping: Mapping[Any, Any]) -> Iterable[tuple[Any, Any]]:
    return ((key, read_only(item)) for key, item in mapping.items())


def writable(value: Any) -> Any:
    """The opposite of `read_only`: plain dicts and lists, copied all the way down."""
    if isinstance(value, dict):
        return {key: writable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [writable(item) for item in value]
    return value
