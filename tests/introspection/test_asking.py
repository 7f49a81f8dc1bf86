"""How the realm is asked: where, as whom, over which connections, and from which process."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from resource_protector import AccessToken, MultiRealmValidator, RealmTokenValidator, Reason
from resource_protector.dev import DevRealm
from tests.drop_in.relay import Certificates, relaying
from tests.introspection.conftest import MakeValidator, verdict
from tests.keys.provider import talking
from tests.polling import Clock, eventually

SMALL_REALM: dict[str, Any] = {
    "realm": "other",
    "enabled": True,
    "clients": [
        {"clientId": "api %/:+ü", "secret": "s %/:+&ü\\", "enabled": True, "serviceAccountsEnabled": True},
        {
            "clientId": "caller",
            "secret": "s",
            "enabled": True,
            "serviceAccountsEnabled": True,
            "protocolMappers": [
                {
                    "name": "audience",
                    "protocol": "openid-connect",
                    "protocolMapper": "oidc-audience-mapper",
                    "config": {"included.client.audience": "api %/:+ü", "access.token.claim": "true"},
                }
            ],
        },
    ],
}


@pytest.fixture
def other_realm() -> Iterator[DevRealm]:
    """A second realm, whose API has a name and a secret that have to be encoded."""
    with DevRealm(SMALL_REALM) as realm:
        yield realm


def other_validator(realm: DevRealm, **options: Any) -> RealmTokenValidator:
    """A validator of the second realm, with its own credentials."""
    client = "api %/:+ü"
    secret = realm.clients[client].secret
    return RealmTokenValidator(realm.issuer, audience=client, client_id=client, client_secret=secret, **options)


def test_ids_and_secrets_are_percent_encoded(other_realm: DevRealm) -> None:
    """RFC 6749 section 2.3.1, as Keycloak reads it."""
    assert isinstance(verdict(other_validator(other_realm), other_realm.token("caller")), AccessToken)


def test_each_realm_is_asked_by_its_own_credentials(
    dev_realm: DevRealm, other_realm: DevRealm, introspecting: MakeValidator
) -> None:
    """And about its own tokens only."""
    both = MultiRealmValidator(introspecting(), other_validator(other_realm))
    here = dev_realm.token(client="web", user="alice", scope="test_api_access")
    there = other_realm.token("caller")

    assert isinstance(verdict(both, here), AccessToken)
    assert dev_realm.requests["introspection"] == 1
    assert other_realm.requests["introspection"] == 0
    assert isinstance(verdict(both, there), AccessToken)
    assert other_realm.requests["introspection"] == dev_realm.requests["introspection"] == 1
    with dev_realm.log_out("alice"):
        assert verdict(both, there) is not Reason.INACTIVE
        assert verdict(MultiRealmValidator(introspecting()), here) is Reason.INACTIVE


def test_lightweight_tokens_of_several_realms(dev_realm: DevRealm, introspecting: MakeValidator) -> None:
    """Each is completed by its own realm, on plain routes."""
    both = MultiRealmValidator(introspecting(), introspecting("https://sso.example.com/realms/other"))
    token = dev_realm.token(client="lightweight", user="alice", scope="test_api_access")

    assert both.verify(token).client_roles("orders-api") == {"writer"}


def test_the_endpoint_is_on_the_host_of_the_keys(dev_realm: DevRealm, introspecting: MakeValidator) -> None:
    """The issuer's public address may not be reachable from the inside."""
    jwks_uri = f"http://localhost:{dev_realm.port}/realms/{dev_realm.name}/protocol/openid-connect/certs"
    validator = introspecting("https://sso.example.com/realms/myorg", jwks_uri=jwks_uri)
    token = dev_realm.mint(iss="https://sso.example.com/realms/myorg")

    # The dev realm does not know the public address, so it calls the token inactive; it was asked, that is what counts.
    assert verdict(validator, token) is Reason.INACTIVE
    assert dev_realm.requests["introspection"] == 1


def test_discovery_names_the_endpoint(dev_realm: DevRealm) -> None:
    """Any provider's, read when it is first needed."""
    validator = RealmTokenValidator.discover(
        dev_realm.issuer,
        audience="orders-api",
        client_id="orders-api",
        client_secret="orders-api-secret",
    )
    before = dev_realm.requests.total()
    token = dev_realm.token(client="web", user="alice", scope="test_api_access")

    assert before == 0
    assert isinstance(verdict(validator, token), AccessToken)
    assert dev_realm.requests["introspection"] == 1


