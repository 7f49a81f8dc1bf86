"""One form posted to a token endpoint, and what is answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests
from urllib3.exceptions import HTTPError

from resource_protector.provider.exchange import root_cause
from resource_protector.provider.session import session_like

from .failure import TokenRequestFailed

__all__ = ["Answer", "post_form"]

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}
_MOST_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16

Authorize = Callable[[requests.PreparedRequest], requests.PreparedRequest]


@dataclass(frozen=True)
class Answer:
    """Status, headers, and the members of the JSON object in the body: none where there is no such thing."""

    status_code: int
    headers: Mapping[str, str]
    document: Mapping[str, object]


def post_form(
    url: str,
    form: Mapping[str, str],
    *,
    authorize: Authorize,
    session: requests.Session | None,
    timeout_seconds: float,
) -> Answer:
    """The answer to `form`, whatever it is. Raises TokenRequestFailed where there is none within `timeout_seconds`."""
    # A new session each time: token requests are minutes apart, and a kept connection would be a dead one.
    with session_like(session, url) as posting:
        try:
            # A redirect would take the secret to wherever it points. `auth` is given even where it adds nothing:
            # requests would else look into ~/.netrc, or ask the session's own auth, which may be waiting for this.
            with posting.post(
                url,
                data=dict(form),
                headers=_HEADERS,
                auth=authorize,
                timeout=timeout_seconds,
                allow_redirects=False,
                stream=True,
            ) as response:
                return Answer(response.status_code, response.headers, _document(response))
        except (requests.RequestException, HTTPError) as error:  # the latter while the body is read, below requests
            if isinstance(error, requests.RequestException):
                error.request = error.response = None  # the request holds the secret, and an error is kept and shown
            raise TokenRequestFailed(_plainly(error, url, timeout_seconds)) from error


def _document(response: requests.Response) -> Mapping[str, object]:
    body = bytearray()
    while chunk := response.raw.read(_CHUNK_BYTES, decode_content=False):
        body += chunk
        if len(body) > _MOST_BYTES:
            return {}
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _plainly(error: Exception, url: str, timeout_seconds: float) -> str:
    if isinstance(error, requests.exceptions.ProxyError):
        return f"The proxy on the way to {url} does not answer: see HTTPS_PROXY and NO_PROXY, or the session's proxies."
    if isinstance(error, requests.exceptions.SSLError):
        return f"The certificate of {url} is not trusted here: set REQUESTS_CA_BUNDLE to the file of its CA."
    if isinstance(error, requests.Timeout) or isinstance(root_cause(error), TimeoutError):
        return f"{url} did not answer within {timeout_seconds:g} seconds: is the realm well, and the address right?"
    if isinstance(error, requests.ConnectionError):
        return f"Nothing answers at {url}: is the realm running, and are host and port right?"
    return f"{url} broke off its answer: is that the token endpoint of a realm?"
