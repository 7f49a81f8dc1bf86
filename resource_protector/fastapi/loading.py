"""The keys, loaded while an application starts."""

from __future__ import annotations

import asyncio

from resource_protector.access_token_validator import AccessTokenValidator
from resource_protector.errors import KeysUnavailable
from resource_protector.keys import Load

__all__ = ["load_keys"]


async def load_keys(validator: AccessTokenValidator) -> None:
    """Have the keys of every issuer at hand, or know that they are not to be had: that is logged, and tried again.

    Waits for `timeout_seconds` at most, without blocking the event loop.
    """
    waits = []
    for keys in validator.key_sets():
        try:
            found = keys.at_hand() or keys.current()
        except KeysUnavailable:
            continue
        if isinstance(found, Load):
            seconds = max(0.0, keys.seconds_to_wait(found))
            waits.append(asyncio.wait({asyncio.wrap_future(found.future)}, timeout=seconds))
    await asyncio.gather(*waits)
