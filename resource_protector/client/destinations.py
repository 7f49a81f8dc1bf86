"""Where the token may go."""

from __future__ import annotations

import os
from collections.abc import Collection
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from resource_protector.realm import is_loopback

__all__ = ["Destinations", "Origin", "origin_of"]

Origin = tuple[str, str, int | None]
_PORTS = {"https": 443, "http": 80}


def origin_of(url: str) -> Origin:
    """Scheme, host and port (RFC 6454 section 4). Raises ValueError for what is no URL."""
    parts = urlsplit(url)
    scheme = parts.scheme
    return scheme, parts.hostname or "", parts.port or _PORTS.get(scheme)


class Destinations:
    """The hosts that the token may be sent to, by https, or by http within this machine.

    `allow_hosts` are names, with a port or for any port; None is every host. Raises ValueError for what is no host.
    """

    def __init__(self, allow_hosts: Collection[str] | None, *, allow_insecure_http: bool = False) -> None:
        self._hosts = None if allow_hosts is None else _hosts(allow_hosts)
        self._allow_insecure_http = allow_insecure_http

    def check(self, url: str) -> Origin:
        """The origin of `url`, if the token may go there. Raises ValueError."""
        origin = scheme, host, port = origin_of(url)
        if scheme != "https" and not (scheme == "http" and (self._allow_insecure_http or is_loopback(host))):
            raise ValueError(
                f"The token is not sent to {scheme}://{host}, where anybody on the way could read it: call it by "
                "https, or pass allow_insecure_http=True if the network between is trusted."
            )
        if scheme == "http" and not self._allow_insecure_http and _is_proxied(host):
            raise ValueError(
                f"The token is not sent to http://{host} through the proxy of the environment, which could read it: "
                f"set NO_PROXY=localhost,127.0.0.1 (now {os.environ.get('NO_PROXY') or os.environ.get('no_proxy')!r})."
            )
        if self._hosts is not None and (host, None) not in self._hosts and (host, port) not in self._hosts:
            raise ValueError(
                f"The token is not sent to {host}, port {port}, which allow_hosts does not name: add it there, "
                "or call that host without these credentials."
            )
        return origin


def _is_proxied(host: str) -> bool:
    """Whether an http call to this host leaves the machine by a proxy that the environment names."""
    proxies = getproxies()
    return bool(proxies.get("http") or proxies.get("all")) and not proxy_bypass(host)


def _hosts(allow_hosts: Collection[str]) -> frozenset[tuple[str, int | None]]:
    hosts = (allow_hosts,) if isinstance(allow_hosts, str) else tuple(allow_hosts)
    if not hosts:
        raise ValueError("allow_hosts is empty, so the token could go nowhere: name a host, or leave it out.")
    return frozenset(_host(host) for host in hosts)


def _host(written: object) -> tuple[str, int | None]:
    advice = (
        f"allow_hosts holds {written!r}: write a host as 'api.example.com', or with its port, 'api.example.com:8443'."
    )
    if not isinstance(written, str) or not written.isascii():
        raise ValueError(advice)
    try:
        parts = urlsplit(f"//{written}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(advice) from error
    if not host or parts.netloc != written or "*" in host or "@" in written or any(c.isspace() for c in written):
        raise ValueError(advice)
    return host, port
