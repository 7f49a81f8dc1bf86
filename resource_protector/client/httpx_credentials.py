"""A client's own token on every call that `httpx` makes, in threads or in an event loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

from .challenge import says_invalid_token
from .configured import ConfiguredCredentials
from .destinations import Origin, origin_of
from .held_token import HeldToken

try:
    import httpx
except ImportError as error:
    raise ImportError(
        "HttpxClientCredentials needs httpx: write  pip install 'resource-protector[httpx]'", name="httpx"
    ) from error

__all__ = ["HttpxClientCredentials"]


class HttpxClientCredentials(ConfiguredCredentials, httpx.Auth):
    """Credentials for `httpx`: `httpx.Client(auth=credentials)`, `httpx.AsyncClient(auth=credentials)`, or one call.

    Arguments and behaviour are those of `ClientCredentials`, with three differences: a refused request is repeated
    if its body is in memory, and not if it is a file; the event loop is asyncio's; and one redirect keeps the token
    by httpx's own doing, from http to https on the same host and the standard ports.
    """

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        origin = self._destinations.check(str(request.url))
        held = self._source.token()
        request.headers["Authorization"] = held.header
        response = yield request
        if _may_repeat(response, held, origin):
            fresh = self._source.instead_of(held)
            if fresh is not None:
                response.request.headers["Authorization"] = fresh.header
                self._note((yield response.request))

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        origin = self._destinations.check(str(request.url))
        held = await self._source.token_async()
        request.headers["Authorization"] = held.header
        response = yield request
        if _may_repeat(response, held, origin):
            fresh = await self._source.instead_of_async(held)
            if fresh is not None:
                response.request.headers["Authorization"] = fresh.header
                self._note((yield response.request))

    def _note(self, answer: httpx.Response) -> None:
        if answer.status_code < 400:
            self._source.accepted()


def _may_repeat(response: httpx.Response, held: HeldToken, origin: Origin) -> bool:
    """Whether the token was refused where it was sent to, by a request that can be sent again.

    After redirects the response is that of the last host. What is repeated is its request alone: the one before
    may have been a POST that was carried out.
    """
    request = response.request
    return (
        response.status_code == 401
        and request.headers.get("Authorization") == held.header
        and origin_of(str(request.url)) == origin
        and says_invalid_token(response.headers.get("WWW-Authenticate", ""))
        and isinstance(request.stream, httpx.ByteStream)
    )
