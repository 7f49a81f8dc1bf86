"""Refusals as FastAPI's exceptions, so that an application's own exception handlers see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import HTTPException, WebSocketException, status
from fastapi.responses import JSONResponse
from starlette.requests import HTTPConnection

from resource_protector.errors import InsufficientScope, KeysUnavailable, TokenRejected

__all__ = ["Refusal", "answer", "refusal"]


class Refusal(HTTPException):
    """What a refusal is to FastAPI; it stands behind TokenRejected and KeysUnavailable.

    So an application's handler of those is asked first, then that of `init_app`, then one of HTTPException.
    """

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)  # Authlib's exceptions hand this on; status and detail are set in front


class _Answer:
    """The members that Starlette reads: it answers `detail` and `headers` under `status_code`."""

    detail: Any
    headers: Mapping[str, str] | None

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        refused: Any = self
        self.detail = dict(refused.get_body())
        self.headers = {name: value for name, value in refused.get_headers() if name != "Content-Type"}


class _Rejected(_Answer, TokenRejected, Refusal):
    """400 and 401."""


class _Forbidden(_Answer, InsufficientScope, Refusal):
    """403."""


class _Unavailable(_Answer, KeysUnavailable, Refusal):
    """503."""


def refusal(error: TokenRejected | KeysUnavailable, connection: HTTPConnection) -> Exception:
    """What to raise for `error`: an HTTPException, also for a WebSocket that is not accepted yet.

    Where the server cannot answer that by an HTTP response (ASGI's Websocket Denial Response
    extension), the WebSocket is closed, which says less: 1008, policy violation, or 1013, try again later.
    """
    scope = connection.scope
    if scope["type"] == "websocket" and "websocket.http.response" not in (scope.get("extensions") or ()):
        is_unavailable = isinstance(error, KeysUnavailable)
        code = status.WS_1013_TRY_AGAIN_LATER if is_unavailable else status.WS_1008_POLICY_VIOLATION
        return WebSocketException(code, error.description)
    if isinstance(error, KeysUnavailable):
        return _Unavailable(error.finding, retry_after_seconds=error.retry_after_seconds)
    kind = _Forbidden if isinstance(error, InsufficientScope) else _Rejected
    return kind(error.finding, realm=error.realm, scope=error.scope)


async def answer(connection: HTTPConnection, refused: Any) -> JSONResponse:
    """The members at the top level of the body, as the providers of tokens have them (RFC 6749 section 5.2)."""
    return JSONResponse(refused.detail, refused.status_code, refused.headers)
