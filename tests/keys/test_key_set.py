"""The realm's live key set: keys at hand, their age, and the loads that keep them current.

Over real sockets to the dev realm, through the validator; only the clocks are injected.
"""

import base64
import logging
import secrets
import threading
import time
from typing import Any

import pytest

from resource_protector import KeysUnavailable, RealmTokenValidator, Reason
from resource_protector.dev import DevRealm
from tests.keys.asking import (
    MakeValidator,
    attempts_ended,
    certs,
    fetches,
    flood,
    is_refreshed,
    no_load_is_running,
    verdict,
    with_kid,
    without_kid,
)
from tests.keys.provider import serving, talking
from tests.polling import Clock, eventually

# The plain life of a key set


def test_construction_asks_nobody(dev_realm: DevRealm, validator: RealmTokenValidator) -> None:
    """Keys are loaded by the first token."""
    assert validator.status()["loaded"] is False
    assert not fetches(dev_realm)

    assert verdict(validator, dev_realm.mint()) == "accepted"
    assert fetches(dev_realm) == 1


def test_keys_serve_nine_tenths_of_their_age(dev_realm: DevRealm, clock: Clock, validator: RealmTokenValidator) -> None:
    """J2: no fetch before 0.9 of max_age_seconds, one after 1.0 of it, beside the request."""
    token = dev_realm.mint()
    validator.verify(token)
    clock.advance(0.89 * 300)
    for _ in range(100):
        validator.verify(token)

    assert fetches(dev_realm) == 1

    clock.advance(0.11 * 300)
    validator.verify(token)
    eventually(lambda: is_refreshed(validator))
    assert fetches(dev_realm) == 2


# Unknown keys


def test_a_flood_of_unknown_kids_costs_one_fetch(
    dev_realm: DevRealm, clock: Clock, either: RealmTokenValidator
) -> None:
    """J3: 10,000 tokens with random kids within one cooldown: one forced reload, all refused, known ones served."""
    good = dev_realm.mint()
    either.verify(good)
    answers = {verdict(either, token) for token in flood(dev_realm, 10_000)}

    assert answers == {"unknown_key"}
    assert fetches(dev_realm) == 2
    assert either.keys.is_cooling_down

    clock.advance(10)
    assert {verdict(either, token) for token in flood(dev_realm, 100)} == {"unknown_key"}
    assert verdict(either, good) == "accepted"
    assert fetches(dev_realm) == 3


def test_a_rotation_is_noticed_at_once(dev_realm: DevRealm, either: RealmTokenValidator) -> None:
    """J4: the first token of the new key makes the reload that accepts it; the old key's go on."""
    old = dev_realm.mint()
    either.verify(old)
    dev_realm.rotate()

    assert verdict(either, dev_realm.mint()) == "accepted"
    assert verdict(either, old) == "accepted"
    assert fetches(dev_realm) == 2


def test_a_rotation_under_flood_is_noticed_within_a_cooldown(
    dev_realm: DevRealm, clock: Clock, either: RealmTokenValidator
) -> None:
    """J4: the flood has used up this cooldown's reload; the next one finds the new key."""
    old = dev_realm.mint()
    either.verify(old)
    assert verdict(either, dev_realm.mint(wrong="unknown_key")) == "unknown_key"
    dev_realm.rotate()
    new = dev_realm.mint()

    assert verdict(either, new) == "unknown_key"
    clock.advance(9.9)
    assert verdict(either, new) == "unknown_key"
    assert verdict(either, old) == "accepted"
    clock.advance(0.1)
    assert verdict(either, new) == "accepted"
    assert fetches(dev_realm) == 3


def test_the_first_unknown_kid_after_a_refresh_reloads_at_once(
    dev_realm: DevRealm, clock: Clock, validator: RealmTokenValidator
) -> None:
    """The cooldown is that of forced reloads; a regular refresh does not start it."""
    old = dev_realm.mint()
    validator.verify(old)
    clock.advance(300)
    validator.verify(old)
    eventually(lambda: is_refreshed(validator))
    clock.advance(0.5)
    dev_realm.rotate()

    assert verdict(validator, dev_realm.mint()) == "accepted"