def test_discovery_that_fails(dev_realm: DevRealm) -> None:
    """A provider without the endpoint, or away: 503, and once it is there the token passes."""
    validator = RealmTokenValidator.discover(
        dev_realm.issuer,
        audience="orders-api",
        client_id="orders-api",
        client_secret="orders-api-secret",
    )
    token = dev_realm.token(client="web", user="alice", scope="test_api_access")
    validator.verify(token)
    with dev_realm.down():
        away = verdict(validator, token)
    back = verdict(validator, token)

    assert away is Reason.INTROSPECTION_UNAVAILABLE
    assert isinstance(back, AccessToken)


def test_the_endpoint_may_be_named(dev_realm: DevRealm, introspecting: MakeValidator) -> None:
    """For another provider than Keycloak."""
    endpoint = f"{dev_realm.issuer}/protocol/openid-connect/token/introspect"
    validator = introspecting(
        jwks_uri=f"{dev_realm.issuer}/keys",
        introspection_endpoint=endpoint,
        fetch=lambda url: dev_realm.fetch(f"{dev_realm.issuer}/protocol/openid-connect/certs"),
    )
    token = dev_realm.token(client="web", user="alice", scope="test_api_access")

    assert isinstance(verdict(validator, token), AccessToken)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"client_secret": None}, "client_secret", id="no secret"),
        pytest.param({"client_id": None}, "client_id", id="no client"),
        pytest.param({"client_secret": ""}, "client_secret", id="an empty secret"),
        pytest.param({"client_secret": "orders-api-secret\udcff"}, "client_secret is not Unicode", id="a stray byte"),
        pytest.param({"client_secret": b"s"}, "client_secret is bytes", id="a secret in bytes"),
        pytest.param({"introspection_seconds": -1}, "introspection_seconds", id="negative seconds"),
        pytest.param({"introspection_seconds": float("nan")}, "introspection_seconds", id="NaN seconds"),
        pytest.param({"introspection_seconds": True}, "introspection_seconds", id="seconds that are True"),
        pytest.param(
            {"introspection_endpoint": "http://sso.example.com/introspect"}, "introspection_endpoint", id="plain http"
        ),
        pytest.param({"introspection_endpoint": "/introspect"}, "introspection_endpoint", id="no URL"),
        pytest.param(
            {"jwks_uri": "https://sso.example.com/keys"}, "write introspection_endpoint=", id="not Keycloak's"
        ),
        pytest.param(
            {"client_id": None, "client_secret": None, "introspection_seconds": 0},
            "introspection_seconds is for",
            id="0 alone",
        ),
    ],
)
def test_a_wrong_configuration(introspecting: MakeValidator, options: dict[str, Any], message: str) -> None:
    """ValueError at construction, in a sentence without the secret."""
    with pytest.raises(ValueError, match=message) as wrong:
        introspecting(**options)

    assert "orders-api-secret" not in str(wrong.value)


def test_the_callers_session_is_used(dev_realm: DevRealm, introspecting: MakeValidator) -> None:
    """Its header fields, its CA, its proxies; not its idea of who we are."""
    session = requests.Session()
    session.auth = ("somebody", "else")
    seen: list[str] = []
    session.hooks["response"].append(lambda response, **_: seen.append(response.request.headers["X-Team"]))
    session.headers["X-Team"] = "orders"
    token = dev_realm.token(client="web", user="alice", scope="test_api_access")

    assert isinstance(verdict(introspecting(session=session), token), AccessToken)
    assert seen == ["orders", "orders"]  # keys, introspection


ACTIVE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


def one_request(connection: socket.socket) -> bytes:
    """The head and the form of one request; nothing where the other end has closed."""
    data = b""
    while b"token_type_hint" not in data:
        chunk = connection.recv(65_536)
        if not chunk:
            return b""
        data += chunk
    return data


class Hanging(HTTPAdapter):
    """An adapter of the caller's own that knows no deadline, as a resolver of names that hangs."""

    def __init__(self, released: threading.Event) -> None:
        super().__init__()
        self._released = released

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """Questions hang; the keys come."""
        if request.method == "POST":
            self._released.wait(20)
        return super().send(request, *arguments, **options)


def test_nobody_waits_beyond_the_deadline_whatever_hangs(dev_realm: DevRealm, introspecting: MakeValidator) -> None:
    """What is below the sockets may know no deadline; the request does."""
    released = threading.Event()
    session = requests.Session()
    session.mount("http://", Hanging(released))
    validator = introspecting(session=session, timeout_seconds=0.3, monotonic=time.monotonic)
    token = dev_realm.mint()
    validator.verify(token)
    began = time.monotonic()
    in_thread = verdict(validator, token)
    took = time.monotonic() - began
    released.set()

    assert in_thread is Reason.INTROSPECTION_UNAVAILABLE
    assert took < 2


