"""What floods, cold starts and hanging fetches cost, measured over real sockets and on real clocks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from resource_protector import KeysUnavailable, RealmTokenValidator, TokenRejected
from resource_protector.dev import DevRealm
from tests.polling import eventually
from tests.servers.conftest import Figure
from tests.servers.load import Load, longest, statuses
from tests.servers.serving import gunicorn
from tests.servers.tokens import mint_many, with_kid

COOLDOWN_SECONDS = 1.0
SLACK_SECONDS = 0.5


def verdict(validator: RealmTokenValidator, token: str) -> str:
    """What becomes of a token, in one word."""
    try:
        validator.verify(token)
    except TokenRejected as error:
        return error.reason.value
    except KeysUnavailable:
        return "unavailable"
    return "accepted"


@contextmanager
def repeating(action: Callable[[], object], threads: int) -> Iterator[None]:
    """So many threads do `action` over and over while the block runs."""
    stop = threading.Event()

    def repeat() -> None:
        while not stop.is_set():
            action()

    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(repeat) for _ in range(threads)]
        try:
            yield
        finally:
            stop.set()
        for future in running:
            future.result()


def test_200_cold_threads(dev_realm: DevRealm, figure: Figure) -> None:
    """J1: one fetch, for which everybody waits."""
    validator = RealmTokenValidator(dev_realm.issuer, audience="orders-api")
    tokens = mint_many(dev_realm, 200)
    barrier = threading.Barrier(200)

    def verify(token: str) -> str:
        barrier.wait()
        return verdict(validator, token)

    with dev_realm.stall(0.2), ThreadPoolExecutor(200) as pool:
        answers = set(pool.map(verify, tokens))
    figure(f"fetches for 200 cold threads: {dev_realm.requests['certs']}")

    assert answers == {"accepted"}
    assert dev_realm.requests["certs"] == 1


def test_a_flood_of_unknown_kids_and_a_rotation_in_it(dev_realm: DevRealm, figure: Figure) -> None:
    """J3, J4: at most one fetch per cooldown and one more; the rotation is noticed within a cooldown, and by nobody else."""
    old = mint_many(dev_realm, 50)
    validator = RealmTokenValidator(
        dev_realm.issuer,
        audience="orders-api",
        cooldown_seconds=COOLDOWN_SECONDS,
        token_cache_size=0,
        wait_seconds=5,  # verdicts are counted here, and not how quick this machine is
    )
    validator.verify(old[0])
    loaded = dev_realm.requests["certs"]
    forged = (with_kid(old[0], f"nobody-{number}") for number in range(10_000))
    lock = threading.Lock()  # guards the generator of forgeries
    answers: dict[str, list[tuple[float, str]]] = {"forged": [], "old": [], "fresh": []}  # moment of asking, verdict

    def flood() -> None:
        with lock:
            token = next(forged, None)
        if token is not None:
            answers["forged"].append((time.monotonic(), verdict(validator, token)))

    def ask(kind: str, tokens: list[str]) -> Callable[[], None]:
        numbers = iter(range(10_000_000))
        return lambda: answers[kind].append((time.monotonic(), verdict(validator, tokens[next(numbers) % len(tokens)])))

    began_at = time.monotonic()
    with repeating(flood, 2), repeating(ask("old", old), 1):
        eventually(lambda: len(answers["forged"]) > 1000)
        dev_realm.rotate()
        fresh = mint_many(dev_realm, 50)
        rotated_at = time.monotonic()
        with repeating(ask("fresh", fresh), 1):
            eventually(lambda: len(answers["forged"]) == 10_000, within_seconds=30)
            eventually(lambda: time.monotonic() > rotated_at + 2 * COOLDOWN_SECONDS)
    seconds = time.monotonic() - began_at
    fetches = dev_realm.requests["certs"] - loaded
    refused = [said for _, said in answers["old"] if said != "accepted"]
    waiting = [moment for moment, said in answers["fresh"] if said != "accepted"]
    late = [moment for moment in waiting if moment > rotated_at + COOLDOWN_SECONDS]
    figure(f"fetches for 10,000 unknown kids in {seconds:.1f} s, cooldown {COOLDOWN_SECONDS:g} s: {fetches}")
    figure(f"tokens of known keys refused during the rotation: {len(refused)}")
    figure(
        f"tokens of the new key refused later than one cooldown after it: {len(late)}, and within it: {len(waiting)}"
    )

    assert {said for _, said in answers["forged"]} == {"unknown_key"}
    assert fetches <= seconds / COOLDOWN_SECONDS + 1
    assert not refused
    assert not late
    assert len(answers["fresh"]) > len(waiting)


def test_a_known_token_while_the_fetch_hangs(dev_realm: DevRealm, figure: Figure) -> None:
    """J11, J12: with a thread free it does not wait, though others wait for the load at the same time.

    The figure of 20 ms is asserted of 999 in 1,000: the longest one is the scheduler's on a busy machine.
    """
    known = mint_many(dev_realm, 50)
    validator = RealmTokenValidator(dev_realm.issuer, audience="orders-api", token_cache_size=0)
    validator.verify(known[0])
    unknown: list[str] = []
    waits: list[float] = []

    def ask() -> None:
        for token in known:
            begun = time.perf_counter()
            validator.verify(token)
            waits.append(time.perf_counter() - begun)
        pause.wait(0.002)

    pause = threading.Event()
    number = iter(range(10_000_000))

    def wait_in_vain() -> None:
        unknown.append(verdict(validator, with_kid(known[0], f"nobody-{next(number)}")))
        pause.wait(0.05)

    with dev_realm.stall(5):
        began_at = time.monotonic()
        with repeating(wait_in_vain, 3), repeating(ask, 1):
            eventually(lambda: time.monotonic() > began_at + 4.5)
        asked = dev_realm.requests["certs"]
    waits.sort()
    usual = waits[int(0.999 * len(waits))]
    figure(
        f"{len(waits)} known tokens while the fetch hangs: longest wait {1000 * waits[-1]:.1f} ms, "
        f"999 of 1,000 under {1000 * usual:.2f} ms"
    )

    assert asked == 2
    assert set(unknown) == {"unavailable"}
    assert usual < 0.02


def test_a_known_token_while_unknown_kids_hold_every_thread(dev_realm: DevRealm, figure: Figure) -> None:
    """J12: on a server with four threads and a dozen forgers, it waits for wait_seconds at most, until a thread is free."""
    wait_seconds = 1.0
    known = mint_many(dev_realm, 20)
    with gunicorn(
        dev_realm, "--worker-class", "gthread", "--threads", "4", workers=1, wait_seconds=wait_seconds
    ) as server:
        customers, forgers = Load(server.port), Load(server.port)
        customers.send("known", known)
        forgers.send_forged(known[0])
        with customers.running(clients=2):
            customers.begin("start")
            eventually(lambda: customers.workers("known", 200), within_seconds=30)
            customers.begin("flood")
            with dev_realm.stall(5), forgers.running(clients=12):
                began_at = time.monotonic()
                eventually(lambda: dev_realm.requests["certs"] == 2)
                eventually(lambda: time.monotonic() > began_at + 4.5)

    answers = customers.answers(phase="flood")
    figure(
        f"{len(answers)} known tokens on a server of four threads, all of them held by unknown kids: "
        f"longest wait {longest(answers):.2f} s, with wait_seconds={wait_seconds:g}; "
        f"{len(forgers.answers())} forgeries {statuses(forgers.answers())}"
    )
    slow = sorted(answer.began_at for answer in answers if answer.seconds > wait_seconds / 2)

    assert statuses(answers).keys() == {200}
    assert longest(answers) < wait_seconds + SLACK_SECONDS
    assert not slow or slow[-1] - slow[0] < wait_seconds + SLACK_SECONDS  # once, not at every forgery
    assert all(answer.retry_after for answer in forgers.answers() if answer.status == 503)