def test_another_realms_token_costs_nothing(dev_realm: DevRealm, validator: RealmTokenValidator) -> None:
    """A31: refused as `issuer` without a fetch, cold or warm, and also while the realm is down."""
    evil = "https://evil.example.com/realms/x"
    other = dev_realm.mint(wrong="issuer")
    strange = dev_realm.mint(wrong="unknown_key", iss=evil)
    forged = dev_realm.mint(wrong="signature", iss=evil)  # under a kid of this realm
    nameless = without_kid(forged)
    for token in (other, strange, forged, nameless):
        assert verdict(validator, token) == "issuer"
    assert not fetches(dev_realm)

    validator.verify(dev_realm.mint())
    for token in (other, strange, forged, nameless):
        assert verdict(validator, token) == "issuer"
    with dev_realm.down():
        for token in (other, strange, forged, nameless):
            assert verdict(validator, token) == "issuer"
    assert fetches(dev_realm) == 1
    assert not validator.keys.is_cooling_down


@pytest.mark.parametrize("spelling", ["{}", "{{{}}}"])
def test_an_issuer_that_cannot_be_read_without_parsing_refuses_nothing(
    dev_realm: DevRealm, validator: RealmTokenValidator, spelling: str
) -> None:
    """What is read before the signature can only refuse, and only what it is sure of: the reload decides."""
    validator.verify(dev_realm.mint())
    escaped = dev_realm.issuer.replace("/", "\\/")
    for members in (
        f'"iss":"{escaped}"',
        '"iss":5',
        '"iss":"\\x"',
        '"iss":"https://other.example.com",' * 20 + '"a":1',
    ):
        payload = base64.urlsafe_b64encode(spelling.format(members).encode()).rstrip(b"=").decode()
        forged = with_kid(f".{payload}.AAAA", secrets.token_hex(8))

        assert verdict(validator, forged) == "unknown_key"


# Keys that go


def test_a_withdrawn_key_is_refused_after_the_next_refresh(
    dev_realm: DevRealm, clock: Clock, either: RealmTokenValidator
) -> None:
    """J5: the token is unexpired, cached or not; the key is gone, so it is refused."""
    old = dev_realm.mint()
    assert verdict(either, old) == "accepted"
    dev_realm.rotate("withdraw")

    assert verdict(either, old) == "accepted"  # nobody has asked the realm since
    clock.advance(300)
    either.verify(old)
    eventually(lambda: is_refreshed(either))
    assert verdict(either, old) == "unknown_key"
    assert verdict(either, dev_realm.mint()) == "accepted"


def test_other_material_under_the_same_kid(dev_realm: DevRealm, clock: Clock, make: MakeValidator) -> None:
    """J6: a bad signature forces one reload, and the new key under the old name is found; no more in a cooldown."""
    before = certs(dev_realm)
    kid = dev_realm.rotate()
    token, after = dev_realm.mint(), certs(dev_realm)
    for key in before["keys"]:
        key["kid"] = kid  # the name of the new key, and the material of the old one
    documents: list[object] = [before, after]
    served: list[object] = []

    def answer() -> object:
        served.append(documents[min(len(served), 1)])
        return served[-1]

    with talking(serving(answer)) as url:
        validator = make(jwks_uri=url)
        validator.keys.reload()
        assert verdict(validator, token) == "accepted"
        assert len(served) == 2

        tampered = token[:-40] + dev_realm.mint()[-40:]
        assert {verdict(validator, tampered) for _ in range(100)} == {"signature"}
        assert len(served) == 2


def test_a_flood_of_bad_signatures_costs_one_fetch(dev_realm: DevRealm, either: RealmTokenValidator) -> None:
    """J6: one forced reload per cooldown, whatever forges them."""
    either.verify(dev_realm.mint())
    bad = dev_realm.mint(wrong="signature")

    assert {verdict(either, bad) for _ in range(500)} == {"signature"}
    assert fetches(dev_realm) == 2


