"""The token in whatever somebody pasted: bare, with its scheme, in a header field, in a curl line, in a token response."""

from __future__ import annotations

import json
import re

__all__ = ["NoToken", "pasted_token"]

_QUOTES = "\"'`"
_VALUE = r"([^\s\"'`,;]+)"
# In the order in which they are looked for: the most telling first. Terminals and chats put line
# breaks and backslashes anywhere, so what stands between the words is not looked at closely.
_MARKED = (
    re.compile(r"authorization[\"'\s]*[:=][\"'\s\\]*bearer[\s\\]+" + _VALUE, re.IGNORECASE),
    re.compile(r"--oauth2-bearer[=\s\\]+[\"']?" + _VALUE, re.IGNORECASE),
    re.compile(r"^[\"'\s]*bearer[\s\\]+" + _VALUE, re.IGNORECASE),
)
_ANOTHER_SCHEME = re.compile(r"authorization[\"'\s]*[:=][\"'\s]*([A-Za-z-]+)\s", re.IGNORECASE)
_PIECES = re.compile(r"[A-Za-z0-9_\-.\s]+")
_UNEXPANDED = re.compile(r"[$%]\{?\w+[}%]?")


class NoToken(ValueError):
    """There is no token in what was pasted, or not exactly one. The message says what to paste instead."""


def pasted_token(text: str) -> str:
    """The one token in `text`. Raises NoToken where there is none, or more than one.

    Nothing is judged here: whatever stands where a token should be is taken for it.
    """
    found = _marked(text) or _token_response(text) or _bare(text)
    if _UNEXPANDED.fullmatch(found):
        raise NoToken(f"{found!r} stands where the token should be: the shell has not filled it in. Use double quotes.")
    return found


def _token_response(text: str) -> str | None:
    """The access token of a token endpoint's answer (RFC 6749 section 5.1)."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return None
    token = answer.get("access_token")
    if not isinstance(token, str) or not token:
        raise NoToken("This JSON has no member 'access_token': paste a token response, or the token alone.")
    return token


def _marked(text: str) -> str | None:
    for pattern in _MARKED:
        found = set(pattern.findall(text))
        if len(found) > 1:
            raise NoToken(f"There are {len(found)} tokens in this: paste one of them.")
        if found:
            return str(found.pop())
    scheme = _ANOTHER_SCHEME.search(text)
    if scheme:
        raise NoToken(
            f"The Authorization header has the scheme {scheme[1]!r}, and an access token comes with 'Bearer'."
        )
    return None


def _bare(text: str) -> str:
    token = text.strip().strip(_QUOTES)
    if not token or token.lower() == "bearer":
        raise NoToken("There is no token: pass it as an argument, or paste it into standard input.")
    words = token.split()
    if len(words) == 1:
        return token
    if _PIECES.fullmatch(token) and token.count(".") == 2:
        return "".join(words)  # one token that a terminal or a mail has broken into lines
    raise NoToken("There is more than a token in this: paste it alone, or an 'Authorization: Bearer ...' header.")
