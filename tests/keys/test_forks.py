"""A key set on both sides of a fork."""

import threading

from resource_protector import RealmTokenValidator
from resource_protector.dev import DevRealm
from tests.forking import forked
from tests.keys.asking import MakeValidator, StoppingClock, fetches, is_refreshed
from tests.polling import Clock, eventually


def test_a_lock_that_is_held_at_the_fork_is_free_in_the_child(dev_realm: DevRealm, make: MakeValidator) -> None:
    """J16: the thread that holds it does not exist there, so nobody would ever release it."""
    clock = StoppingClock(1000.0, at_look=1)
    validator, token = make(monotonic=clock), dev_realm.mint()
    validator.verify(token)
    holder = threading.Thread(target=validator.status, name="stopped")  # it looks at the clock with the lock held
    holder.start()
    try:
        assert clock.is_stopped.wait(10)
        with forked(lambda: validator.status()["loaded"] and validator.verify(token)):
            pass
    finally:
        clock.go_on.set()
        holder.join()


def test_a_load_under_way_at_the_fork_is_nothing_to_the_child(
    dev_realm: DevRealm, clock: Clock, validator: RealmTokenValidator
) -> None:
    """J16: its thread does not exist there: the child serves its keys, and starts a refresh of its own, which ends."""
    token = dev_realm.mint()
    validator.verify(token)

    def live_on() -> bool:
        good = validator.status()["last_error"] is None and bool(validator.verify(token))
        eventually(lambda: is_refreshed(validator))
        return good

    with dev_realm.stall(60):
        clock.advance(300)
        validator.verify(token)
        eventually(lambda: fetches(dev_realm) == 2)
        with forked(live_on):
            eventually(lambda: fetches(dev_realm) == 3)
            dev_realm.heal()
    eventually(lambda: is_refreshed(validator))
