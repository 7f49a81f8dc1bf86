"""A redirect takes the call elsewhere, and the token stays: real servers, each HTTP library."""

from __future__ import annotations

import io
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from resource_protector.client import ClientCredentials, HttpxClientCredentials
from resource_protector.dev import DevRealm
from tests.client.api_server import REFUSED, Reply, Seen, api_server
from tests.client.callers import CLIENT, Caller

REDIRECTS = [302, 307]


def to(url: str, status: int) -> Reply:
    """A redirect."""
    return Reply(status, {"Location": url})


def refusing(_: Seen) -> Reply:
    """What a host answers that would like to see a token."""
    return Reply(401, REFUSED, b"give me another")


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["another port", "another host"])
def test_to_another_host_or_port(dev_realm: DevRealm, caller: Caller, host: str, status: int) -> None:
    """The second server never sees a token, neither with the redirect nor after its 401."""
    with api_server(refusing) as other, api_server(lambda _: to(other.url("/x", host), status)) as api:
        outcome = caller.call(caller.credentials(dev_realm), api.url())

    assert (outcome.status, outcome.sent) == (401, None)
    assert other.tokens == [None]
    assert len(api.seen) == 1
    assert dev_realm.requests["token"] == 1


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_from_https_to_http(
    dev_realm: DevRealm, caller: Caller, tls: tuple[Path, ssl.SSLContext], host: str, status: int
) -> None:
    """The same, where the second one is not even encrypted."""
    ca, context = tls
    with (
        api_server(refusing) as other,
        api_server(lambda _: to(other.url("/x", host), status), tls=context) as api,
    ):
        outcome = caller.call(caller.credentials(dev_realm), api.url("/", host), ca=ca)

    assert (outcome.status, outcome.sent) == (401, None)
    assert other.tokens == [None]
    assert api.tokens[0] is not None


def test_to_another_name_of_the_same_server(dev_realm: DevRealm, caller: Caller) -> None:
    """`localhost` and `127.0.0.1` are two hosts, on one port."""

    def answer(seen: Seen) -> Reply:
        return to(api.url("/x", "localhost"), 302) if seen.path == "/" else refusing(seen)

    with api_server(answer) as api:
        caller.call(caller.credentials(dev_realm), api.url())

    assert [token is not None for token in api.tokens] == [True, False]


def test_there_and_back(dev_realm: DevRealm, caller: Caller) -> None:
    """Whoever sends the call back to the API cannot have the token put on it."""

    def answer(seen: Seen) -> Reply:
        return to(other.url(), 302) if seen.path == "/" else refusing(seen)

    with api_server(answer) as api, api_server(lambda _: to(api.url("/delete"), 307)) as other:
        outcome = caller.call(caller.credentials(dev_realm), api.url())

    assert outcome.status == 401
    assert [(seen.path, seen.token is not None) for seen in api.seen] == [("/", True), ("/delete", False)]
    assert other.tokens == [None]


def test_on_the_same_host_it_stays(dev_realm: DevRealm, caller: Caller) -> None:
    """A missing slash costs no token."""

    def answer(seen: Seen) -> Reply:
        return to("/orders/", 308) if seen.path == "/orders" else Reply(200)

    with api_server(answer) as api:
        outcome = caller.call(caller.credentials(dev_realm), api.url("/orders"))

    assert outcome.status == 200
    assert len(set(api.tokens)) == 1
    assert outcome.sent == api.tokens[0]


def test_a_refusal_after_a_redirect_on_the_same_host(dev_realm: DevRealm, caller: Caller) -> None:
    """A fresh token for the request that was refused, and only that: what came before was carried out."""

    def answer(seen: Seen) -> Reply:
        if seen.path == "/orders":
            return to("/orders/1", 303)
        return refusing(seen) if seen.token == api.tokens[0] else Reply(200)

    with api_server(answer) as api:
        outcome = caller.call(caller.credentials(dev_realm), api.url("/orders"), method="POST", data=b"a book")

    assert outcome.status == 200
    assert [(seen.method, seen.path) for seen in api.seen] == [
        ("POST", "/orders"),
        ("GET", "/orders/1"),
        ("GET", "/orders/1"),
    ]


