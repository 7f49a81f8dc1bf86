"""One call by each HTTP library, so that one test states a fact of all of them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import requests

from resource_protector.client import ClientCredentials, HttpxClientCredentials
from resource_protector.dev import DevRealm

CLIENT = "test_api_client"
SCOPE = "test_api_access"


@dataclass(frozen=True)
class Outcome:
    """The last answer to a call, whichever library made it."""

    status: int
    text: str
    sent: str | None  # the Authorization of the request that was answered


Credentials = ClientCredentials | HttpxClientCredentials
Make = Callable[..., Credentials]


@dataclass(frozen=True)
class Caller:
    """Makes credentials, and calls with them; redirects are followed. `ca` is the file of a certificate authority."""

    make: Make
    call: Callable[..., Outcome]

    def credentials(self, realm: DevRealm, **options: Any) -> Credentials:
        """Those of the demo realm's service account, with the scope that the API wants."""
        return self.make(realm.issuer, CLIENT, realm.clients[CLIENT].secret, **({"scope": SCOPE} | options))


def with_requests(
    credentials: Any, url: str, *, method: str = "GET", data: Any = None, ca: Path | None = None
) -> Outcome:
    """A call by a session of `requests`."""
    with requests.Session() as session:
        session.trust_env = False
        answer = session.request(method, url, data=data, auth=credentials, verify=str(ca) if ca else True, timeout=30)
    return Outcome(answer.status_code, answer.text, answer.request.headers.get("Authorization"))


def with_httpx(credentials: Any, url: str, *, method: str = "GET", data: Any = None, ca: Path | None = None) -> Outcome:
    """A call by a client of `httpx`."""
    with httpx.Client(auth=credentials, follow_redirects=True, verify=trusting(ca), trust_env=False) as client:
        answer = client.request(method, url, content=data, timeout=30)
    return Outcome(answer.status_code, answer.text, answer.request.headers.get("Authorization"))


def with_async_httpx(
    credentials: Any, url: str, *, method: str = "GET", data: Any = None, ca: Path | None = None
) -> Outcome:
    """A call by an asynchronous client of `httpx`, on a loop of its own."""

    async def call() -> httpx.Response:
        options: dict[str, Any] = {"auth": credentials, "follow_redirects": True, "verify": trusting(ca)}
        async with httpx.AsyncClient(trust_env=False, **options) as client:
            return await client.request(method, url, content=data, timeout=30)

    answer = asyncio.run(call())
    return Outcome(answer.status_code, answer.text, answer.request.headers.get("Authorization"))


def trusting(ca: Path | None) -> ssl.SSLContext | bool:
    """What httpx takes for `verify`."""
    return ssl.create_default_context(cafile=str(ca)) if ca else True


CALLERS = {
    "requests": Caller(ClientCredentials, with_requests),
    "httpx": Caller(HttpxClientCredentials, with_httpx),
    "httpx async": Caller(HttpxClientCredentials, with_async_httpx),
}