# The realm is away


def test_known_keys_go_on_while_the_realm_is_down(
    dev_realm: DevRealm, clock: Clock, either: RealmTokenValidator, caplog: pytest.LogCaptureFixture
) -> None:
    """J7: keys older than max_age_seconds serve; status says stale; the log has a line, not one per request."""
    token = dev_realm.mint()
    either.verify(token)
    with dev_realm.down():
        clock.advance(301)
        either.verify(token)
        eventually(lambda: attempts_ended(either))
        for _ in range(100):
            assert verdict(either, token) == "accepted"
        assert either.status()["is_stale"]
        assert either.keys.is_stale
        eventually(lambda: [r for r in caplog.records if r.name == "resource_protector.keys"])
        lines = [record for record in caplog.records if record.name == "resource_protector.keys"]
        assert [record.levelno for record in lines] == [logging.WARNING]
        assert "ConnectionRefusedError" in lines[0].getMessage()

        clock.advance(65)  # a minute later the next line
        either.verify(token)
        eventually(lambda: len([r for r in caplog.records if r.name == "resource_protector.keys"]) == 2)
        assert "still cannot be loaded" in caplog.records[-1].getMessage()

    clock.advance(31)
    either.verify(token)
    eventually(lambda: "are loaded again" in caplog.records[-1].getMessage())
    assert is_refreshed(either)
    assert token not in caplog.text


def test_known_keys_go_on_however_the_knobs_are_set(dev_realm: DevRealm, clock: Clock, make: MakeValidator) -> None:
    """J7: also where the wait between attempts, or a fetch that hangs, is longer than max_age_seconds."""
    for fault, seconds in ((dev_realm.down, 60), (lambda: dev_realm.stall(60), 30)):
        validator = make(max_age_seconds=2)
        token = dev_realm.mint()
        validator.verify(token)
        with fault():
            for _ in range(seconds * 4):
                clock.advance(0.25)
                assert verdict(validator, token) == "accepted"
                if fault == dev_realm.down:  # the attempt of this moment ends in this moment
                    eventually(no_load_is_running)
        eventually(no_load_is_running)


def test_beyond_the_stale_limit_nobody_knows(dev_realm: DevRealm, clock: Clock, either: RealmTokenValidator) -> None:
    """J8: max_age_seconds + max_stale_seconds after the last good load, and a failed attempt: 503, then recovery."""
    token = dev_realm.mint()
    either.verify(token)
    with dev_realm.down():
        clock.advance(300)
        either.verify(token)
        eventually(lambda: attempts_ended(either))
        clock.advance(3599)
        assert verdict(either, token) == "accepted"
        eventually(lambda: verdict(either, token) == "accepted")
        clock.advance(1)
        assert verdict(either, token) == "unavailable"
        with pytest.raises(KeysUnavailable) as unavailable:
            either.verify(token)
        assert 1 <= unavailable.value.retry_after_seconds <= 30
    clock.advance(30)
    assert verdict(either, token) == "accepted"


def test_no_staleness_may_be_asked_for(dev_realm: DevRealm, clock: Clock, make: MakeValidator) -> None:
    """max_stale_seconds=0: a failed refresh at max_age_seconds means 503, and never without a failed attempt."""
    validator = make(max_stale_seconds=0)
    token = dev_realm.mint()
    validator.verify(token)
    with dev_realm.down():
        clock.advance(301)
        assert verdict(validator, token) == "accepted"
        eventually(lambda: attempts_ended(validator))
        assert verdict(validator, token) == "unavailable"