def test_a_redirect_after_a_refusal(dev_realm: DevRealm, caller: Caller) -> None:
    """The repeated request is redirected with the fresh token here, and without any elsewhere."""

    def answer(seen: Seen) -> Reply:
        if seen.token == api.tokens[0]:
            return refusing(seen)
        return to("/second", 307) if seen.path == "/first" else to(other.url(), 307)

    with api_server(lambda _: refusing(_)) as other, api_server(answer) as api:
        caller.call(caller.credentials(dev_realm), api.url("/first"), method="POST", data=b"a book")

    assert [(seen.path, seen.body) for seen in api.seen] == [
        ("/first", b"a book"),
        ("/first", b"a book"),
        ("/second", b"a book"),
    ]
    assert api.tokens[1] == api.tokens[2] != api.tokens[0]
    assert other.tokens == [None]
    assert dev_realm.requests["token"] == 2


def test_a_chain_of_refusals_is_no_loop(dev_realm: DevRealm, caller: Caller) -> None:
    """A host that refuses at each redirect what it took before it gets one repeat per call."""

    def answer(seen: Seen) -> Reply:
        elsewhere = {other.token for other in api.seen if other.path != seen.path}
        return refusing(seen) if seen.token in elsewhere else to(f"/{int(seen.path[1:]) + 1}", 307)

    with api_server(answer) as api:
        outcome = caller.call(caller.credentials(dev_realm), api.url("/0"))

    assert outcome.status == 401
    assert [seen.path for seen in api.seen] == ["/0", "/1", "/1", "/2"]
    assert dev_realm.requests["token"] == 2


class StandardPorts(BaseAdapter):
    """The network, for ports that a test cannot have: http://localhost redirects to https://localhost."""

    def __init__(self, location: str = "https://localhost/") -> None:
        super().__init__()
        self._location = location
        self.seen: list[tuple[str | None, str | None]] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self.seen.append((request.url, request.headers.get("Authorization")))
        response = requests.Response()
        response.request, response.url = request, str(request.url)
        response.status_code = 307 if response.url.startswith("http:") else 200
        response.headers["Location"] = self._location
        response.raw = HTTPResponse(io.BytesIO(b""), preload_content=False)
        return response

    def close(self) -> None:
        pass


def test_from_http_to_https_on_the_standard_ports(dev_realm: DevRealm) -> None:
    """requests itself lets a token through there; another scheme is another place all the same."""
    network = StandardPorts()
    with requests.Session() as session:
        session.mount("http://localhost", network)
        session.mount("https://localhost", network)
        secret = dev_realm.clients[CLIENT].secret or ""
        session.auth = ClientCredentials(dev_realm.issuer, CLIENT, secret)
        session.get("http://localhost/", timeout=30)

    assert [url for url, _ in network.seen] == ["http://localhost/", "https://localhost/"]
    assert [token is not None for _, token in network.seen] == [True, False]


def test_from_http_to_nowhere(dev_realm: DevRealm) -> None:
    """A Location that is no URL is for requests to complain about."""
    network = StandardPorts("http://[")
    with requests.Session() as session:
        session.mount("http://localhost", network)
        secret = dev_realm.clients[CLIENT].secret or ""
        session.auth = ClientCredentials(dev_realm.issuer, CLIENT, secret)
        with pytest.raises(ValueError, match="Invalid IPv6 URL"):
            session.get("http://localhost/", timeout=30)

    assert len(network.seen) == 1


class Careless(requests.Session):
    """A session that keeps the token on every redirect, as one of somebody's own may."""

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        pass


def test_a_session_that_lets_the_token_out(dev_realm: DevRealm) -> None:
    """What it does is its own doing, but the other host gets no fresh one for its 401."""
    with api_server(refusing) as other, api_server(lambda _: to(other.url(), 302)) as api, Careless() as session:
        secret = dev_realm.clients[CLIENT].secret or ""
        session.auth = ClientCredentials(dev_realm.issuer, CLIENT, secret)
        answer = session.get(api.url(), timeout=30)

    assert answer.status_code == 401
    assert other.tokens == api.tokens
    assert dev_realm.requests["token"] == 1


def test_httpx_from_http_to_https_on_the_standard_ports(dev_realm: DevRealm) -> None:
    """httpx keeps the token there, by design of its own; a 401 brings no fresh one all the same."""
    seen: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.scheme, request.headers["Authorization"]))
        if request.url.scheme == "http":
            return httpx.Response(307, headers={"Location": "https://localhost/"})
        return httpx.Response(401, headers=REFUSED)

    credentials = HttpxClientCredentials(dev_realm.issuer, CLIENT, dev_realm.clients[CLIENT].secret or "")
    with httpx.Client(auth=credentials, follow_redirects=True, transport=httpx.MockTransport(answer)) as client:
        reply = client.get("http://localhost/")

    assert reply.status_code == 401
    assert [scheme for scheme, _ in seen] == ["http", "https"]
    assert dev_realm.requests["token"] == 1
