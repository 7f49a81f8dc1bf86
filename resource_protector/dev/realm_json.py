"""One JSON object of a realm file, read member by member with its place in the file for the error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["JsonObject"]


class JsonObject:
    """A JSON object whose members are read with the type they must have.

    Every method raises ValueError in a sentence that names the place in the file.
    """

    def __init__(self, members: object, where: str) -> None:
        if not isinstance(members, Mapping):
            raise ValueError(f"{where} must be a JSON object, not {_kind(members)}.")
        self._members: Mapping[str, Any] = members
        self.where = where

    def __contains__(self, name: str) -> bool:
        return self._members.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def place(self, name: str) -> str:
        """Where the member `name` stands, for an error."""
        return f"'{name}' of {self.where}"

    def text(self, name: str) -> str | None:
        """A string, or None if the member is absent."""
        value = self._members.get(name)
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{self.place(name)} must be a string, not {_kind(value)}.")
        return value

    def required_text(self, name: str) -> str:
        """A string that must be there and not be blank."""
        value = self.text(name)
        if value is None or not value.strip():
            raise ValueError(f'{self.where} lacks \'{name}\': write "{name}": "..." into it.')
        return value

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self._members.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise ValueError(f"{self.place(name)} must be true or false, not {_kind(value)}.")
        return value

    def seconds(self, name: str, default: int) -> int:
        """A whole number of seconds (or milliseconds), not negative."""
        value = self._members.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"{self.place(name)} must be a whole number of seconds, 0 or more.")
        return value

    def names(self, name: str) -> tuple[str, ...]:
        """A list of strings; absent is empty."""
        value = self._members.get(name)
        if value is None:
            return ()
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise ValueError(f"{self.place(name)} must be a list of strings.")
        return tuple(value)

    def object(self, name: str) -> JsonObject:
        """A JSON object; absent is empty."""
        return JsonObject(self._members.get(name) or {}, self.place(name))

    def objects(self, name: str) -> list[JsonObject]:
        """A list of JSON objects; absent is empty."""
        value = self._members.get(name) or []
        if not isinstance(value, list | tuple):
            raise ValueError(f"{self.place(name)} must be a list of JSON objects, not {_kind(value)}.")
        return [JsonObject(item, f"'{name}[{index}]' of {self.where}") for index, item in enumerate(value)]

    def texts(self, name: str) -> dict[str, str]:
        """A JSON object of strings, as the attributes and mapper configurations are."""
        inner = self.object(name)
        return {key: inner.text(key) or "" for key in inner if key in inner}


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__
