"""Where a document comes from: over HTTP, or however the caller wants it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from resource_protector.after_fork import not_during_a_fork

if TYPE_CHECKING:
    import requests

__all__ = ["Fetch", "FetchFailed", "JsonFetcher"]

#: Takes an absolute URL, returns the JSON document there, raises anything where there is none.
Fetch = Callable[[str], object]


class FetchFailed(Exception):
    """The provider did not answer with a JSON document in time. The message says what it did instead."""


class JsonFetcher:
    """Fetches JSON over HTTP; called with a URL, it returns the decoded document.

    `session` is the caller's: its CA, client certificate, proxies, headers and adapters are used.
    `timeout_seconds` is the deadline of the whole exchange, `max_document_bytes` the largest body.
    Redirects are not followed: whoever can redirect this request could choose the keys.
    """

    def __init__(
        self, *, timeout_seconds: float, max_document_bytes: int, session: requests.Session | None = None
    ) -> None:
        if not isinstance(max_document_bytes, int) or isinstance(max_document_bytes, bool) or max_document_bytes < 1:
            raise ValueError(f"max_document_bytes is {max_document_bytes!r}: write a whole number of bytes.")
        self._timeout_seconds = timeout_seconds
        self._max_document_bytes = max_document_bytes
        self._session = session

    def __call__(self, url: str) -> object:
        # requests takes longer to import than all else here, and only a fetch needs it. The thread of a
        # fetch may be the first to import it, and a fork in the middle would leave the child with half of it.
        with not_during_a_fork():
            from .exchange import exchange

        return exchange(url, self._session, self._timeout_seconds, self._max_document_bytes)
