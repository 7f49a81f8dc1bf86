"""A realm's introspection endpoint, asked by this API's own client (RFC 7662 section 2)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from resource_protector.after_fork import not_during_a_fork, renew_after_fork
from resource_protector.provider import ProviderFailed, check_document_bytes
from resource_protector.provider.client_login import basic_authorization

if TYPE_CHECKING:
    import requests

__all__ = ["CONNECTIONS", "IntrospectionEndpoint"]

#: How many questions are under way at once, each on a connection of its own.
CONNECTIONS = 8


class IntrospectionEndpoint:
    """Where `client_id` asks about tokens; called with one, it returns the body of the answer.

    `locate` returns the endpoint's URL. `session` is the caller's: its CA, client certificate, proxies
    and headers are used, on connections that are kept.
    """

    def __init__(
        self,
        locate: Callable[[], str],
        client_id: str | None,
        client_secret: str | None,
        *,
        max_document_bytes: int,
        session: requests.Session | None = None,
    ) -> None:
        self.client_id = _text(client_id, "client_id")
        self._authorization = basic_authorization(self.client_id, _text(client_secret, "client_secret"))
        self._locate = locate
        self._max_document_bytes = check_document_bytes(max_document_bytes)
        self._callers_session = session
        self.renew_after_fork()
        renew_after_fork(self)

    def __call__(self, token: str, timeout_seconds: float) -> bytes:
        """The answer's body. Raises ProviderFailed where there is none within `timeout_seconds`.

        Beside that, whatever `locate` or an adapter of the caller's session raises.
        """
        with not_during_a_fork():
            from requests import ConnectionError, Timeout  # noqa: A004 - the names that requests gives them

        deadline = time.monotonic() + timeout_seconds
        try:
            try:
                return self._post(token, deadline)
            except ProviderFailed as error:
                if not isinstance(error.__cause__, ConnectionError) or isinstance(error.__cause__, Timeout):
                    raise
            # The other end closes kept connections when it likes, perhaps a moment ago.
            return self._post(token, deadline)
        except ProviderFailed as error:
            raise self._explained(error) from error.__cause__

    def renew_after_fork(self) -> None:
        """A forked child must not read the answers to its parent's questions."""
        self._locating = threading.Lock()  # one of eight first questions looks the address up
        self._kept: tuple[str, requests.Session] | None = None

    def _post(self, token: str, deadline: float) -> bytes:
        from resource_protector.provider.exchange import document

        url, session = self._connections()
        return document(
            session,
            "POST",
            url,
            timeout_seconds=max(deadline - time.monotonic(), 0.001),
            max_document_bytes=self._max_document_bytes,
            data={"token": token, "token_type_hint": "access_token"},
            auth=self._authorize,
        )

    def _connections(self) -> tuple[str, requests.Session]:
        from resource_protector.provider.session import session_like

        with self._locating:
            if self._kept is None:
                url = self._locate()
                self._kept = (url, session_like(self._callers_session, url, connections=CONNECTIONS))
            return self._kept

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._authorization
        return request

    def _explained(self, error: ProviderFailed) -> ProviderFailed:
        if error.status_code == 401:
            cure = f"client {self.client_id!r} or its secret is wrong: see client_id= and client_secret="
        elif error.status_code == 403:
            cure = f"client {self.client_id!r} may not ask: switch on its 'Client authentication' in the realm"
        else:
            if error.status_code == 404:
                self._kept = None  # the provider may have moved it: it is looked up again
            return error
        return ProviderFailed(f"{error}: {cure}", status_code=error.status_code)


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        # The value is not shown: it may be the secret, written in the wrong place.
        given = "empty" if value == "" else "missing" if value is None else type(value).__name__
        raise ValueError(f"{name} is {given}: introspection needs client_id= and client_secret=, both in text.")
    try:
        value.encode()
    except UnicodeEncodeError:  # an environment variable with a byte that is not UTF-8; its text would show the secret
        raise ValueError(f"{name} is not Unicode: write it in UTF-8 where it is configured.") from None
    return value
