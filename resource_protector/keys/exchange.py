"""One exchange with the provider, within a deadline and a size: the request, and the JSON that it answers."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from resource_protector.realm import is_loopback

from .deadline import DeadlineAdapter
from .fetch import FetchFailed

__all__ = ["exchange"]

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}


def exchange(url: str, session: requests.Session | None, timeout_seconds: float, max_document_bytes: int) -> object:
    """The JSON document at `url`. Raises FetchFailed, whatever goes wrong."""
    try:
        with (
            _session_like(session, url) as own,
            own.get(url, headers=_HEADERS, timeout=timeout_seconds, allow_redirects=False, stream=True) as response,
        ):
            body = _body(response, max_document_bytes)
    except (requests.RequestException, HTTPError) as error:  # the latter while the body is read, below requests
        raise FetchFailed(f"{url}: {_plainly(error, timeout_seconds)}") from error
    except FetchFailed as error:
        raise FetchFailed(f"{url}: {error}") from error.__cause__
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        kind = response.headers.get("Content-Type", "no content type")[:80]
        raise FetchFailed(f"{url}: answered 200 with something that is not JSON ({kind!r})") from error


def _body(response: requests.Response, max_document_bytes: int) -> bytes:
    if response.status_code != 200:
        where = "; redirects are not followed" if response.is_redirect else ""
        raise FetchFailed(f"answered {response.status_code}{where}")
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise FetchFailed(f"answered in Content-Encoding {encoding[:40]!r} without being asked to")
    body = bytearray()
    while chunk := response.raw.read(65_536, decode_content=False):
        body += chunk
        if len(body) > max_document_bytes:
            raise FetchFailed(f"the document is larger than max_document_bytes={max_document_bytes}")
    return bytes(body)


def _session_like(callers: requests.Session | None, url: str) -> requests.Session:
    """A new session with the caller's settings, whose connections keep the deadline.

    New each time: fetches are minutes apart, and a kept connection would be a dead one.
    """
    session = requests.Session()
    if callers is None:
        # A proxy of the environment is for the world outside; nothing on this machine is reached through it.
        session.trust_env = not is_loopback(urlsplit(url).hostname or "")
    else:
        for name in ("headers", "auth", "proxies", "params", "verify", "cert", "cookies", "trust_env", "hooks"):
            setattr(session, name, getattr(callers, name))
        for prefix, adapter in callers.adapters.items():
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