def test_a_realm_that_is_down_at_the_start(dev_realm: DevRealm, clock: Clock, validator: RealmTokenValidator) -> None:
    """J9: 503 with the next attempt's time, no fetch before it, and 200 after it without a restart."""
    token = dev_realm.mint()
    with dev_realm.down():
        with pytest.raises(KeysUnavailable) as unavailable:
            validator.verify(token)
        assert unavailable.value.retry_after_seconds == 1
        assert "ConnectionRefusedError" in str(unavailable.value.__cause__)
    assert verdict(validator, token) == "unavailable"
    assert not fetches(dev_realm)

    clock.advance(1)
    assert verdict(validator, token) == "accepted"


def test_an_unknown_kid_while_the_realm_cannot_be_asked(
    dev_realm: DevRealm, clock: Clock, either: RealmTokenValidator
) -> None:
    """J10: 503, because we do not know; a known key is served in the same moment."""
    good, unknown = dev_realm.mint(), dev_realm.mint(wrong="unknown_key")
    either.verify(good)
    with dev_realm.down():
        assert verdict(either, unknown) == "unavailable"
        assert verdict(either, unknown) == "unavailable"
        assert verdict(either, good) == "accepted"
        assert verdict(either, dev_realm.mint(wrong="signature")) == "signature"
    clock.advance(2)
    assert verdict(either, unknown) == "unavailable"  # the retry runs beside
    eventually(lambda: verdict(either, unknown) == "unknown_key")


def test_whoever_comes_back_when_told_to_is_served(
    dev_realm: DevRealm, clock: Clock, either: RealmTokenValidator
) -> None:
    """J10: a caller a minute gets one 503, and 200 after the wait that it named; the realm is back, nobody else asked."""
    either.verify(dev_realm.mint())
    dev_realm.rotate()
    new = dev_realm.mint()
    with dev_realm.down(), pytest.raises(KeysUnavailable) as unavailable:
        either.verify(new)
    clock.advance(max(10, unavailable.value.retry_after_seconds))

    assert verdict(either, new) == "accepted"


@pytest.mark.parametrize("fault", ["answer_500", "answer_html", "answer_broken"])
def test_a_bad_document_never_replaces_a_good_one(
    dev_realm: DevRealm, clock: Clock, either: RealmTokenValidator, fault: str
) -> None:
    """J13: whatever comes with 200 or without, the keys at hand stay."""
    token = dev_realm.mint()
    either.verify(token)
    with getattr(dev_realm, fault)():
        clock.advance(300)
        either.verify(token)
        eventually(lambda: attempts_ended(either))
        assert verdict(either, token) == "accepted"
    assert fetches(dev_realm) == 2


@pytest.mark.parametrize("fault", ["answer_500", "answer_html", "answer_broken", "answer_empty"])
def test_a_bad_document_on_a_cold_start_is_unavailable(
    dev_realm: DevRealm, validator: RealmTokenValidator, fault: str
) -> None:
    """Nothing but KeysUnavailable is raised for what a provider may answer."""
    with getattr(dev_realm, fault)():
        assert verdict(validator, dev_realm.mint()) == "unavailable"


# Clocks


def test_ages_run_on_the_monotonic_clock_and_exp_on_the_wall_clock(dev_realm: DevRealm, make: MakeValidator) -> None:
    """J17: a wall clock that jumps by an hour makes no key old, and every token expired."""
    wall = Clock(time.time())
    for size in (0, 4096):
        validator = make(now=wall, token_cache_size=size)
        token = dev_realm.mint()
        validator.verify(token)
        asked = fetches(dev_realm)
        wall.advance(3600)
        assert verdict(validator, token) == "expired"
        wall.advance(-7200)
        assert verdict(validator, token) == "not_yet_valid"
        wall.advance(3600)
        assert verdict(validator, token) == "accepted"
        assert not validator.keys.is_stale
        assert fetches(dev_realm) == asked


def test_a_refresh_flushes_no_verified_token_of_an_unchanged_key(
    dev_realm: DevRealm, clock: Clock, make: MakeValidator
) -> None:
    """J20: unchanged keys stay the same objects, so a rotation costs no other token its entry."""
    validator = make(token_cache_size=4096)
    token = dev_realm.mint()
    first = validator.verify(token)
    dev_realm.rotate()
    validator.verify(dev_realm.mint())
    clock.advance(300)
    validator.verify(token)
    eventually(lambda: is_refreshed(validator))

    assert validator.verify(token) is first


