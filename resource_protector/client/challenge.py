"""What an API says of the token it refused (RFC 6750 section 3, RFC 9110 section 11.6.1)."""

from __future__ import annotations

import re

__all__ = ["says_invalid_token"]

_MOST_CHARACTERS = 4096
# A scheme, or a parameter of the scheme before it: the values are skipped whole, so nothing within quotes counts.
_PART = re.compile(r"""([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"]*))?""", re.ASCII)


def says_invalid_token(www_authenticate: str) -> bool:
    """Whether one of the challenges is `Bearer` with `error="invalid_token"`: a fresh token may be accepted."""
    scheme = ""
    for part in _PART.finditer(www_authenticate[:_MOST_CHARACTERS]):
        name, value = part[1].lower(), part[2]
        if value is None:
            scheme = name
        elif scheme == "bearer" and name == "error" and value.strip('"') == "invalid_token":
            return True
    return False
