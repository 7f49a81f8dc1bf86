"""A realm that cannot be asked, or answers that it has no keys."""

import logging

import pytest

from resource_protector import KeysUnavailable, RealmTokenValidator
from resource_protector.dev import DevRealm
from tests.keys.asking import MakeValidator, attempts_ended, fetches, no_load_is_running, verdict
from tests.polling import Clock, eventually


def try_again(validator: RealmTokenValidator, token: str, clock: Clock) -> float:
    """One attempt, in vain; the clock goes on to the moment of the next one. Returns how long that is."""
    assert verdict(validator, token) == "unavailable"
    wait = validator.status()["next_attempt_seconds"]
    assert wait is not None
    clock.advance(wait + 0.001)  # the figure is rounded
    return wait


def test_waits_between_attempts_grow_to_half_a_minute(
    dev_realm: DevRealm, clock: Clock, validator: RealmTokenValidator
) -> None:
    """retry_seconds, doubled at each failure up to 30, never longer than announced."""
    token = dev_realm.mint()
    with dev_realm.down():
        waits = [try_again(validator, token, clock) for _ in range(9)]

    assert all(0.75 * full <= wait <= full for wait, full in zip(waits, [1, 2, 4, 8, 16, 30, 30, 30, 30], strict=True))


def test_attempts_of_many_processes_drift_apart(dev_realm: DevRealm, make: MakeValidator) -> None:
    """J19: a realm that comes back is not asked by everybody at once; jitter only shortens what was announced."""

    def fetch(url: str) -> object:
        raise OSError("nobody there")

    waits = []
    for _ in range(200):
        validator = make(fetch=fetch)
        with pytest.raises(KeysUnavailable):
            validator.keys.reload()
        waits.append(validator.status()["next_attempt_seconds"])

    assert 0.75 <= min(wait for wait in waits if wait is not None) < 0.8
    assert 0.95 < max(wait for wait in waits if wait is not None) <= 1


def test_an_outage_is_a_handful_of_lines(
    dev_realm: DevRealm, clock: Clock, validator: RealmTokenValidator, caplog: pytest.LogCaptureFixture
) -> None:
    """J7: one at the first failure, one per further minute of them, one at the end: not one per attempt."""
    caplog.set_level(logging.WARNING, logger="resource_protector.keys")
    token = dev_realm.mint()
    with dev_realm.down():
        for _ in range(6):  # 1, 2, 4, 8, 16 s
            try_again(validator, token, clock)
        assert ["could not be loaded" in line for line in caplog.messages] == [True]
        clock.advance(60)
        for _ in range(2):
            try_again(validator, token, clock)
        assert ["still cannot be loaded, 7 attempts" in line for line in caplog.messages] == [False, True]
    validator.verify(token)

    assert ["are loaded again" in line for line in caplog.messages] == [False, False, True]


# A realm without keys


def test_an_empty_set_is_obeyed_when_it_is_confirmed(
    dev_realm: DevRealm, clock: Clock, either: RealmTokenValidator
) -> None:
    """J13b: the second answer, a cooldown later, decides; until then the keys at hand serve."""
    token = dev_realm.mint()
    either.verify(token)
    with dev_realm.answer_empty():
        clock.advance(300)
        either.verify(token)
        eventually(lambda: attempts_ended(either))
        assert verdict(either, token) == "accepted"
        clock.advance(9.9)
        assert verdict(either, token) == "accepted"
        eventually(no_load_is_running)
        assert fetches(dev_realm) == 2
        clock.advance(0.1)
        eventually(lambda: verdict(either, token) == "unavailable")
        assert fetches(dev_realm) == 3
    clock.advance(30)
    assert verdict(either, token) == "accepted"


def say_empty(validator: RealmTokenValidator, dev_realm: DevRealm) -> None:
    """Have the realm answer once that it has no keys."""
    with dev_realm.answer_empty(), pytest.raises(KeysUnavailable):
        validator.keys.reload()


def test_an_empty_set_said_twice_within_a_cooldown_is_not_confirmed(
    dev_realm: DevRealm, clock: Clock, validator: RealmTokenValidator
) -> None:
    """J13b: however often somebody asks, only the cooldown makes the second answer count."""
    token = dev_realm.mint()
    validator.verify(token)
    for _ in range(3):
        say_empty(validator, dev_realm)
    assert verdict(validator, token) == "accepted"
    clock.advance(10)
    say_empty(validator, dev_realm)

    assert verdict(validator, token) == "unavailable"


@pytest.mark.parametrize("between", ["keys", "an error"])
def test_an_empty_set_is_confirmed_by_the_very_next_answer_only(
    dev_realm: DevRealm, clock: Clock, validator: RealmTokenValidator, between: str
) -> None:
    """J13b: keys, or an error, between two empty answers: the second one is a first one again."""
    token = dev_realm.mint()
    validator.verify(token)
    say_empty(validator, dev_realm)
    clock.advance(5)
    if between == "keys":
        validator.keys.reload()
    else:
        with dev_realm.answer_500(), pytest.raises(KeysUnavailable):
            validator.keys.reload()
    clock.advance(6)
    say_empty(validator, dev_realm)

    assert verdict(validator, token) == "accepted"
    clock.advance(10)
    say_empty(validator, dev_realm)
    assert verdict(validator, token) == "unavailable"