def test_a_hit_notices_the_age_of_the_keys(dev_realm: DevRealm, clock: Clock, make: MakeValidator) -> None:
    """J20: an API that only sees known tokens refreshes its keys all the same."""
    validator = make(token_cache_size=4096)
    token = dev_realm.mint()
    validator.verify(token)
    clock.advance(300)
    validator.verify(token)

    eventually(lambda: fetches(dev_realm) == 2)


# A fetch that hangs


def test_known_keys_do_not_wait_behind_a_fetch_that_hangs(
    dev_realm: DevRealm, clock: Clock, either: RealmTokenValidator
) -> None:
    """J11, J12: the refresh is beside the requests, and there is one."""
    token = dev_realm.mint()
    either.verify(token)
    with dev_realm.stall(60):
        clock.advance(300)
        for _ in range(100):
            assert verdict(either, token) == "accepted"
        eventually(lambda: fetches(dev_realm) == 2)
    eventually(lambda: is_refreshed(either))


def test_a_slow_older_answer_does_not_replace_a_newer_one(
    dev_realm: DevRealm, clock: Clock, make: MakeValidator
) -> None:
    """J14: a load whose time is over by the clock is given up, and what it brings later does not count."""
    old = dev_realm.mint()
    before = certs(dev_realm)
    dev_realm.rotate("withdraw")
    after, release = certs(dev_realm), threading.Event()
    served: list[int] = []

    def answer() -> object:
        number = len(served)
        served.append(number)
        if number == 1:
            release.wait(20)
        return before if number < 2 else after

    with talking(serving(answer)) as url:
        validator = make(jwks_uri=url)
        validator.verify(old)
        clock.advance(300)
        validator.verify(old)
        eventually(lambda: len(served) == 2)
        clock.advance(5)
        validator.verify(old)
        assert "timeout_seconds=5" in str(validator.status()["last_error"])

        clock.advance(1)
        validator.verify(old)
        eventually(lambda: is_refreshed(validator))
        release.set()
        eventually(no_load_is_running)  # the older answer has arrived, and its load has ended
        assert verdict(validator, old) == "unknown_key"


