"""Checking tokens in an event loop: the same answers, and nobody waits for another."""

import asyncio
import gc
import threading
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from resource_protector import KeysUnavailable, MultiRealmValidator, RealmTokenValidator, Reason, TokenRejected
from resource_protector.dev import DevRealm
from tests.polling import Clock, eventually


@pytest.fixture
def clock() -> Clock:
    """The clock of all ages."""
    return Clock()


@pytest.fixture(params=["one realm", "several realms"])
def validator(request: pytest.FixtureRequest, dev_realm: DevRealm, clock: Clock) -> Any:
    """Either kind of validator."""
    one = RealmTokenValidator(dev_realm.issuer, audience="orders-api", monotonic=clock)
    return one if request.param == "one realm" else MultiRealmValidator(one)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run `work` in an event loop of its own, which must leave nothing behind."""
    with asyncio.Runner() as runner:
        result = runner.run(work)
    gc.collect()
    return result


async def reason(validator: Any, token: str) -> Reason | None:
    """Why a token is refused; None where it is accepted."""
    try:
        await validator.verify_async(token)
    except (TokenRejected, KeysUnavailable) as error:
        return error.reason
    return None


def test_the_answers_are_those_of_verify(dev_realm: DevRealm, validator: Any) -> None:
    """Accepted, refused, of an unknown key, of another issuer, malformed; and again from the cache."""
    token = dev_realm.mint()
    expected = [None, None, Reason.EXPIRED, Reason.UNKNOWN_KEY, Reason.ISSUER, Reason.MALFORMED]
    tokens = [token, token, *(dev_realm.mint(wrong=w) for w in ("expired", "unknown_key", "issuer")), "x"]

    async def work() -> list[Reason | None]:
        return [await reason(validator, each) for each in tokens]

    assert run(work()) == expected


def test_200_tasks_on_a_cold_start_make_one_fetch(dev_realm: DevRealm, validator: Any) -> None:
    """J1: in one event loop too."""
    token = dev_realm.mint()

    async def work() -> set[Reason | None]:
        return set(await asyncio.gather(*(reason(validator, token) for _ in range(200))))

    assert run(work()) == {None}
    assert dev_realm.requests["certs"] == 1


def test_several_event_loops_share_one_load(dev_realm: DevRealm, validator: Any) -> None:
    """J16: loops in threads of their own, and plain threads beside them."""
    token, answers = dev_realm.mint(), []
    with dev_realm.stall(60):
        threads = [threading.Thread(target=lambda: answers.append(run(reason(validator, token)))) for _ in range(4)]
        threads.append(threading.Thread(target=lambda: answers.append(validator.verify(token) and None)))
        for thread in threads:
            thread.start()
        eventually(lambda: dev_realm.requests["certs"] == 1)
        dev_realm.heal()
        for thread in threads:
            thread.join()

    assert answers == [None] * 5
    assert dev_realm.requests["certs"] == 1


def test_a_cancelled_task_does_not_take_the_load_with_it(dev_realm: DevRealm, validator: Any) -> None:
    """J15: the request that started the load goes away; the others get its result."""
    token = dev_realm.mint()

    async def work() -> Reason | None:
        starter = asyncio.create_task(reason(validator, token))
        while not dev_realm.requests["certs"]:  # noqa: ASYNC110 - a counter of another thread: nobody could set an event
            await asyncio.sleep(0.001)
        other = asyncio.create_task(reason(validator, token))
        await asyncio.sleep(0)
        starter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starter
        dev_realm.heal()
        return await other

    with dev_realm.stall(60):
        assert run(work()) is None
    assert dev_realm.requests["certs"] == 1


def test_the_event_loop_goes_on_while_keys_are_loaded(dev_realm: DevRealm, validator: Any) -> None:
    """A load that takes long stops no other task."""
    token = dev_realm.mint()

    async def work() -> float:
        waiting = asyncio.create_task(reason(validator, token))
        longest, last = 0.0, time.monotonic()
        while not waiting.done():
            await asyncio.sleep(0.001)
            now = time.monotonic()
            longest, last = max(longest, now - last), now
            if dev_realm.requests["certs"]:
                dev_realm.heal()
        assert waiting.result() is None
        return longest

    with dev_realm.stall(60):
        longest = run(work())
    assert longest < 1  # a blocked loop would stand for the whole load


def test_nobody_waits_longer_than_wait_seconds_here_either(dev_realm: DevRealm, clock: Clock) -> None:
    """J12: 503 after wait_seconds, without blocking the loop."""
    validator = RealmTokenValidator(dev_realm.issuer, audience="orders-api", monotonic=clock, wait_seconds=0.1)
    validator.verify(dev_realm.mint())
    with dev_realm.stall(60):
        assert run(reason(validator, dev_realm.mint(wrong="unknown_key"))) is Reason.KEYS_UNAVAILABLE
