"""The bearer token of a request (RFC 6750 section 2.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .errors import Finding, Reason, TokenRejected

__all__ = ["bearer_token"]

# RFC 9110 section 11.1: a scheme is a token; RFC 6750 section 2.1: what follows is a b64token after 1*SP.
_SCHEME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_B64TOKEN = re.compile(r" +([A-Za-z0-9\-._~+/]+=*)")
_JOINED_BEARER = re.compile(r",[ \t]*bearer(?![!#$%&'*+\-.^_`|~0-9a-z=])", re.IGNORECASE)


def bearer_token(authorization: Sequence[str]) -> str | None:
    """The token in a request's `Authorization` fields, or None where there is none or another scheme.

    `authorization` holds the value of every such field of the request. Some servers join two fields
    with a comma, so one value is read as suspiciously as several. Raises TokenRejected
    (`malformed_request`) unless there is exactly one well-formed bearer token.
    """
    if not authorization:
        return None
    if len(authorization) > 1:
        raise _malformed(f"{len(authorization)} Authorization fields")
    value = authorization[0]
    if not value:
        return None
    scheme = _SCHEME.match(value)
    if scheme is None:
        raise _malformed("no scheme")
    if scheme[0].lower() != "bearer":
        if _JOINED_BEARER.search(value):
            raise _malformed("two Authorization fields, joined")
        return None
    token = _B64TOKEN.fullmatch(value, scheme.end())
    if token is None:
        raise _malformed("something else after 'Bearer'")
    return token[1]


def _malformed(actual: str) -> TokenRejected:
    return TokenRejected(Finding(Reason.MALFORMED_REQUEST, "Authorization", "Bearer and one token", actual))