def test_a_process_without_threads_to_spare_says_unavailable(
    dev_realm: DevRealm, validator: RealmTokenValidator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that cannot be started is a load that failed, not a 500."""

    def cannot_start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:  # the interpreter's fault is injected at the interpreter
        patched.setattr(threading.Thread, "start", cannot_start)
        assert verdict(validator, dev_realm.mint()) == "unavailable"


# What an operator asks


def test_reload_loads_now(dev_realm: DevRealm, validator: RealmTokenValidator) -> None:
    """For whoever wants the keys before the first request, or knows of a rotation."""
    validator.keys.reload()
    assert validator.status()["loaded"]
    kid = dev_realm.rotate()
    validator.keys.reload()

    assert kid in validator.status()["key_ids"]
    with dev_realm.answer_500(), pytest.raises(KeysUnavailable):
        validator.keys.reload()


def test_unavailable_can_be_said_at_any_moment(dev_realm: DevRealm, validator: RealmTokenValidator) -> None:
    """A wait may end in vain a moment before the load succeeds: 503 with a Retry-After of a second, and nothing else."""
    validator.verify(dev_realm.mint())

    assert validator.keys.unavailable().retry_after_seconds == 1


def test_status_is_json_of_what_an_operator_wants(
    dev_realm: DevRealm, clock: Clock, validator: RealmTokenValidator
) -> None:
    """Before, after, and during an outage."""
    status = validator.status()
    assert (status["loaded"], status["is_stale"], status["age_seconds"], status["key_ids"]) == (False, True, None, [])

    validator.verify(dev_realm.mint())
    clock.advance(12)
    status = validator.status()
    assert (status["issuer"], status["loaded"], status["is_stale"]) == (dev_realm.issuer, True, False)
    assert (status["age_seconds"], status["last_error"], len(status["key_ids"])) == (12, None, 1)


def test_a_skipped_key_is_logged_once(
    dev_realm: DevRealm, make: MakeValidator, caplog: pytest.LogCaptureFixture
) -> None:
    """The realm's encryption key is named at the first load, and not again at each."""
    caplog.set_level(logging.INFO, logger="resource_protector.keys")
    validator = make()
    validator.keys.reload()
    validator.keys.reload()

    assert len([record for record in caplog.records if "use is 'enc'" in record.getMessage()]) == 1


@pytest.mark.parametrize(
    "knob",
    ["max_age_seconds", "max_stale_seconds", "cooldown_seconds", "retry_seconds", "wait_seconds", "timeout_seconds"],
)
@pytest.mark.parametrize("value", [float("nan"), -1, "5", True])
def test_a_time_is_a_number_of_seconds(make: MakeValidator, knob: str, value: object) -> None:
    """A wrong time is refused at construction, by its name."""
    with pytest.raises(ValueError, match=knob):
        make(**{knob: value})


@pytest.fixture
def discovered(dev_realm: DevRealm) -> RealmTokenValidator:
    """A validator that finds the keys by discovery."""
    return RealmTokenValidator.discover(dev_realm.issuer, audience="orders-api")


def test_discovery_reads_the_address_of_the_keys(dev_realm: DevRealm, discovered: RealmTokenValidator) -> None:
    """One fetch of the configuration and one of the keys, at the first token."""
    assert not dev_realm.requests
    assert verdict(discovered, dev_realm.mint()) == "accepted"
    assert (dev_realm.requests["discovery"], fetches(dev_realm)) == (1, 1)


def test_discovery_that_names_another_issuer_brings_no_keys(
    dev_realm: DevRealm, caplog: pytest.LogCaptureFixture
) -> None:
    """The hostname split: the log says both issuers and what to write."""
    public = "https://sso.example.com/realms/myorg"
    validator = RealmTokenValidator.discover(dev_realm.issuer, issuer=public, audience="orders-api")
    token = dev_realm.mint(iss=public)

    assert verdict(validator, token) == "unavailable"
    assert public in caplog.text
    assert f"write issuer='{dev_realm.issuer}'" in caplog.text


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://sso.example.com/realms/r", "jwks_uri": "http://sso.example.com/certs"},
        {"issuer": "https://sso.example.com/realms/r", "jwks_uri": 5},
        {"issuer": "https://sso.example.com/realms/r"},
        {"issuer": None},
        ["issuer"],
        None,
    ],
    ids=str,
)
def test_discovery_obeys_the_rules_of_addresses(dev_realm: DevRealm, document: object) -> None:
    """A jwks_uri over plain http, or none at all, is not followed."""
    issuer = "https://sso.example.com/realms/r"
    asked: list[str] = []

    def fetch(url: str) -> object:
        asked.append(url)
        return document

    validator = RealmTokenValidator.discover(issuer, audience="orders-api", fetch=fetch)

    assert verdict(validator, dev_realm.mint(iss=issuer)) == "unavailable"
    assert asked == [issuer + "/.well-known/openid-configuration"]


def test_a_key_without_a_kid_serves_tokens_without_one(dev_realm: DevRealm) -> None:
    """A token without kid is tried against the keys that fit its algorithm, four at most."""
    document: Any = dev_realm.fetch(dev_realm.issuer + "/protocol/openid-connect/certs")
    keys = [{k: v for k, v in key.items() if k != "kid"} for key in document["keys"]]
    validator = RealmTokenValidator(dev_realm.issuer, audience="orders-api", fetch=lambda url: {"keys": keys})

    assert verdict(validator, dev_realm.mint()) == Reason.UNKNOWN_KEY  # its kid names no key
