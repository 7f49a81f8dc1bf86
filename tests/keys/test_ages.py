"""How old the realm's keys may become."""

import pytest

from resource_protector import KeysUnavailable, RealmTokenValidator
from resource_protector.dev import DevRealm
from tests.keys.asking import MakeValidator, attempts_ended, fetches, no_load_is_running, verdict
from tests.polling import Clock, eventually


def test_refreshes_of_many_processes_drift_apart(dev_realm: DevRealm, clock: Clock, make: MakeValidator) -> None:
    """J19: each load draws its own moment, anywhere between 0.9 and 1.0 of max_age_seconds."""
    validator, due = make(fetch=dev_realm.fetch), []
    for _ in range(200):
        validator.keys.reload()
        moment = validator.status()["next_attempt_seconds"]
        assert moment is not None
        due.append(moment / 300)

    assert 0.9 <= min(due) < 0.92
    assert 0.98 < max(due) <= 1.0


def test_the_age_of_keys_is_counted_from_the_beginning_of_their_load(
    dev_realm: DevRealm, clock: Clock, make: MakeValidator
) -> None:
    """What was withdrawn while a slow answer was under way may still be in it."""

    def fetch(url: str) -> object:
        clock.advance(4)
        return dev_realm.fetch(url)

    validator = make(fetch=fetch)
    validator.keys.reload()
    status = validator.status()

    assert status["age_seconds"] == 4
    assert status["next_attempt_seconds"] is not None
    assert status["next_attempt_seconds"] <= 296


def test_a_realm_that_takes_its_time_is_served_all_the_same(
    dev_realm: DevRealm, clock: Clock, make: MakeValidator
) -> None:
    """Keys that are too old when they arrive, because one fetch takes longer than twice max_age_seconds, serve for one more."""

    def fetch(url: str) -> object:
        clock.advance(5)
        return dev_realm.fetch(url)

    validator = make(fetch=fetch, max_age_seconds=2, timeout_seconds=10)
    token = dev_realm.mint()
    for _ in range(20):
        assert verdict(validator, token) == "accepted"
        eventually(no_load_is_running)
        clock.advance(0.5)

    clock.advance(1.5)  # two seconds since anybody asked: now they are too old
    dev_realm.rotate("withdraw")
    assert verdict(validator, token) != "accepted"
    eventually(no_load_is_running)
    assert verdict(validator, token) != "accepted"
    assert verdict(validator, dev_realm.mint()) == "accepted"


def test_a_withdrawn_key_is_refused_after_an_idle_hour(
    dev_realm: DevRealm, clock: Clock, either: RealmTokenValidator
) -> None:
    """J21: older than twice max_age_seconds, the keys are loaded before the answer."""
    old = dev_realm.mint()
    either.verify(old)
    dev_realm.rotate("withdraw")
    clock.advance(3600)

    assert verdict(either, old) == "unknown_key"
    clock.advance(36_000)
    assert verdict(either, dev_realm.mint()) == "accepted"


def test_the_keys_of_an_outage_that_nobody_asked_about_for_long_are_not_stale_but_old(
    dev_realm: DevRealm, clock: Clock, either: RealmTokenValidator
) -> None:
    """J5, J21: a failed attempt of long ago does not speak for now: max_age_seconds after its retry was due, the realm is asked."""
    old = dev_realm.mint()
    either.verify(old)
    with dev_realm.down():
        clock.advance(300)
        either.verify(old)
        eventually(lambda: attempts_ended(either))
    dev_realm.rotate("withdraw")
    clock.advance(302)  # within max_stale_seconds

    assert verdict(either, old) == "unknown_key"


def test_a_failure_of_long_ago_takes_nothing_from_the_age_of_keys(
    dev_realm: DevRealm, clock: Clock, make: MakeValidator
) -> None:
    """J11: keys that are younger than twice max_age_seconds serve while they are refreshed, whatever failed before."""
    validator = make(wait_seconds=0, timeout_seconds=30)
    token = dev_realm.mint()
    validator.verify(token)
    with dev_realm.down(), pytest.raises(KeysUnavailable):
        validator.keys.reload()
    clock.advance(400)
    with dev_realm.stall(60):
        assert verdict(validator, token) == "accepted"
        eventually(lambda: fetches(dev_realm) == 2)
        dev_realm.heal()
    eventually(no_load_is_running)


@pytest.mark.parametrize("age", [301, 1500])
def test_while_such_keys_are_loaded_nobody_is_served_by_the_old_ones(
    dev_realm: DevRealm, clock: Clock, make: MakeValidator, age: float
) -> None:
    """J5, J21: the first request waits in vain, and so does the next one; what was withdrawn nobody knows yet."""
    validator = make(token_cache_size=4096, wait_seconds=0.1, timeout_seconds=30)
    old = dev_realm.mint()
    validator.verify(old)
    with dev_realm.down():
        clock.advance(300)
        validator.verify(old)
        eventually(lambda: attempts_ended(validator))
    dev_realm.rotate("withdraw")
    clock.advance(age + 1)
    with dev_realm.stall(60):
        assert [verdict(validator, old) for _ in range(3)] == ["unavailable"] * 3
        dev_realm.heal()
    eventually(no_load_is_running)

    assert verdict(validator, old) == "unknown_key"
