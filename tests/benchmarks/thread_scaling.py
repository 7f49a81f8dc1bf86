"""How much of one thread's verifications per second four threads make together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from resource_protector import RealmTokenValidator
from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from tests.benchmarks.figures import Row, Section
from tests.benchmarks.in_process import situation_of, with_peers
from tests.benchmarks.peers import Call

__all__ = ["measure"]

THREADS = 4
TARGET = 0.85
_PEERS = ("Authlib, rfc7523 validator", "joserfc, decode with a KeySet", "PyJWT, prepared key")


def measure(rounds: int, seconds: float) -> list[Section]:
    """One section; each round measures one thread, four, and one thread again."""
    with DevRealm(DEMO_REALM_FILE) as realm:
        situation = situation_of(realm, "RS256")
        seen, off = (
            RealmTokenValidator(realm.issuer, audience="orders-api", fetch=realm.fetch, token_cache_size=size)
            for size in (4096, 0)
        )
        peers, _ = with_peers(situation)
        token = situation.token
        calls: dict[str, tuple[Call, float | None]] = {
            "ours, tokens seen before": (lambda: seen.verify(token), TARGET),
            "ours, cache off": (lambda: off.verify(token), None),
            **{name: (peers[name], None) for name in _PEERS if name in peers},
        }
        found: dict[str, list[float]] = {name: [] for name in calls}
        for call, _ in calls.values():
            call()
        for _ in range(rounds):
            for name, (call, _) in calls.items():
                before, four, after = (_rate(call, count, seconds) for count in (1, THREADS, 1))
                found[name].append(2 * four / (before + after))
    rows = [
        Row(name, found[name], target, higher_is_better=True, is_ours=name.startswith("ours"))
        for name, (_, target) in calls.items()
    ]
    return [Section("Four threads against one (RS256)", "of one thread's verifications per second", rows)]


def _rate(call: Callable[[], object], threads: int, seconds: float) -> float:
    """Calls per second of so many threads together."""
    done = [0] * threads
    ready = threading.Barrier(threads + 1)
    stop = threading.Event()

    def work(number: int) -> None:
        ready.wait()
        while not stop.is_set():
            for _ in range(20):
                call()
            done[number] += 20

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    ready.wait()
    begun = time.perf_counter()
    stop.wait(seconds)
    number, took = sum(done), time.perf_counter() - begun
    stop.set()
    for worker in workers:
        worker.join()
    return number / took
