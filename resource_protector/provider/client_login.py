"""How a client says who it is: HTTP Basic, as OAuth 2.0 wants it (RFC 6749 section 2.3.1)."""

from __future__ import annotations

import base64
from urllib.parse import quote

__all__ = ["basic_authorization"]


def basic_authorization(client_id: str, client_secret: str) -> str:
    """The value of `Authorization`; id and secret are percent-encoded first, which `requests` and Authlib leave out."""
    pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")