def test_connections_are_kept(dev_realm: DevRealm, introspecting: MakeValidator) -> None:
    """TLS handshakes would cost more than all else."""
    connections: list[int] = []
    answer = b'{"active": false}'

    def conversation(connection: socket.socket, stopped: threading.Event) -> None:
        connections.append(0)
        while one_request(connection):
            connections[-1] += 1
            connection.sendall(ACTIVE % (len(answer), answer))

    with talking(conversation) as url:
        validator = introspecting(introspection_endpoint=url, introspection_seconds=0)
        for _ in range(5):
            verdict(validator, dev_realm.mint())

    assert connections == [5]


def test_a_kept_connection_that_was_closed_meanwhile(dev_realm: DevRealm, introspecting: MakeValidator) -> None:
    """The question is asked again on a new one: the realm's habit of closing is nobody's 503."""
    answer = b'{"active": false}'
    asked = []

    def conversation(connection: socket.socket, stopped: threading.Event) -> None:
        one_request(connection)
        connection.sendall(ACTIVE % (len(answer), answer))
        asked.append(one_request(connection))  # takes the second question, and hangs up on it

    with talking(conversation) as url:
        validator = introspecting(introspection_endpoint=url, introspection_seconds=0)
        verdicts = [verdict(validator, dev_realm.mint()) for _ in range(2)]

    assert verdicts == [Reason.INACTIVE] * 2
    assert asked[0] != b""


def test_eight_connections_at_most(dev_realm: DevRealm, introspecting: MakeValidator) -> None:
    """A flood of different valid tokens while the realm takes its time."""
    lock = threading.Lock()
    now, most = 0, 0
    release = threading.Event()

    def conversation(connection: socket.socket, stopped: threading.Event) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        with contextlib.suppress(OSError):
            while one_request(connection):
                release.wait(20)
                connection.sendall(ACTIVE % (17, b'{"active": false}'))
        with lock:
            now -= 1

    tokens = [dev_realm.mint() for _ in range(60)]
    with talking(conversation) as url:
        validator = introspecting(introspection_endpoint=url)
        with ThreadPoolExecutor(60) as threads:
            asked = [threads.submit(verdict, validator, token) for token in tokens]
            eventually(lambda: now == 8)
            release.set()
            verdicts = {each.result() for each in asked}

    assert verdicts == {Reason.INACTIVE}
    assert most == 8


def test_a_dripping_answer_ends_at_the_deadline_on_a_kept_connection(
    dev_realm: DevRealm, introspecting: MakeValidator
) -> None:
    """The time of the second exchange is counted from its own beginning, and ends."""
    answer = b'{"active": false}'

    def conversation(connection: socket.socket, stopped: threading.Event) -> None:
        one_request(connection)
        connection.sendall(ACTIVE % (len(answer), answer))
        one_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not stopped.wait(0.01):
            connection.sendall(b" ")

    with talking(conversation) as url:
        validator = introspecting(introspection_endpoint=url, introspection_seconds=0, timeout_seconds=0.4)
        first, second = (verdict(validator, dev_realm.mint()) for _ in range(2))

    assert first is Reason.INACTIVE
    assert second is Reason.INTROSPECTION_UNAVAILABLE


def test_a_kept_connection_has_its_time_anew(dev_realm: DevRealm, introspecting: MakeValidator) -> None:
    """The deadline is that of an exchange, not that of the connection."""

    def conversation(connection: socket.socket, stopped: threading.Event) -> None:
        while one_request(connection):
            connection.sendall(ACTIVE % (17, b'{"active": false}'))

    with talking(conversation) as url:
        validator = introspecting(introspection_endpoint=url, introspection_seconds=0, timeout_seconds=0.3)
        first = verdict(validator, dev_realm.mint())
        later = time.monotonic() + 0.4
        eventually(lambda: time.monotonic() > later)
        second = verdict(validator, dev_realm.mint())

    assert first is second is Reason.INACTIVE


def test_the_time_of_an_answer_is_that_of_its_question(
    dev_realm: DevRealm, introspecting: MakeValidator, clock: Clock
) -> None:
    """A slow answer is old when it comes."""
    release, questions = threading.Event(), []

    def conversation(connection: socket.socket, stopped: threading.Event) -> None:
        while one_request(connection):
            questions.append(clock())
            release.wait(20)
            connection.sendall(ACTIVE % (17, b'{"active": false}'))

    token = dev_realm.mint()
    with talking(conversation) as url:
        validator = introspecting(introspection_endpoint=url, introspection_seconds=10)
        with ThreadPoolExecutor(1) as thread:
            slow = thread.submit(verdict, validator, token)
            eventually(lambda: questions)
            clock.advance(6)
            release.set()
            slow.result()
        clock.advance(3.9)
        verdict(validator, token)
        before = list(questions)
        clock.advance(0.1)
        verdict(validator, token)

    assert before == [0]
    assert len(questions) == 2


