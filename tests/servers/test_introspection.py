"""Introspected routes under gunicorn, over real sockets, beside plain ones."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from resource_protector.dev import DevRealm
from tests.polling import eventually
from tests.servers.conftest import Figure
from tests.servers.serving import Server, gunicorn

CREDENTIALS = {"client_id": "orders-api", "client_secret": "orders-api-secret"}
DEADLINE_SECONDS = 1.0


def get(server: Server, path: str, headers: dict[str, str]) -> tuple[int, float]:
    """The status of one request on a connection of its own, and the seconds it took."""
    began = time.monotonic()
    answer = requests.get(f"http://127.0.0.1:{server.port}{path}", headers=headers, timeout=30)
    return answer.status_code, time.monotonic() - began


def test_200_requests_with_one_token_ask_once(dev_realm: DevRealm, figure: Figure) -> None:
    """One worker of 64 threads, a realm that takes its time, one question."""
    headers = dev_realm.bearer()
    with gunicorn(dev_realm, "--threads", "64", workers=1, **CREDENTIALS) as server:
        get(server, "/private", headers)
        with dev_realm.stall(0.5), ThreadPoolExecutor(200) as clients:
            answers = list(clients.map(lambda _: get(server, "/asked", headers), range(200)))
    figure(f"introspected at once: {len(answers)} requests, {dev_realm.requests['introspection']} question")

    assert {status for status, _ in answers} == {200}
    assert dev_realm.requests["introspection"] == 1


def test_a_stalled_realm_frees_its_workers_at_the_deadline(dev_realm: DevRealm, figure: Figure) -> None:
    """503 at the deadline, plain routes unaffected while a thread is free, and all threads free again afterwards."""
    headers = dev_realm.bearer()
    options: dict[str, Any] = {**CREDENTIALS, "timeout_seconds": DEADLINE_SECONDS, "introspection_seconds": 0}
    with gunicorn(dev_realm, "--threads", "16", workers=1, **options) as server:
        get(server, "/private", headers)
        with dev_realm.stall(30), ThreadPoolExecutor(8) as clients:
            asked = [clients.submit(get, server, "/asked", headers) for _ in range(8)]
            eventually(lambda: dev_realm.requests["introspection"])
            plain = [get(server, "/private", headers) for _ in range(20)]
            refused = [each.result() for each in asked]
        first = get(server, "/asked", headers)
        with ThreadPoolExecutor(16) as clients:
            after = [first, *clients.map(lambda _: get(server, "/asked", headers), range(16))]
    slowest = max(seconds for _, seconds in plain)
    longest = max(seconds for _, seconds in refused)
    figure(f"introspection stalled: plain routes {slowest * 1000:.0f} ms at most, 503 after {longest:.2f} s at most")

    assert {status for status, _ in refused} == {503}
    assert longest < DEADLINE_SECONDS + 0.5
    assert {status for status, _ in plain} == {200}
    assert slowest < DEADLINE_SECONDS / 2
    assert {status for status, _ in after} == {200}


def test_a_stalled_realm_does_not_hold_every_thread_for_long(dev_realm: DevRealm, figure: Figure) -> None:
    """More callers than threads: once a question was not answered in time, one at a time waits for the next."""
    headers = dev_realm.bearer()
    options: dict[str, Any] = {**CREDENTIALS, "timeout_seconds": DEADLINE_SECONDS, "introspection_seconds": 0}
    with gunicorn(dev_realm, "--threads", "4", workers=1, **options) as server:
        get(server, "/private", headers)
        with dev_realm.stall(30), ThreadPoolExecutor(32) as clients:
            asked = [clients.submit(get, server, "/asked", headers) for _ in range(32)]
            eventually(lambda: any(each.done() for each in asked))
            plain = [get(server, "/private", headers) for _ in range(20)]
            refused = [each.result() for each in asked]
    slowest = max(seconds for _, seconds in plain)
    longest = max(seconds for _, seconds in refused)
    figure(f"all threads held: then plain routes {slowest * 1000:.0f} ms at most, 32 refusals in {longest:.2f} s")

    assert {status for status, _ in refused} == {503}
    assert {status for status, _ in plain} == {200}
    assert slowest < DEADLINE_SECONDS / 2
    assert longest < 3 * DEADLINE_SECONDS  # it would be eight times, each waiting in turn
