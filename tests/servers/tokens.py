"""Tokens in numbers."""

from __future__ import annotations

import base64
import json

from resource_protector.dev import DevRealm


def with_kid(token: str, kid: str) -> str:
    """`token`, as if another key had signed it."""
    header = token[: token.index(".")]
    fields = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    encoded = base64.urlsafe_b64encode(json.dumps({**fields, "kid": kid}).encode()).rstrip(b"=").decode()
    return encoded + token[len(header) :]


def mint_many(realm: DevRealm, number: int) -> list[str]:
    """Different tokens of the realm's newest key, good for five minutes."""
    return [realm.mint(number=index) for index in range(number)]
