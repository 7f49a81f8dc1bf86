"""A session of our own with the caller's settings, whose connections keep the deadline."""

from __future__ import annotations

from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from resource_protector.realm import is_loopback

from .deadline import DeadlineAdapter

__all__ = ["session_like"]

_SETTINGS = ("headers", "auth", "proxies", "params", "verify", "cert", "cookies", "trust_env", "hooks")


def session_like(callers: requests.Session | None, url: str, *, connections: int = 1) -> requests.Session:
    """A new session for `url` that keeps up to `connections` connections, with the settings of `callers`."""
    session = requests.Session()
    if callers is None:
        # A proxy of the environment is for the world outside; nothing on this machine is reached through it.
        session.trust_env = not is_loopback(urlsplit(url).hostname or "")
    else:
        for name in _SETTINGS:
            setattr(session, name, getattr(callers, name))
        for prefix, adapter in callers.adapters.items():
            if type(adapter) is not HTTPAdapter:  # one of the caller's own: it knows what it does
                session.mount(prefix, adapter)
    for prefix in ("https://", "http://"):
        if type(session.get_adapter(prefix)) is HTTPAdapter:
            session.mount(prefix, DeadlineAdapter(pool_maxsize=connections))
    return session
