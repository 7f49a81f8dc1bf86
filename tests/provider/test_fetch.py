"""One JSON document, fetched from the provider within a deadline and a size."""

import gzip
import json
import time

import pytest
import requests
from requests.adapters import HTTPAdapter

from resource_protector.provider import JsonFetcher, ProviderFailed
from tests.keys.provider import Conversation, answering, dripping, talking

OK = "HTTP/1.1 200 OK\nContent-Type: application/json\nConnection: close"
GOOD = json.dumps({"keys": [1]}).encode()


def fetcher(*, timeout_seconds: float = 5.0, session: requests.Session | None = None) -> JsonFetcher:
    """A fetch with limits that a test can reach."""
    return JsonFetcher(timeout_seconds=timeout_seconds, max_document_bytes=10_000, session=session)


def test_a_document_is_fetched_and_decoded() -> None:
    """The plain case, without a Content-Length."""
    with talking(answering(OK, GOOD)) as url:
        assert fetcher()(url) == {"keys": [1]}


def test_a_chunked_document_is_fetched() -> None:
    """Proxies send chunks."""
    chunked = b"5\r\n" + GOOD[:5] + b"\r\n" + f"{len(GOOD) - 5:x}\r\n".encode() + GOOD[5:] + b"\r\n0\r\n\r\n"

    with talking(answering(OK + "\nTransfer-Encoding: chunked", chunked)) as url:
        assert fetcher()(url) == {"keys": [1]}


@pytest.mark.parametrize(
    ("conversation", "message"),
    [
        pytest.param(answering("HTTP/1.1 500 Oops\nConnection: close"), "answered 500", id="500"),
        pytest.param(answering("HTTP/1.1 204 No Content\nConnection: close"), "answered 204", id="204"),
        pytest.param(answering("HTTP/1.1 404 Not Found\nConnection: close"), "answered 404", id="404"),
        pytest.param(
            answering("HTTP/1.1 302 Found\nLocation: http://127.0.0.1:1/\nConnection: close"),
            "redirects are not followed",
            id="a redirect",
        ),
        pytest.param(answering(OK, b"<html>Maintenance</html>"), "not JSON", id="HTML with 200"),
        pytest.param(answering(OK, GOOD[:-3]), "not JSON", id="truncated JSON"),
        pytest.param(answering(OK, b'{"keys":' + b"[" * 9000), "not JSON", id="nested without end"),
        pytest.param(answering(OK, b"\xff\xfe"), "not JSON", id="not UTF-8"),
        pytest.param(answering(OK, b" " * 10_001), "max_document_bytes=10000", id="too large"),
        pytest.param(
            dripping(OK.replace("\n", "\r\n").encode() + b"\r\n\r\n", b" " * 4000, every_seconds=0.0),
            "max_document_bytes",
            id="without end",
        ),
        pytest.param(
            answering(OK + "\nContent-Encoding: gzip", gzip.compress(b" " * 1_000_000)),
            "Content-Encoding",
            id="a gzip bomb",
        ),
        pytest.param(answering(OK + "\nContent-Length: 1000", GOOD), "", id="closed half way"),
        pytest.param(answering("", b""), "", id="no HTTP at all"),
        pytest.param(lambda connection, stopped: None, "", id="closed at once"),
    ],
)
def test_anything_else_is_a_failed_fetch(conversation: Conversation, message: str) -> None:
    """One kind of error, that says what the provider did instead and where."""
    with talking(conversation) as url, pytest.raises(ProviderFailed) as failed:
        fetcher()(url)

    assert str(failed.value).startswith(url)
    assert message in str(failed.value)


@pytest.mark.parametrize(
    "conversation",
    [
        pytest.param(dripping(b"", b""), id="silence"),
        pytest.param(dripping(b"HTTP/1.1 200", b"O"), id="a status line that drips"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nX: ", b"x"), id="a header that drips"),
        pytest.param(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="100 Continue again and again"),
        pytest.param(
            dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, every_seconds=0.0), id="100 Continue without a pause"
        ),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b" "), id="a body that drips"),
        pytest.param(
            dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"), id="chunks that drip"
        ),
    ],
)
def test_the_deadline_is_for_the_whole_exchange(conversation: Conversation) -> None:
    """However slowly the bytes drip, the fetch ends when its time is over."""
    begun = time.monotonic()
    with talking(conversation) as url, pytest.raises(ProviderFailed, match=r"timeout_seconds=0\.4"):
        fetcher(timeout_seconds=0.4)(url)

    assert time.monotonic() - begun < 2


