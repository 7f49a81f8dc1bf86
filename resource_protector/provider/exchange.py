"""One exchange with the provider: a request, and the document that it answers."""

from __future__ import annotations

import json
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from .failure import ProviderFailed

__all__ = ["document", "json_document", "root_cause"]

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}


def document(
    session: requests.Session,
    method: str,
    url: str,
    *,
    timeout_seconds: float,
    max_document_bytes: int,
    **request: Any,
) -> bytes:
    """The body that `url` answers with 200. Raises ProviderFailed, whatever goes wrong.

    `request` is what `requests` takes beside these. Redirects are not followed.
    """
    # requests would let REQUESTS_CA_BUNDLE win over the CA that somebody gave the session.
    verify = None if session.verify is True else session.verify
    try:
        with session.request(
            method,
            url,
            headers=_HEADERS,
            timeout=timeout_seconds,
            verify=verify,
            allow_redirects=False,
            stream=True,
            **request,
        ) as response:
            return _body(response, max_document_bytes)
    except (requests.RequestException, HTTPError) as error:  # the latter while the body is read, below requests
        timed_out = isinstance(root_cause(error), TimeoutError)
        raise ProviderFailed(f"{url}: {_plainly(error, timeout_seconds)}", timed_out=timed_out) from error
    except ProviderFailed as error:
        raise ProviderFailed(f"{url}: {error}", status_code=error.status_code) from error.__cause__


def json_document(session: requests.Session, url: str, *, timeout_seconds: float, max_document_bytes: int) -> object:
    """The JSON document at `url`. Raises ProviderFailed, whatever goes wrong."""
    body = document(session, "GET", url, timeout_seconds=timeout_seconds, max_document_bytes=max_document_bytes)
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProviderFailed(f"{url}: answered 200 with something that is not JSON ({body[:40]!r})") from error


def _body(response: requests.Response, max_document_bytes: int) -> bytes:
    if response.status_code != 200:
        where = "; redirects are not followed" if response.is_redirect else ""
        raise ProviderFailed(f"answered {response.status_code}{where}", status_code=response.status_code)
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise ProviderFailed(f"answered in Content-Encoding {encoding[:40]!r} without being asked to")
    body = bytearray()
    while chunk := response.raw.read(65_536, decode_content=False):
        body += chunk
        if len(body) > max_document_bytes:
            raise ProviderFailed(f"the document is larger than max_document_bytes={max_document_bytes}")
    return bytes(body)


def root_cause(error: BaseException) -> BaseException:
    """The innermost cause: requests wraps urllib3 wraps the socket."""
    cause: BaseException = error
    while True:
        inner = cause.__cause__ or cause.__context__ or getattr(cause, "reason", None)
        inner = inner if isinstance(inner, BaseException) else next(filter(_is_error, cause.args), None)
        if inner is None:
            return cause
        cause = inner


def _plainly(error: BaseException, timeout_seconds: float) -> str:
    """What went wrong, in the words of the innermost cause."""
    cause = root_cause(error)
    if isinstance(cause, TimeoutError):
        # Rounded: what is left of a deadline is not what somebody configured.
        return f"no complete answer within timeout_seconds={round(timeout_seconds, 1):g}"
    return f"{type(cause).__name__}: {cause}"


def _is_error(value: object) -> bool:
    return isinstance(value, BaseException)
