"""Where a document comes from: over HTTP, or however the caller wants it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from resource_protector.after_fork import not_during_a_fork

if TYPE_CHECKING:
    import requests

__all__ = ["Fetch", "JsonFetcher", "check_document_bytes"]

#: Takes an absolute URL, returns the JSON document there, raises anything where there is none.
Fetch = Callable[[str], object]


class JsonFetcher:
    """Fetches JSON over HTTP; called with a URL, it returns the decoded document, or raises ProviderFailed.

    `session` is the caller's: its CA, client certificate, proxies, headers and adapters are used.
    `timeout_seconds` is the deadline of the whole exchange, `max_document_bytes` the largest body.
    Redirects are not followed: whoever can redirect this request could choose the keys.
    """

    def __init__(
        self, *, timeout_seconds: float, max_document_bytes: int, session: requests.Session | None = None
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._max_document_bytes = check_document_bytes(max_document_bytes)
        self._session = session

    def __call__(self, url: str) -> object:
        # requests takes longer to import than all else here, and only a fetch needs it. The thread of a
        # fetch may be the first to import it, and a fork in the middle would leave the child with half of it.
        with not_during_a_fork():
            from .exchange import json_document
            from .session import session_like

        # A new session each time: fetches are minutes apart, and a kept connection would be a dead one.
        with session_like(self._session, url) as session:
            return json_document(
                session, url, timeout_seconds=self._timeout_seconds, max_document_bytes=self._max_document_bytes
            )


def check_document_bytes(value: int) -> int:
    """`value`, if it is a number of bytes. Raises ValueError."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"max_document_bytes is {value!r}: write a whole number of bytes.")
    return value