def test_a_tls_handshake_that_never_comes_ends_at_the_deadline() -> None:
    """The deadline covers what precedes HTTP."""
    with talking(dripping(b"", b"")) as url, pytest.raises(ProviderFailed):
        fetcher(timeout_seconds=0.4)(url.replace("http:", "https:"))


def test_a_provider_that_does_not_speak_tls_is_named() -> None:
    """The cause is said in the words of the innermost error."""
    with talking(answering(OK, GOOD)) as url, pytest.raises(ProviderFailed, match=r"SSL|WRONG_VERSION|record layer"):
        fetcher()(url.replace("http:", "https:"))


def test_a_refused_connection_is_named() -> None:
    """Nobody listens: the message says where, and what the system said."""
    with talking(answering(OK)) as url:
        pass

    with pytest.raises(ProviderFailed, match="ConnectionRefusedError"):
        fetcher()(url)


def test_the_callers_session_is_used() -> None:
    """Its headers and CA are for fetching keys too; the session itself is left alone."""
    seen: list[bytes] = []

    def conversation(connection, stopped):  # type: ignore[no-untyped-def]  # as in Conversation
        seen.append(connection.recv(65_536))
        connection.sendall(OK.replace("\n", "\r\n").encode() + b"\r\n\r\n" + GOOD)

    session = requests.Session()
    session.headers["X-Key"] = "abc"
    adapters = dict(session.adapters)
    with talking(conversation) as url:
        fetcher(session=session)(url)

    assert b"X-Key: abc" in seen[0]
    assert b"Accept-Encoding: identity" in seen[0]
    assert session.adapters == adapters


def test_an_adapter_of_the_callers_own_is_used() -> None:
    """Somebody who mounts an adapter knows why."""

    class Canned(HTTPAdapter):
        def send(self, request, *args, **kwargs):  # type: ignore[no-untyped-def]  # as in requests
            raise requests.ConnectionError(f"canned answer for {request.url}")

    session = requests.Session()
    session.mount("http://", Canned())

    with pytest.raises(ProviderFailed, match="canned answer"):
        fetcher(session=session)("http://127.0.0.1:1/certs")


def test_a_proxy_of_the_callers_session_is_used_within_the_deadline() -> None:
    """The deadline holds on the way through a proxy as well."""
    with talking(answering(OK, GOOD)) as proxy:
        session = requests.Session()
        session.proxies = {"http": proxy.removesuffix("/certs")}
        assert fetcher(session=session)("http://sso.example.com/certs") == {"keys": [1]}

    with talking(dripping(b"HTTP/1.1 200", b"O")) as proxy:
        session.proxies = {"http": proxy.removesuffix("/certs")}
        with pytest.raises(ProviderFailed, match="timeout_seconds"):
            fetcher(session=session, timeout_seconds=0.4)("http://sso.example.com/certs")


def test_a_proxy_of_the_environment_is_not_used_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A realm on a loopback address is reached directly, as if it stood in no_proxy; others go through the proxy."""
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with talking(answering(OK, b'{"from": "proxy"}')) as proxy, talking(answering(OK, GOOD)) as url:
        monkeypatch.setenv("http_proxy", proxy.removesuffix("/certs"))

        assert fetcher()(url) == {"keys": [1]}
        assert fetcher()("http://sso.example.com/certs") == {"from": "proxy"}


@pytest.mark.parametrize("size", [0, -1, 1.5, "1000", True, None])
def test_the_largest_document_is_a_number_of_bytes(size: object) -> None:
    """A limit that limits nothing is a mistake."""
    with pytest.raises(ValueError, match="max_document_bytes"):
        JsonFetcher(timeout_seconds=5, max_document_bytes=size)  # type: ignore[arg-type]  # that is the point
