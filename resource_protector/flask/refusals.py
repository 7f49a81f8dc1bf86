"""Refusals as Werkzeug's exceptions, so that an application's own error handlers see them."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from flask import after_this_request
from flask.wrappers import Response
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, ServiceUnavailable, Unauthorized

from resource_protector.errors import InsufficientScope, KeysUnavailable, TokenRejected

__all__ = ["raise_refusal"]


class _Answer:
    """The answer of a refusal, in the shape that Werkzeug asks for: Authlib has methods of the same names."""

    def get_body(self, environ: Any = None, scope: Any = None) -> str:
        return json.dumps(dict(super().get_body()))  # type: ignore[misc]  # the refusal that stands beside this class

    def get_headers(self, environ: Any = None, scope: Any = None) -> list[tuple[str, str]]:
        return super().get_headers()  # type: ignore[misc,no-any-return]  # likewise

    __call__ = HTTPException.__call__


class _MalformedRequest(_Answer, TokenRejected, BadRequest):  # type: ignore[misc]  # see _Answer
    """400."""


class _Unauthorized(_Answer, TokenRejected, Unauthorized):  # type: ignore[misc]  # see _Answer
    """401."""


class _Forbidden(_Answer, InsufficientScope, Forbidden):  # type: ignore[misc]  # see _Answer
    """403."""


class _Unavailable(_Answer, KeysUnavailable, ServiceUnavailable):  # type: ignore[misc]  # see _Answer
    """503."""


_BY_STATUS = {400: _MalformedRequest, 401: _Unauthorized, 403: _Forbidden}


def raise_refusal(error: TokenRejected | KeysUnavailable) -> NoReturn:
    """Raise `error` as an exception that is Werkzeug's too, with header fields that no error handler can lose."""
    refusal: Any
    if isinstance(error, KeysUnavailable):
        refusal = _Unavailable(error.finding, retry_after_seconds=error.retry_after_seconds)
    else:
        refusal = _BY_STATUS[error.status_code](error.finding, realm=error.realm, scope=error.scope)

    @after_this_request
    def keep_headers(response: Response) -> Response:
        # A view that caught the refusal and answers something else is not refusing.
        if response.status_code == refusal.status_code:
            for name, value in refusal.get_headers():
                if name != "Content-Type":
                    response.headers[name] = value
        return response

    raise refusal from error.__cause__
