"""How long a request waits for the realm's keys."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from resource_protector import KeysUnavailable, RealmTokenValidator
from resource_protector.dev import DevRealm
from tests.keys.asking import MakeValidator, at_once, fetches, verdict
from tests.polling import Clock, eventually

Verify = Callable[[RealmTokenValidator, str], Any]


def in_a_thread(validator: RealmTokenValidator, token: str) -> Any:
    """As most servers do."""
    return validator.verify(token)


def in_a_loop(validator: RealmTokenValidator, token: str) -> Any:
    """As an asynchronous server does."""
    return asyncio.run(validator.verify_async(token))


@pytest.fixture(params=[in_a_thread, in_a_loop], ids=["thread", "event loop"])
def verify(request: pytest.FixtureRequest) -> Any:
    """Either way to wait."""
    return request.param


def test_200_threads_on_a_cold_start_make_one_fetch(dev_realm: DevRealm, make: MakeValidator) -> None:
    """J1: everybody waits for the one load."""
    validator = make(timeout_seconds=30)

    assert set(at_once(validator, [dev_realm.mint()] * 200)) == {"accepted"}
    assert fetches(dev_realm) == 1


def test_200_threads_after_an_idle_hour_make_one_fetch(dev_realm: DevRealm, clock: Clock, make: MakeValidator) -> None:
    """J1, J21: also where there are keys, which are too old to serve."""
    validator = make(wait_seconds=30, timeout_seconds=30)
    token = dev_realm.mint()
    validator.verify(token)
    clock.advance(3600)

    assert set(at_once(validator, [token] * 200)) == {"accepted"}
    assert fetches(dev_realm) == 2


def test_a_request_that_comes_late_waits_no_longer(
    dev_realm: DevRealm, clock: Clock, make: MakeValidator, verify: Verify
) -> None:
    """J12: wait_seconds are counted from the load's start: one that comes after them is answered 503 at once."""
    validator = make(wait_seconds=15, timeout_seconds=60)
    validator.verify(dev_realm.mint())
    unknown = dev_realm.mint(wrong="unknown_key")
    with dev_realm.stall(30):
        first = threading.Thread(target=verdict, args=(validator, unknown))
        first.start()
        eventually(lambda: fetches(dev_realm) == 2)
        clock.advance(15)
        began = time.monotonic()
        with pytest.raises(KeysUnavailable):
            verify(validator, unknown)
        waited = time.monotonic() - began
        dev_realm.heal()
        first.join()

    assert waited < 5
    assert fetches(dev_realm) == 2


def test_nobody_waits_longer_than_wait_seconds(
    dev_realm: DevRealm, clock: Clock, make: MakeValidator, verify: Verify
) -> None:
    """J12: once keys were loaded, a request that has to wait is answered 503 when they are over, not when the load is."""
    validator = make(wait_seconds=0.2, timeout_seconds=60)
    token = dev_realm.mint()
    validator.verify(token)
    with dev_realm.stall(15):
        began = time.monotonic()
        with pytest.raises(KeysUnavailable):
            verify(validator, dev_realm.mint(wrong="unknown_key"))
        waited = time.monotonic() - began
        dev_realm.heal()

    assert 0.2 <= waited < 5
    assert fetches(dev_realm) == 2


def test_the_first_keys_are_waited_for_until_the_deadline(dev_realm: DevRealm, make: MakeValidator) -> None:
    """J12: wait_seconds are for whoever has keys; without any there is nothing but the load."""
    validator = make(wait_seconds=0, timeout_seconds=30)
    answers: list[str] = []
    with dev_realm.stall(60):
        waiting = threading.Thread(target=lambda: answers.append(verdict(validator, dev_realm.mint())))
        waiting.start()
        eventually(lambda: fetches(dev_realm) == 1)
        dev_realm.heal()
        waiting.join()

    assert answers == ["accepted"]


@pytest.mark.parametrize("wait_seconds", [0.1, 60])
def test_a_fetch_that_never_ends_is_given_up(
    dev_realm: DevRealm, make: MakeValidator, verify: Verify, wait_seconds: float
) -> None:
    """J12: whatever the clock says, nobody waits beyond timeout_seconds; known keys are not asked to, at all."""
    go_on = threading.Event()
    asked: list[str] = []

    def fetch(url: str) -> object:
        asked.append(url)
        if len(asked) > 1:
            go_on.wait(15)
        return dev_realm.fetch(url)

    validator = make(fetch=fetch, wait_seconds=wait_seconds, timeout_seconds=0.3)
    token = dev_realm.mint()
    validator.verify(token)
    try:
        began = time.monotonic()
        with pytest.raises(KeysUnavailable):
            verify(validator, dev_realm.mint(wrong="unknown_key"))
        assert time.monotonic() - began < 5
        assert verdict(validator, token) == "accepted"

        began = time.monotonic()
        with pytest.raises(KeysUnavailable):
            validator.keys.reload()
        assert time.monotonic() - began < 5
    finally:
        go_on.set()
    assert len(asked) == 2


def test_after_an_idle_hour_a_known_key_waits_no_longer_either(
    dev_realm: DevRealm, clock: Clock, make: MakeValidator
) -> None:
    """Nobody can say whether the key was withdrawn meanwhile: 503 after wait_seconds, until the load has ended."""
    validator = make(wait_seconds=0.1)
    token = dev_realm.mint()
    validator.verify(token)
    with dev_realm.stall(60):
        clock.advance(3600)
        assert verdict(validator, token) == "unavailable"
        clock.advance(5)  # the load has ended, in vain: now the keys at hand serve
        assert verdict(validator, token) == "accepted"
