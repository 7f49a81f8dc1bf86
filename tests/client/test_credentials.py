"""Calls with credentials, by each HTTP library, against real servers."""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests

from resource_protector.client import ClientCredentials, HttpxClientCredentials, TokenRequestFailed
from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from resource_protector.realm import revocation_url
from tests.client.api_server import REFUSED, ApiServer, Reply, api_server
from tests.client.callers import CLIENT, SCOPE, Caller
from tests.polling import Clock


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """An API that accepts everything until it is told otherwise."""
    with api_server(lambda _: Reply(200)) as server:
        yield server


def of_requests(realm: DevRealm, **options: Any) -> ClientCredentials:
    """The demo client's credentials for `requests`."""
    return ClientCredentials(realm.issuer, CLIENT, realm.clients[CLIENT].secret or "", scope=SCOPE, **options)


def of_httpx(realm: DevRealm, **options: Any) -> HttpxClientCredentials:
    """The same for `httpx`."""
    return HttpxClientCredentials(realm.issuer, CLIENT, realm.clients[CLIENT].secret or "", scope=SCOPE, **options)


def revoke(realm: DevRealm, authorization: str | None) -> None:
    """The realm takes back the token of a header."""
    token = (authorization or "").removeprefix("Bearer ")
    form = {"token": token, "client_id": CLIENT, "client_secret": realm.clients[CLIENT].secret}
    assert requests.post(revocation_url(realm.issuer), form, timeout=10).status_code == 200


@pytest.mark.parametrize("auth_method", ["client_secret_basic", "client_secret_post"])
def test_calls_have_a_token(dev_realm: DevRealm, api: str, caller: Caller, auth_method: str) -> None:
    """The API takes it, and it is fetched once."""
    credentials = caller.credentials(dev_realm, auth_method=auth_method)
    outcomes = [caller.call(credentials, f"{api}/orders", method="POST", data=b"a book") for _ in range(3)]

    assert [outcome.status for outcome in outcomes] == [200] * 3
    assert "a book" in outcomes[0].text
    assert dev_realm.requests["token"] == 1


def test_no_network_before_the_first_call(dev_realm: DevRealm, caller: Caller) -> None:
    """Credentials can be made while the realm is away."""
    with dev_realm.down():
        caller.credentials(dev_realm)

    assert dev_realm.requests["token"] == 0


def test_a_session_has_them(dev_realm: DevRealm, api: str) -> None:
    """session.auth serves all calls, also where the session is the one that the token requests are like."""
    with requests.Session() as session:
        session.auth = of_requests(dev_realm, session=session)
        statuses = [session.get(f"{api}/orders", timeout=30).status_code for _ in range(3)]

    assert statuses == [200] * 3
    assert dev_realm.requests["token"] == 1


def test_1000_calls_on_50_threads(dev_realm: DevRealm, api: str) -> None:
    """One token request."""
    credentials = of_requests(dev_realm)

    def twenty_calls(_: int) -> list[int]:
        with requests.Session() as session:
            session.auth = credentials
            return [session.get(f"{api}/orders", timeout=60).status_code for _ in range(20)]

    with ThreadPoolExecutor(50) as pool:
        statuses = [status for some in pool.map(twenty_calls, range(50)) for status in some]

    assert statuses == [200] * 1000
    assert dev_realm.requests["token"] == 1


def test_1000_tasks_on_one_loop(dev_realm: DevRealm) -> None:
    """One token request; only the API's network is left out, which httpx needs ten seconds for."""
    credentials = of_httpx(dev_realm)
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(200)

    async def calls() -> list[int]:
        async with httpx.AsyncClient(auth=credentials, transport=httpx.MockTransport(answer)) as client:
            calling = [client.get("https://api.example.com/orders") for _ in range(1000)]
            return [answer.status_code for answer in await asyncio.gather(*calling)]

    assert asyncio.run(calls()) == [200] * 1000
    assert len(set(seen)) == 1
    assert dev_realm.requests["token"] == 1


