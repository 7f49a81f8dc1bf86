"""One JSON document, fetched from the provider within a deadline and a size."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from resource_protector.realm import is_loopback

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
        import requests  # its import takes longer than that of everything else here, and only a fetch needs it
        from urllib3.exceptions import HTTPError

        try:
            with (
                self._session_for_one_fetch(url) as session,
                session.get(
                    url,
                    headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                    timeout=self._timeout_seconds,
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                body = self._body(response)
        except (requests.RequestException, HTTPError) as error:  # the latter while the body is read, below requests
            raise FetchFailed(f"{url}: {_plainly(error, self._timeout_seconds)}") from error
        except FetchFailed as error:
            raise FetchFailed(f"{url}: {error}") from error.__cause__
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            kind = response.headers.get("Content-Type", "no content type")[:80]
            raise FetchFailed(f"{url}: answered 200 with something that is not JSON ({kind!r})") from error

    def _body(self, response: requests.Response) -> bytes:
        if response.status_code != 200:
            where = "; redirects are not followed" if response.is_redirect else ""
            raise FetchFailed(f"answered {response.status_code}{where}")
        encoding = response.headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            raise FetchFailed(f"answered in Content-Encoding {encoding[:40]!r} without being asked to")
        body = bytearray()
        while chunk := response.raw.read(65_536, decode_content=False):
            body += chunk
            if len(body) > self._max_document_bytes:
                raise FetchFailed(f"the document is larger than max_document_bytes={self._max_document_bytes}")
        return bytes(body)

    def _session_for_one_fetch(self, url: str) -> requests.Session:
        """A new session with the caller's settings, whose connections keep the deadline.

        New each time: fetches are minutes apart, and a kept connection would be a dead one.
        """
        import requests
        from requests.adapters import HTTPAdapter

        from .deadline import DeadlineAdapter

        session = requests.Session()
        if self._session is None:
            # A proxy of the environment is for the world outside; nothing on this machine is reached through it.
            session.trust_env = not is_loopback(urlsplit(url).hostname or "")
        else:
            for name in ("headers", "auth", "proxies", "params", "verify", "cert", "cookies", "trust_env", "hooks"):
                setattr(session, name, getattr(self._session, name))
            for prefix, adapter in self._session.adapters.items():
                if type(adapter) is not HTTPAdapter:  # one of the caller's own: it knows what it does
                    session.mount(prefix, adapter)
        for prefix in ("https://", "http://"):
            if type(session.get_adapter(prefix)) is HTTPAdapter:
                session.mount(prefix, DeadlineAdapter())
        return session


def _plainly(error: BaseException, timeout_seconds: float) -> str:
    """What went wrong, in the words of the innermost cause: requests wraps urllib3 wraps the socket."""
    cause: BaseException = error
    while True:
        inner = cause.__cause__ or cause.__context__ or getattr(cause, "reason", None)
        inner = inner if isinstance(inner, BaseException) else next(filter(_is_error, cause.args), None)
        if inner is None:
            break
        cause = inner
    if isinstance(cause, TimeoutError):
        return f"no complete answer within timeout_seconds={timeout_seconds:g}"
    return f"{type(cause).__name__}: {cause}"


def _is_error(value: object) -> bool:
    return isinstance(value, BaseException)
