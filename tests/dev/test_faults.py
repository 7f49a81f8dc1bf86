import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress

import pytest
import requests

from resource_protector.dev import DevRealm
from resource_protector.realm import certs_url, discovery_url, token_url
from tests.dev.asking import SCOPE, introspect
from tests.polling import eventually

Fault = Callable[[DevRealm], AbstractContextManager[object]]

# Longer than any test may take: a stall that is not interrupted is seen.
LONG_SECONDS = 300.0


def certs(realm: DevRealm) -> requests.Response:
    """The answer of the certs endpoint."""
    return requests.get(certs_url(realm.issuer), timeout=10)


def stalled(realm: DevRealm, pool: ThreadPoolExecutor) -> Future[requests.Response]:
    """A request for the certs that has arrived and waits."""
    seen = realm.requests["certs"]
    waiting = pool.submit(certs, realm)
    eventually(lambda: realm.requests["certs"] > seen)
    return waiting


@pytest.mark.parametrize(
    ("fault", "status_code", "start"),
    [
        (DevRealm.answer_500, 500, '{"error"'),
        (DevRealm.answer_html, 200, "<!doctype html>"),
        (DevRealm.answer_empty, 200, '{"keys": []}'),
        (DevRealm.answer_broken, 200, '{"keys": [{"'),
    ],
)
def test_a_wrong_answer(dev_realm: DevRealm, fault: Fault, status_code: int, start: str) -> None:
    """Each fault takes effect at once and ends with its block."""
    with fault(dev_realm):
        response = certs(dev_realm)

    assert response.status_code == status_code
    assert response.text.startswith(start)
    assert len(certs(dev_realm).json()["keys"]) == 2


def test_a_fault_without_a_block_stays(dev_realm: DevRealm) -> None:
    """A fault that is only called stays until it is healed."""
    dev_realm.answer_500()

    assert certs(dev_realm).status_code == 500
    dev_realm.heal()
    assert certs(dev_realm).status_code == 200


def test_the_newest_fault_counts(dev_realm: DevRealm) -> None:
    """Within a fault another one may be begun; when it ends the first is back."""
    with dev_realm.answer_500():
        with dev_realm.answer_html():
            assert certs(dev_realm).status_code == 200
        assert certs(dev_realm).status_code == 500
    assert certs(dev_realm).json()


def test_an_empty_set_is_only_the_certs(dev_realm: DevRealm) -> None:
    """A realm with an empty set still says who it is; one that answers HTML does not."""
    with dev_realm.answer_empty():
        assert requests.get(discovery_url(dev_realm.issuer), timeout=10).json()["issuer"] == dev_realm.issuer
    with dev_realm.answer_html():
        assert requests.post(token_url(dev_realm.issuer), timeout=10).headers["Content-Type"].startswith("text/html")


def test_a_broken_document_is_broken(dev_realm: DevRealm) -> None:
    """A broken document is no JSON, and its length is said truthfully."""
    with dev_realm.answer_broken():
        response = certs(dev_realm)

    with pytest.raises(requests.JSONDecodeError):
        response.json()


def test_a_stall_passes(dev_realm: DevRealm) -> None:
    """A stalled request is answered after its time."""
    begun = time.monotonic()
    with dev_realm.stall(0.05):
        assert certs(dev_realm).json()["keys"]
    assert time.monotonic() - begun >= 0.05


def test_healing_ends_a_stall(dev_realm: DevRealm) -> None:
    """What is being stalled is answered when the fault ends, not when its time is over."""
    with ThreadPoolExecutor() as pool:
        dev_realm.stall(LONG_SECONDS)
        waiting = stalled(dev_realm, pool)
        dev_realm.heal()

        assert waiting.result(10).status_code == 200


def test_the_end_of_a_block_ends_a_stall(dev_realm: DevRealm) -> None:
    """A stall ends with its block."""
    with ThreadPoolExecutor() as pool:
        with dev_realm.stall(LONG_SECONDS):
            waiting = stalled(dev_realm, pool)

        assert waiting.result(10).status_code == 200


def test_going_down_breaks_a_stall(dev_realm: DevRealm) -> None:
    """A realm that goes down drops the connections that it has, without an answer."""
    with ThreadPoolExecutor() as pool:
        dev_realm.stall(LONG_SECONDS)
        waiting = stalled(dev_realm, pool)
        with dev_realm.down(), pytest.raises(requests.ConnectionError):
            waiting.result(10)


def test_an_idle_connection_is_dropped(dev_realm: DevRealm) -> None:
    """Going down also closes a connection on which no request has come yet."""
    with socket.create_connection(("127.0.0.1", dev_realm.port), timeout=10) as connection:
        connection.sendall(b"GET ")
        # Reset, where the server had not yet taken it from the queue.
        with dev_realm.down(), suppress(ConnectionResetError):
            assert connection.recv(1) == b""