@pytest.mark.parametrize("ahead_seconds", [300, -300])
def test_the_realms_clock_does_not_matter(caller: Caller, ahead_seconds: float) -> None:
    """Five minutes ahead or behind, it is asked once per lifetime."""
    clock = Clock()
    with (
        DevRealm(DEMO_REALM_FILE, now=lambda: time.time() + ahead_seconds) as realm,
        api_server(lambda _: Reply(200)) as server,
    ):
        credentials = caller.credentials(realm, early_seconds=0, monotonic=clock)
        asked = []
        for _ in range(3):
            for _ in range(5):
                caller.call(credentials, server.url())
                clock.advance(60)
            asked.append(realm.requests["token"])

    assert asked == [1, 2, 3]


# 401


@pytest.mark.parametrize("data", [None, b"a book"], ids=["GET", "POST"])
def test_a_revoked_token(dev_realm: DevRealm, api: str, caller: Caller, data: bytes | None) -> None:
    """One more token request, and the call succeeds, with its body."""
    credentials = caller.credentials(dev_realm)
    method = "GET" if data is None else "POST"
    first = caller.call(credentials, f"{api}/strict", method=method, data=data)
    revoke(dev_realm, first.sent)
    second = caller.call(credentials, f"{api}/strict", method=method, data=data)

    assert (first.status, second.status) == (200, 200)
    assert second.text == first.text
    assert second.sent != first.sent
    assert dev_realm.requests["token"] == 2


def test_never_a_loop(dev_realm: DevRealm, server: ApiServer, caller: Caller) -> None:
    """An API that refuses every token is called twice, and then once per call for a while; the answer is its own."""
    server.answer = lambda _: Reply(401, REFUSED, b"no")
    credentials = caller.credentials(dev_realm)
    outcomes = [caller.call(credentials, server.url()) for _ in range(3)]

    assert [(outcome.status, outcome.text) for outcome in outcomes] == [(401, "no")] * 3
    assert len(server.seen) == 2 + 1 + 1
    assert len(set(server.tokens)) == 2
    assert dev_realm.requests["token"] == 2


@pytest.mark.parametrize(
    "headers",
    [{}, {"WWW-Authenticate": "Bearer"}, {"WWW-Authenticate": 'Bearer error="invalid_request"'}],
    ids=["no challenge", "no error", "another error"],
)
def test_another_401(dev_realm: DevRealm, server: ApiServer, caller: Caller, headers: dict[str, str]) -> None:
    """Only invalid_token is a matter of the token's freshness."""
    server.answer = lambda _: Reply(401, headers)
    outcome = caller.call(caller.credentials(dev_realm), server.url())

    assert outcome.status == 401
    assert len(server.seen) == 1


def test_401_while_the_realm_is_away(dev_realm: DevRealm, server: ApiServer, caller: Caller) -> None:
    """Without a fresh token the answer is the API's, whole."""
    credentials = caller.credentials(dev_realm)
    caller.call(credentials, server.url())
    server.answer = lambda _: Reply(401, REFUSED, b"no")
    with dev_realm.down():
        outcome = caller.call(credentials, server.url())

    assert (outcome.status, outcome.text) == (401, "no")


def refusing_once(seen: list[str]) -> Any:
    """An answer that is 401 to the first token and 200 to any other."""

    def answer(request: Any) -> Reply:
        seen.append(request.body.decode())
        return Reply(401, REFUSED) if len(seen) == 1 else Reply(200)

    return answer


def test_a_file_is_read_again_from_where_it_was(dev_realm: DevRealm, server: ApiServer, tmp_path: Path) -> None:
    """requests sends files as streams; the repeat begins where the call began."""
    (tmp_path / "file").write_bytes(b"skipped, a book")
    bodies: list[str] = []
    server.answer = refusing_once(bodies)
    with (tmp_path / "file").open("rb") as file:
        file.seek(9)
        answer = requests.post(server.url(), data=file, auth=of_requests(dev_realm), timeout=30)

    assert answer.status_code == 200
    assert bodies == ["a book", "a book"]


