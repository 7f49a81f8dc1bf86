"""An HTTP request to the realm, as plain data, with the answer to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

__all__ = ["HttpAnswer", "HttpRequest", "Pairs", "first_values"]

Pairs = list[tuple[str, str]]
"""Names and values of a form or a query, in order."""


@dataclass(frozen=True)
class HttpRequest:
    """What an endpoint needs of a request."""

    method: str
    target: str
    authorization: str | None = None
    content_type: str = ""
    body: bytes = b""
    address: str = "127.0.0.1"

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> Pairs:
        """The parameters in the target."""
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True, errors="replace")

    @property
    def form(self) -> Pairs:
        """The parameters in the body."""
        # Keycloak compares the media type with case, so any other spelling is a request without a form.
        if self.content_type.partition(";")[0].strip() != "application/x-www-form-urlencoded":
            return []
        return parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True, errors="replace")


@dataclass(frozen=True)
class HttpAnswer:
    """A status, a body, and the headers that matter."""

    status_code: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status_code: int, document: Mapping[str, Any], **headers: str) -> HttpAnswer:
        """An answer with a JSON body; a header's name is written with underscores."""
        return cls(status_code, json.dumps(document, ensure_ascii=False).encode(), headers=_named(headers))

    @classmethod
    def empty(cls, status_code: int, content_type: str = "", **headers: str) -> HttpAnswer:
        """An answer without a body."""
        return cls(status_code, b"", content_type, _named(headers))


def first_values(pairs: Pairs) -> dict[str, str]:
    """The parameters by name; of one that is given twice, the first."""
    return dict(reversed(pairs))


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