def test_down_and_up(dev_realm: DevRealm) -> None:
    """Down, nobody listens; up, it is the same address with the same keys."""
    before = certs(dev_realm).json()
    with dev_realm.down(), pytest.raises(requests.ConnectionError):
        certs(dev_realm)

    assert certs(dev_realm).json() == before


def test_down_and_up_by_hand(dev_realm: DevRealm) -> None:
    """Both may be called twice, and by `heal` the realm comes back as well."""
    port = dev_realm.port
    dev_realm.down()
    dev_realm.down()
    dev_realm.up()
    dev_realm.up()
    assert certs(dev_realm).status_code == 200
    dev_realm.down()
    dev_realm.heal()

    assert dev_realm.port == port
    assert certs(dev_realm).status_code == 200


def test_going_down_is_prompt(dev_realm: DevRealm) -> None:
    """Down and up take no longer than a test can spare; the best of a few tries, machines being busy."""
    tries = []
    for _ in range(10):
        begun = time.monotonic()
        with dev_realm.down():
            pass
        tries.append(time.monotonic() - begun)

    assert min(tries) < 0.2


def test_a_fetch_obeys_the_faults(dev_realm: DevRealm) -> None:
    """Within the process it is as over HTTP: down and 500 are no connection, HTML and broken are no JSON."""
    url = certs_url(dev_realm.issuer)
    with dev_realm.down(), pytest.raises(ConnectionError, match="is down"):
        dev_realm.fetch(url)
    with dev_realm.answer_500(), pytest.raises(ConnectionError, match="answered 500"):
        dev_realm.fetch(url)
    with dev_realm.answer_html(), pytest.raises(ValueError, match="Expecting value"):
        dev_realm.fetch(url)
    with dev_realm.answer_broken(), pytest.raises(ValueError, match=r"delimiter|Unterminated|Expecting"):
        dev_realm.fetch(url)
    with dev_realm.answer_empty():
        assert dev_realm.fetch(url) == {"keys": []}
    assert dev_realm.fetch(url) == certs(dev_realm).json()


def test_a_fetch_is_for_this_realm_only(dev_realm: DevRealm) -> None:
    """Another server's address is not answered, and an address that is not there is no document."""
    with pytest.raises(ConnectionError, match="is not an address of the dev realm"):
        dev_realm.fetch("http://127.0.0.1:1/realms/myorg/protocol/openid-connect/certs")
    with pytest.raises(ConnectionError, match="answered 404"):
        dev_realm.fetch(f"{dev_realm.issuer}/nothing")


def test_faults_are_everywhere(dev_realm: DevRealm) -> None:
    """A fault of the whole realm is one of introspection, too, also where introspection was told to lie."""
    token = dev_realm.token(scope=SCOPE)
    dev_realm.introspection_answers({"active": False})
    with dev_realm.answer_500():
        assert introspect(dev_realm, token).status_code == 500
    with ThreadPoolExecutor() as pool, dev_realm.stall(LONG_SECONDS):
        seen = dev_realm.requests["introspection"]
        waiting = pool.submit(introspect, dev_realm, token)
        eventually(lambda: dev_realm.requests["introspection"] > seen)

        assert not waiting.done()
        dev_realm.heal()
        assert waiting.result(10).json()["active"] is True


def test_a_stalled_fetch_is_interrupted(dev_realm: DevRealm) -> None:
    """A fetch that waits is woken like a request: healing answers it, going down refuses it."""
    url = certs_url(dev_realm.issuer)
    for end, expected in ((dev_realm.heal, dict), (dev_realm.down, ConnectionError)):
        with ThreadPoolExecutor() as pool:
            dev_realm.stall(LONG_SECONDS)
            seen = dev_realm.requests["certs"]
            waiting = pool.submit(dev_realm.fetch, url)
            eventually(lambda seen=seen: dev_realm.requests["certs"] > seen)  # type: ignore[misc]  # bound per round
            end()
            outcome = waiting.exception(10) or waiting.result()
            dev_realm.heal()

        assert isinstance(outcome, expected)


def test_many_at_once(dev_realm: DevRealm) -> None:
    """Two hundred requests in the same instant are all answered and all counted."""
    start = threading.Barrier(200)

    def ask(_: int) -> int:
        start.wait(30)
        return certs(dev_realm).status_code

    with ThreadPoolExecutor(200) as pool:
        assert set(pool.map(ask, range(200))) == {200}
    assert dev_realm.requests["certs"] == 200