def test_what_cannot_be_sent_again_is_not(dev_realm: DevRealm, server: ApiServer) -> None:
    """A generator is used up: the answer is the API's, and no token is fetched for nothing."""
    bodies: list[str] = []
    server.answer = refusing_once(bodies)
    by_requests = requests.post(server.url(), data=iter([b"a", b"b"]), auth=of_requests(dev_realm), timeout=30)
    bodies.clear()
    by_httpx = httpx.post(server.url(), content=iter([b"a", b"b"]), auth=of_httpx(dev_realm), trust_env=False)

    assert (by_requests.status_code, by_httpx.status_code) == (401, 401)
    assert len(server.seen) == 2
    assert dev_realm.requests["token"] == 2


class Forward(io.BytesIO):
    """A file that from some moment on cannot be rewound."""

    fails: Exception | None = None

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if self.fails is not None:
            raise self.fails
        return super().seek(offset, whence)


@pytest.mark.parametrize("fails", [OSError("not seekable"), ValueError("seek of closed file")], ids=["pipe", "closed"])
def test_a_file_that_cannot_be_rewound_is_not_sent_again(
    dev_realm: DevRealm, server: ApiServer, fails: Exception
) -> None:
    """The answer is the API's, whole."""
    file = Forward(b"a book")

    def answer(_: Any) -> Reply:
        file.fails = fails
        return Reply(401, REFUSED, b"no")

    server.answer = answer
    reply = requests.post(server.url(), data=file, auth=of_requests(dev_realm), timeout=30)

    assert (reply.status_code, reply.text) == (401, "no")
    assert len(server.seen) == 1


def test_a_prepared_request_that_is_sent_again_later(dev_realm: DevRealm, api: str) -> None:
    """Its token may be revoked in between, more than once."""
    credentials = of_requests(dev_realm)
    statuses = []
    with requests.Session() as session:
        prepared = session.prepare_request(requests.Request("GET", f"{api}/strict", auth=credentials))
        for _ in range(3):
            answer = session.send(prepared, timeout=30)
            statuses.append(answer.status_code)
            revoke(dev_realm, answer.request.headers["Authorization"])

    assert statuses == [200] * 3
    assert dev_realm.requests["token"] == 3


def test_the_repeat_is_the_same_request(dev_realm: DevRealm, server: ApiServer) -> None:
    """But for its token; the refusal is in the history, as with requests' own authentication."""

    def answer(_: Any) -> Reply:
        return Reply(401, REFUSED | {"Set-Cookie": "visit=1"}) if len(server.seen) == 1 else Reply(200)

    server.answer = answer
    headers = {"Cookie": "a=b", "X-Request-ID": "7"}
    with requests.Session() as session:
        reply = session.get(server.url("/x?y=z"), auth=of_requests(dev_realm), headers=headers, timeout=30)
        first, second = server.seen

        assert [refusal.status_code for refusal in reply.history] == [401]
        assert first.path == second.path == "/x?y=z"
        assert {**first.headers, "Authorization": None} == {**second.headers, "Authorization": None}
        assert session.cookies.get("visit") == "1"


# Where the token goes


def test_not_to_just_anywhere(dev_realm: DevRealm, server: ApiServer, caller: Caller) -> None:
    """Plain http to another host, and a host that is not allowed, are refused before any token is fetched."""
    with pytest.raises(ValueError, match="call it by https"):
        caller.call(caller.credentials(dev_realm), "http://api.example.com/")
    with pytest.raises(ValueError, match="which allow_hosts does not name"):
        caller.call(caller.credentials(dev_realm, allow_hosts=["api.example.com"]), server.url())

    assert server.seen == []
    assert dev_realm.requests["token"] == 0


def test_to_a_host_that_is_allowed(dev_realm: DevRealm, server: ApiServer, caller: Caller) -> None:
    """By its name and port."""
    credentials = caller.credentials(dev_realm, allow_hosts=[f"127.0.0.1:{server.port}"])

    assert caller.call(credentials, server.url()).status == 200


