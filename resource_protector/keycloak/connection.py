"""The HTTP connection to a Keycloak server, as python-keycloak's constructor arguments describe it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import ConnectTimeoutError, ReadTimeoutError
from urllib3.util import Retry

from resource_protector.after_fork import renew_after_fork
from resource_protector.policy import check_seconds
from resource_protector.provider.deadline import DeadlineAdapter
from resource_protector.realm import is_loopback

from .exceptions import KeycloakConnectionError

__all__ = ["Connection"]

_DEFAULT_TIMEOUT_SECONDS = 60.0
_DEFAULT_POOL_SIZE = 10
_MOST_BYTES = 1 << 20
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server has answered."""

    status_code: int
    content: bytes

    @property
    def document(self) -> object:
        """The JSON document in it; None where there is none."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return None


class Connection:
    """Requests to one server, with its CA, client certificate, proxies, headers and deadline.

    Arguments: those of `KeycloakOpenID`. Raises ValueError for what would leave the server unproven, or
    could never work. Proxies and CA bundle of the environment count as they do with `requests`, except
    that a server on this machine is reached without a proxy.
    """

    def __init__(
        self,
        server_url: str,
        *,
        verify: bool | str | os.PathLike[str],
        custom_headers: Mapping[str, str] | None,
        proxies: Mapping[str, str] | None,
        timeout: float | None,
        cert: str | tuple[str, str] | None,
        max_retries: int,
        pool_maxsize: int | None,
    ) -> None:
        self.timeout_seconds = _DEFAULT_TIMEOUT_SECONDS if timeout is None else timeout
        check_seconds(self.timeout_seconds, "timeout", or_more=False)
        self._max_retries = _whole_number(max_retries, "max_retries", 0)
        self._pool_size = _whole_number(_DEFAULT_POOL_SIZE if pool_maxsize is None else pool_maxsize, "pool_maxsize", 1)
        around = requests.Session().merge_environment_settings(server_url, {}, None, None, None)
        self._settings: dict[str, Any] = {
            # What the environment has to say is read by now: asked again, its CA would win over the caller's.
            "trust_env": False,
            "verify": around["verify"] if verify is True else _ca_of(verify),
            "cert": _existing_cert(cert),
            "proxies": {
                **({} if is_loopback(urlsplit(server_url).hostname or "") else around["proxies"]),
                **(proxies or {}),
            },
        }
        self._headers = dict(custom_headers or {})
        self._session = self._pooled()
        renew_after_fork(self)

    def session(self) -> requests.Session:
        """A new session with the caller's settings."""
        session = requests.Session()
        for name, value in self._settings.items():
            setattr(session, name, value)
        session.headers.update(self._headers)
        # One user's session at the realm is none of another's.
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return session

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """What the server answers to GET. Raises KeycloakConnectionError."""
        return self._ask("GET", url, headers=headers)

    def post(self, url: str, form: Mapping[str, Any]) -> Answer:
        """What the server answers to a form. Raises KeycloakConnectionError."""
        return self._ask("POST", url, data=form, headers=_FORM)

    def renew_after_fork(self) -> None:
        """A child that used its parent's sockets would read answers that are the parent's."""
        self._session = self._pooled()

    def _pooled(self) -> requests.Session:
        session = self.session()
        retry = _Retry(
            total=self._max_retries, allowed_methods=None, backoff_factor=0, respect_retry_after_header=False
        )
        for prefix in ("https://", "http://"):
            session.mount(prefix, DeadlineAdapter(pool_maxsize=self._pool_size, max_retries=retry))
        return session

    def _ask(self, method: str, url: str, **request: Any) -> Answer:
        try:
            # A redirect would take the secret to wherever it points.
            with self._session.request(
                method, url, timeout=self.timeout_seconds, allow_redirects=False, stream=True, **request
            ) as response:
                content = bytearray()
                for chunk in response.iter_content(65_536):
                    content += chunk
                    if len(content) > _MOST_BYTES:
                        raise KeycloakConnectionError(f"The answer of {url} is larger than {_MOST_BYTES} bytes.")
                return Answer(response.status_code, bytes(content))
        except (requests.RequestException, OSError) as error:
            raise KeycloakConnectionError(f"The server cannot be asked at {url} ({type(error).__name__}).") from error


class _Retry(Retry):
    """Asks again where a kept connection turns out to be dead, but not where the time is up."""

    def increment(self, method: str | None = None, url: str | None = None, *args: Any, **kwargs: Any) -> Self:
        timed_out = isinstance(kwargs.get("error"), ReadTimeoutError | ConnectTimeoutError)
        if timed_out and self.total:
            return self.new(total=0).increment(method, url, *args, **kwargs)
        return super().increment(method, url, *args, **kwargs)


def _ca_of(verify: object) -> str:
    if verify is False:
        raise ValueError(
            "verify=False lets anybody on the way replace the realm's keys, and with them sign any token: write "
            "verify='/path/to/ca.pem', the CA that signed the server's certificate."
        )
    if not isinstance(verify, str | os.PathLike) or not os.fspath(verify):
        raise ValueError(f"verify is {verify!r}: write True, or the path of a CA bundle.")
    return _existing(verify, "verify")


def _existing_cert(cert: object) -> str | tuple[str, str] | None:
    if cert is None:
        return None
    if isinstance(cert, tuple | list) and len(cert) == 2:
        return _existing(cert[0], "cert"), _existing(cert[1], "cert")
    return _existing(cert, "cert")


def _existing(path: Any, name: str) -> str:
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"{name} is {path!r}: write the path of a file.")
    if not Path(path).exists():
        raise ValueError(f"{name} names {os.fspath(path)!r}, and there is no such file.")
    return os.fspath(path)


def _whole_number(value: object, name: str, minimum: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
        raise ValueError(f"{name} is {value!r}: write a whole number of at least {minimum}.")
    return value
