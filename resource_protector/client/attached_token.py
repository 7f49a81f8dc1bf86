"""The token on one request of `requests`, and what becomes of it when the answer comes."""

from __future__ import annotations

import weakref
from typing import Any
from urllib.parse import urljoin

import requests
from requests.exceptions import UnrewindableBodyError
from requests.utils import rewind_body

from .challenge import says_invalid_token
from .destinations import Origin, origin_of
from .held_token import HeldToken
from .token_source import TokenSource

__all__ = ["AttachedToken"]


class AttachedToken:
    """A response hook. `requests` copies it along redirects, so it acts only where the token was sent to.

    A request that was refused for its token is repeated once with a fresh one, if its body can be repeated.
    """

    __slots__ = ("_held", "_is_repeated", "_origin", "_request", "_source")

    def __init__(self, request: requests.PreparedRequest, held: HeldToken, origin: Origin, source: TokenSource) -> None:
        # Weak: the request holds its hooks, and a circle would wait for the garbage collector at each call.
        self._request = weakref.ref(request)
        self._held = held
        self._origin = origin
        self._source = source
        self._is_repeated = False

    def __call__(self, response: requests.Response, **options: Any) -> requests.Response:
        request = response.request
        if request is self._request():  # a prepared request may be sent a second time, hours later
            self._is_repeated = False
        if request.headers.get("Authorization") != self._held.header or not self._is_at_home(request.url):
            return response
        if response.status_code == 401 and not self._is_repeated:
            response = self._repeated(response, request, options)
        if response.is_redirect and self._is_upgrade(str(request.url), response.headers["Location"]):
            # The one change of origin at which `requests` leaves it in place.
            request.headers.pop("Authorization", None)
        return response

    def _repeated(
        self, refusal: requests.Response, request: requests.PreparedRequest, options: dict[str, Any]
    ) -> requests.Response:
        """The answer to the same request with a fresh token; `refusal` itself where there is no such thing."""
        if not says_invalid_token(refusal.headers.get("WWW-Authenticate", "")) or not _may_rewind(request):
            return refusal
        fresh = self._source.instead_of(self._held)
        if fresh is None:
            return refusal
        try:
            repeated = request.copy()
            if not isinstance(request.body, bytes | str | None):
                rewind_body(repeated)
        except (UnrewindableBodyError, ValueError):  # the latter for a file that was closed
            return refusal
        refusal.content  # noqa: B018 - read to its end, so that the connection can be used again
        refusal.close()
        # A redirect that follows is made from the first request, so that one gets the new token, too.
        repeated.headers["Authorization"] = request.headers["Authorization"] = fresh.header
        self._held, self._is_repeated = fresh, True
        answer: requests.Response = refusal.connection.send(repeated, **options)
        answer.history.append(refusal)
        answer.request = repeated
        if answer.status_code < 400:
            self._source.accepted()
        return answer

    def _is_upgrade(self, url: str, location: str) -> bool:
        """Whether `location` is this host by https, both on their standard ports."""
        scheme, host, port = self._origin
        try:
            return (scheme, port) == ("http", 80) and origin_of(urljoin(url, location)) == ("https", host, 443)
        except ValueError:  # no URL: `requests` will say so
            return False

    def _is_at_home(self, url: str | None) -> bool:
        return url is not None and origin_of(url) == self._origin


def _may_rewind(request: requests.PreparedRequest) -> bool:
    """Whether the body is in memory, or a file whose position was known before it was sent."""
    position = request._body_position  # type: ignore[attr-defined]  # what requests.utils.rewind_body goes by
    return isinstance(request.body, bytes | str | None) or isinstance(position, int)