# Failures


def test_no_token(dev_realm: DevRealm, server: ApiServer, caller: Caller) -> None:
    """The call fails with the realm's reason, before the API is called; the realm is asked once."""
    credentials = caller.make(dev_realm.issuer, CLIENT, "hunter2")
    failures = []
    for _ in range(3):
        with pytest.raises(TokenRequestFailed, match="check the secret of client") as raised:
            caller.call(credentials, server.url())
        failures.append(raised.value)

    assert {failure.error for failure in failures} == {"unauthorized_client"}
    assert all(20 < (failure.retry_after_seconds or 0) <= 30 for failure in failures)
    assert server.seen == []
    assert dev_realm.requests["token"] == 1


def test_the_realm_is_away(dev_realm: DevRealm, server: ApiServer, caller: Caller) -> None:
    """The call names the address; the network's error is the cause."""
    with (
        dev_realm.down(),
        pytest.raises(TokenRequestFailed, match=f"Nothing answers at {dev_realm.issuer}") as raised,
    ):
        caller.call(caller.credentials(dev_realm), server.url())

    assert isinstance(raised.value.__cause__, requests.ConnectionError)


def test_no_secret_in_log_or_repr(
    dev_realm: DevRealm, server: ApiServer, caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is logged at whatever level by whichever library, of a token that is fetched, refused and replaced."""
    server.answer = lambda _: Reply(401, REFUSED)
    credentials = caller.credentials(dev_realm)
    with caplog.at_level(logging.DEBUG):
        outcome = caller.call(credentials, server.url())
        with dev_realm.down(), pytest.raises(TokenRequestFailed) as raised:
            caller.call(caller.make(dev_realm.issuer, CLIENT, "hunter2"), server.url())
    texts = [caplog.text, repr(credentials), str(credentials), repr(raised.value), str(raised.value)]
    secrets = [str(dev_realm.clients[CLIENT].secret), str(outcome.sent).removeprefix("Bearer "), "hunter2"]

    assert repr(credentials) == f"{type(credentials).__name__}({dev_realm.issuer!r}, 'test_api_client')"
    assert not [secret for secret in secrets for text in texts if secret in text]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"client_secret": None}, "client_secret is missing"),
        ({"client_secret": ""}, "client_secret is empty"),
        ({"scope": [1]}, "write the scopes in one string"),
        ({"early_seconds": -1}, "early_seconds is -1"),
        ({"allow_hosts": []}, "allow_hosts is empty"),
    ],
)
def test_what_cannot_be_used(caller: Caller, options: dict[str, Any], expected: str) -> None:
    """It is said when it is written."""
    arguments = {"issuer": "https://sso.example.com/realms/r", "client_id": "c", "client_secret": "s"} | options
    with pytest.raises(ValueError, match=expected):
        caller.make(**arguments)


def test_a_call_leaves_no_circle_behind(dev_realm: DevRealm, server: ApiServer) -> None:
    """What hangs on a request goes with it, and is not left to the garbage collector."""
    credentials = of_requests(dev_realm)
    with requests.Session() as session:
        prepared = session.prepare_request(requests.Request("GET", server.url()))
        gc.collect()
        credentials(prepared)
        del prepared

        assert gc.collect() == 0


def test_without_httpx(pytester: pytest.Pytester) -> None:
    """The extra may be missing: what needs it says how to get it, and nothing else does."""
    pytester.makepyfile(httpx="raise ImportError('no httpx here')")
    program = """
import resource_protector.client as client
client.ClientCredentials
try:
    client.HttpxClientCredentials
except ImportError as error:
    print(error)
try:
    client.nothing
except AttributeError as error:
    print(error)
"""
    result = pytester.run(sys.executable, "-c", program)

    assert result.ret == 0, result.errlines
    result.stdout.fnmatch_lines(["*pip install 'resource-protector[[]httpx[]]'*", "*has no attribute 'nothing'"])
