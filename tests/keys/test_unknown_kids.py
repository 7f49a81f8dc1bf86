"""The kids that a load has just shown to be nobody's."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from resource_protector import KeysUnavailable, RealmTokenValidator
from resource_protector.dev import DevRealm
from tests.keys.asking import MakeValidator, StoppingClock, fetches, flood, verdict
from tests.polling import Clock

MOST = 128


def reload_in_vain(validator: RealmTokenValidator) -> None:
    """Have the realm asked while it cannot be: from now on only what is remembered is known."""
    with pytest.raises(KeysUnavailable):
        validator.keys.reload()


def test_the_first_load_is_the_last_word_on_an_unknown_kid(dev_realm: DevRealm, validator: RealmTokenValidator) -> None:
    """The keys were just loaded, for this very request: a second fetch would say the same."""
    assert verdict(validator, dev_realm.mint(wrong="unknown_key")) == "unknown_key"
    assert fetches(dev_realm) == 1


def test_a_load_that_ended_meanwhile_is_the_last_word_though_the_next_one_runs(
    dev_realm: DevRealm, clock: Clock, make: MakeValidator
) -> None:
    """Where keys are due again as soon as they arrive, a request does not wait for one load after the other."""
    asked: list[str] = []

    def fetch(url: str) -> object:
        asked.append(url)
        clock.advance(1)
        assert len(asked) < 10, "one load after the other"
        return dev_realm.fetch(url)

    validator = make(fetch=fetch, max_age_seconds=1, wait_seconds=30, timeout_seconds=30)

    assert verdict(validator, dev_realm.mint(wrong="unknown_key")) == "unknown_key"
    assert len(asked) <= 2


def test_a_load_that_others_made_meanwhile_is_the_last_word_unless_a_later_one_failed(
    dev_realm: DevRealm, make: MakeValidator
) -> None:
    """J10: between two steps of a request the keys are loaded, and then the realm goes away: nobody knows any more."""
    for goes_away, expected, asked in ((False, "unknown_key", 2), (True, "unavailable", 2)):
        dev_realm.requests.clear()
        clock = StoppingClock(1000.0, at_look=2)  # after its first look at the keys
        validator = make(monotonic=clock)
        validator.verify(dev_realm.mint())
        with ThreadPoolExecutor(1, "stopped") as pool:
            late = pool.submit(verdict, validator, dev_realm.mint(wrong="unknown_key"))
            assert clock.is_stopped.wait(10)
            validator.keys.reload()
            with dev_realm.down():
                if goes_away:
                    reload_in_vain(validator)
                clock.go_on.set()
                answer = late.result()

        assert (answer, fetches(dev_realm)) == (expected, asked)


def test_a_verdict_is_remembered_for_a_cooldown(dev_realm: DevRealm, clock: Clock, make: MakeValidator) -> None:
    """A definite verdict outlives the realm's answers for a moment; a kid that nobody asked for is 503 meanwhile."""
    validator = make(retry_seconds=60)
    validator.verify(dev_realm.mint())
    unknown, never_asked_for = flood(dev_realm, 2)
    assert verdict(validator, unknown) == "unknown_key"
    with dev_realm.down():
        reload_in_vain(validator)
        clock.advance(9.9)
        assert verdict(validator, unknown) == "unknown_key"
        assert verdict(validator, never_asked_for) == "unavailable"
        clock.advance(0.2)
        assert verdict(validator, unknown) == "unavailable"


def test_a_verdict_is_forgotten_at_the_next_successful_load(
    dev_realm: DevRealm, clock: Clock, validator: RealmTokenValidator
) -> None:
    """J4: it was a verdict on the keys of then."""
    validator.verify(dev_realm.mint())
    (unknown,) = flood(dev_realm, 1)
    assert verdict(validator, unknown) == "unknown_key"
    validator.keys.reload()
    with dev_realm.down():
        reload_in_vain(validator)

        assert verdict(validator, unknown) == "unavailable"


def test_verdicts_are_kept_in_bounded_memory(dev_realm: DevRealm, make: MakeValidator) -> None:
    """200 kids that are looked for in the same moment share one load and are all refused; the oldest verdicts go."""
    looks, barrier = threading.local(), threading.Barrier(200)

    def clock() -> float:
        looks.count = getattr(looks, "count", 0) + 1
        if threading.current_thread().name.startswith("flood") and looks.count == 2:
            barrier.wait(30)  # everybody has looked, nobody has asked yet
        return 1000.0

    validator = make(monotonic=clock, wait_seconds=30, timeout_seconds=30)
    validator.verify(dev_realm.mint())
    tokens = flood(dev_realm, 200)
    with ThreadPoolExecutor(200, "flood") as pool:
        verdicts = {future.result() for future in [pool.submit(verdict, validator, token) for token in tokens]}

    assert verdicts == {"unknown_key"}
    assert fetches(dev_realm) == 2

    with dev_realm.down():
        reload_in_vain(validator)
        remembered = [verdict(validator, token) for token in tokens]
    assert set(remembered) == {"unknown_key", "unavailable"}
    assert remembered.count("unknown_key") == MOST