def test_an_endpoint_that_moved_is_looked_up_again(dev_realm: DevRealm) -> None:
    """Where discovery names it, a 404 is a reason to read the document anew."""
    url = f"{dev_realm.issuer}/protocol/openid-connect/token/introspect"
    document: Any = dict(dev_realm.fetch(f"{dev_realm.issuer}/.well-known/openid-configuration"))  # type: ignore[call-overload]  # a JSON object
    document["introspection_endpoint"] = url + "/of/yesterday"

    def fetch(asked: str) -> object:
        return document if asked.endswith("openid-configuration") else dev_realm.fetch(asked)

    validator = RealmTokenValidator.discover(
        dev_realm.issuer, audience="orders-api", client_id="orders-api", client_secret="orders-api-secret", fetch=fetch
    )
    token = dev_realm.token(client="web", user="alice", scope="test_api_access")
    gone = verdict(validator, token)
    document["introspection_endpoint"] = url
    found = verdict(validator, token)

    assert gone is Reason.INTROSPECTION_UNAVAILABLE
    assert isinstance(found, AccessToken)


def test_where_no_thread_can_be_started(dev_realm: DevRealm, introspecting: MakeValidator) -> None:
    """503, as for a realm that cannot be asked."""
    validator = introspecting()
    token = dev_realm.mint()
    validator.verify(token)
    before = threading.stack_size(1 << 50)  # more than any address space has
    try:
        failed = verdict(validator, token)
    finally:
        threading.stack_size(before)
    healed = verdict(validator, token)

    assert failed is Reason.INTROSPECTION_UNAVAILABLE
    assert isinstance(healed, AccessToken)


def test_a_forked_child_asks_for_itself(dev_realm: DevRealm, introspecting: MakeValidator, tmp_path: Path) -> None:
    """It has none of its parent's threads, and must not read the answers to its parent's questions."""
    connections: list[int] = []

    def conversation(connection: socket.socket, stopped: threading.Event) -> None:
        connections.append(0)
        number = len(connections) - 1
        while one_request(connection):
            connections[number] += 1
            connection.sendall(ACTIVE % (17, b'{"active": false}'))

    with talking(conversation) as url:
        validator = introspecting(introspection_endpoint=url, introspection_seconds=0)
        tokens = [dev_realm.mint() for _ in range(3)]
        verdict(validator, tokens[0])
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):  # whatever happens, the child must not go on as a pytest
                (tmp_path / "child").write_text(str(verdict(validator, tokens[1])))
            os._exit(0)
        os.waitpid(child, 0)
        mine = verdict(validator, tokens[2])

    assert mine is Reason.INACTIVE
    assert (tmp_path / "child").read_text() == "inactive"
    assert connections == [2, 1]  # the child has one of its own


def test_over_tls_with_a_ca_of_ones_own(dev_realm: DevRealm, introspecting: MakeValidator, tmp_path: Path) -> None:
    """The session's CA is the one that counts, for keys and questions, on kept connections too."""
    certificates = Certificates.made_in(tmp_path)
    trusting = requests.Session()
    trusting.verify = str(certificates.ca)
    token = dev_realm.token(client="web", user="alice", scope="test_api_access")
    with relaying(f"http://127.0.0.1:{dev_realm.port}", certificates.context()) as relay:
        endpoints = f"{relay.url}/realms/{dev_realm.name}/protocol/openid-connect"
        options = {"jwks_uri": f"{endpoints}/certs", "introspection_seconds": 0}
        trusted = introspecting(session=trusting, **options)
        verdicts = [verdict(trusted, token) for _ in range(3)]
        asked = [seen.method for seen in relay.seen]
        untrusted = introspecting(introspection_endpoint=f"{endpoints}/token/introspect", introspection_seconds=0)
        refused = verdict(untrusted, token)

    # The realm is asked at its own address, so it answers as to any other host: what counts is that it was asked.
    assert {each if isinstance(each, Reason) else None for each in verdicts} <= {Reason.INACTIVE, None}
    assert asked == ["GET", "POST", "POST", "POST"]
    assert refused is Reason.INTROSPECTION_UNAVAILABLE
    assert len(relay.seen) == 4


def test_a_validator_without_credentials_cannot_be_made_to_ask(dev_realm: DevRealm) -> None:
    """A mistake of the program, not of whoever brings the token."""
    validator = RealmTokenValidator(dev_realm.issuer, audience="orders-api")

    with pytest.raises(RuntimeError, match="give it client_id= and client_secret="):
        validator.verify(dev_realm.mint(), introspect=True)
