"""gunicorn as people run it: real processes, of every kind of worker, while the realm misbehaves."""

from __future__ import annotations

import time
from typing import Any

import pytest

from resource_protector.dev import DevRealm
from tests.polling import eventually
from tests.servers.conftest import Figure
from tests.servers.load import Answer, Load, longest, statuses
from tests.servers.serving import Server, gunicorn
from tests.servers.story import OPTIONS, live_through_rotation_and_outage
from tests.servers.tokens import mint_many

GTHREAD = ("--worker-class", "gthread", "--threads", "4")

DOWN_SECONDS = 20
MAX_AGE_SECONDS = 5
COOLDOWN_SECONDS = 1
# 1 + 2 + 4 + 8 s, and at most a quarter of each less: the wait that begins in a 20 s outage is the fifth at most.
LONGEST_RETRY_SECONDS = 16
SLACK_SECONDS = 2


def test_four_workers_survive_a_realm_that_rotates_withdraws_dies_and_comes_back(
    dev_realm: DevRealm, figure: Figure
) -> None:
    """J3, J4, J5, J7, J10, J11, J16: nothing of it is seen by who holds a token of a known key."""
    times: dict[str, float] = {}
    first_kid = dev_realm.rotate("withdraw")
    first = mint_many(dev_realm, 50)
    options: dict[str, Any] = {"max_age_seconds": MAX_AGE_SECONDS, "cooldown_seconds": COOLDOWN_SECONDS}
    with gunicorn(dev_realm, *GTHREAD, "--preload", workers=4, **options) as server:
        load = Load(server.port)
        load.send("known", first)
        with load.running():
            _live(load, dev_realm, first_kid, first, times)
        everybody = load.workers("known", 200, "calm")

    answers = load.answers()
    rotated, withdrawn = load.answers("fresh", "rotation"), load.answers("withdrawn")
    dead = [a for a in load.answers(phase="outage") if times["dead"] < a.began_at < times["up"] - SLACK_SECONDS]
    recovered_after = times["recovered"] - times["up"]
    figure(
        f"{len(answers)} requests in {times['end'] - times['calm']:.0f} s: known {statuses(load.answers('known'))}, "
        f"forged {statuses(load.answers('forged'))}, fresh {statuses(load.answers('fresh'))}"
    )
    figure(f"during the outage: known {statuses(load.answers('known', 'outage'))}, {_waits(load)}")
    figure(
        f"new key accepted by all workers {times['noticed'] - times['rotation']:.2f} s after the rotation under flood"
    )
    figure(f"withdrawn key refused by all workers {times['refused'] - times['withdrawal']:.2f} s after the withdrawal")
    figure(f"key of the outage accepted by all workers {recovered_after:.1f} s after the realm was back")

    assert {a.status for a in answers if a.kind == "known"} == {200}
    assert all(1 <= int(a.retry_after or 0) <= 30 for a in answers if a.status == 503)
    assert {a.status for a in answers} <= {200, 401, 503}
    assert {a.phase for a in answers if a.status == 503} <= {"outage", "recovery"}

    assert not [a for a in rotated if a.status != 200 and a.began_at > times["rotation"] + COOLDOWN_SECONDS + 0.5]
    assert all(_refuses_for_good([a for a in withdrawn if a.worker == worker]) for worker in everybody)
    assert times["refused"] - times["withdrawal"] <= MAX_AGE_SECONDS + SLACK_SECONDS
    assert {a.status for a in dead if a.kind != "known"} == {503}  # nobody can say whether such a key is good
    assert recovered_after <= LONGEST_RETRY_SECONDS + SLACK_SECONDS
    assert statuses(load.answers("fresh", "afterwards")).keys() == {200}
    assert statuses(load.answers("forged", "afterwards")).keys() == {401}
    _tells_the_story(server, everybody)


def _live(load: Load, realm: DevRealm, first_kid: str, first: list[str], times: dict[str, float]) -> None:
    """The realm's day, in a minute."""

    def enter(phase: str) -> None:
        times[phase] = load.begin(phase)

    enter("calm")
    eventually(lambda: len(load.workers("known", 200)) == 4, within_seconds=30)
    everybody = load.workers("known", 200)

    load.send_forged(first[0])
    eventually(lambda: load.workers("forged", 401) == everybody)
    realm.rotate()
    second = mint_many(realm, 50)
    enter("rotation")
    load.send("fresh", second)
    eventually(lambda: load.workers("fresh", 200) == everybody)
    times["noticed"] = time.monotonic()
    eventually(lambda: time.monotonic() > times["rotation"] + COOLDOWN_SECONDS + 2)

    load.send_no_more("forged", "fresh")
    load.send("known", second)
    realm.withdraw(first_kid)
    enter("withdrawal")
    load.send("withdrawn", first)
    eventually(lambda: load.workers("withdrawn", 401) == everybody)
    times["refused"] = time.monotonic()
    enter("refused")
    eventually(lambda: load.workers("withdrawn", 401) == everybody)

    load.send_no_more("withdrawn")
    enter("outage")
    with realm.down():
        realm.rotate()
        load.send("fresh", mint_many(realm, 50))
        load.send_forged(second[0])
        # The last verdicts of the realm hold for a cooldown.
        times["dead"] = times["outage"] + COOLDOWN_SECONDS + SLACK_SECONDS
        eventually(lambda: time.monotonic() > times["outage"] + DOWN_SECONDS, within_seconds=DOWN_SECONDS + 5)
    times["up"] = load.begin("recovery")
    eventually(lambda: load.workers("fresh", 200) == everybody, within_seconds=LONGEST_RETRY_SECONDS + 10)
    times["recovered"] = time.monotonic()
    enter("afterwards")
    eventually(lambda: load.workers("fresh", 200) == load.workers("forged", 401) == everybody)
    times["end"] = time.monotonic()


def _waits(load: Load) -> str:
    waits = sorted(answer.seconds for answer in load.answers("known", "outage"))
    return f"longest wait {1000 * waits[-1]:.0f} ms, half of them under {1000 * waits[len(waits) // 2]:.1f} ms"


def _refuses_for_good(answers: list[Answer]) -> bool:
    """Whether a worker accepted none of these tokens any more once it had refused one."""
    ended = min(answer.began_at + answer.seconds for answer in answers if answer.status == 401)
    return {answer.status for answer in answers if answer.began_at > ended} == {401}


def _tells_the_story(server: Server, workers: set[int]) -> None:
    """The log has three lines of each worker, none of the master, and no token."""
    log = server.keys_log()
    assert log.keys() == workers
    for lines in log.values():
        assert len(lines) == 3, lines
        skipped, failed, recovered = lines
        assert skipped.startswith("INFO A key of")
        assert failed.startswith("WARNING The keys of")
        assert "could not be loaded" in failed
        assert "ConnectionRefusedError" in failed
        assert "are loaded again, after" in recovered
    assert "eyJ" not in server.log
    assert "Traceback" not in server.log


@pytest.mark.parametrize(
    "arguments",
    [pytest.param(("--worker-class", "sync"), id="sync"), pytest.param(GTHREAD, id="gthread")],
)
def test_workers_that_each_import_the_application(
    dev_realm: DevRealm, figure: Figure, arguments: tuple[str, ...]
) -> None:
    """J4, J7, J10: each worker loads the keys once, and lives through a rotation and an outage."""
    with gunicorn(dev_realm, *arguments, workers=2, **OPTIONS) as server:
        live_through_rotation_and_outage(dev_realm, server.port, 2, figure)


def test_keys_loaded_before_the_fork_serve_in_the_workers(dev_realm: DevRealm) -> None:
    """J16: the workers have the keys that the application loaded while it was imported, and refresh them."""
    with gunicorn(dev_realm, *GTHREAD, "--preload", workers=2, before_fork="loaded") as server:
        load = Load(server.port)
        load.send("known", mint_many(dev_realm, 20))
        with load.running():
            eventually(lambda: len(load.workers("known", 200)) == 2)
            everybody = load.workers("known", 200)
            assert dev_realm.requests["certs"] == 1

            dev_realm.rotate()
            load.send("fresh", mint_many(dev_realm, 20))
            eventually(lambda: load.workers("fresh", 200) == everybody)
            assert dev_realm.requests["certs"] == 3

    assert statuses(load.answers()).keys() == {200}


def test_a_load_under_way_at_the_fork_is_nothing_to_the_workers(dev_realm: DevRealm, figure: Figure) -> None:
    """J16: the load of a thread that the workers do not have is forgotten; their first token loads, and waits for that only."""
    with (
        dev_realm.stall(60),
        gunicorn(dev_realm, *GTHREAD, "--preload", workers=2, before_fork="loading", timeout_seconds=30) as server,
    ):
        eventually(lambda: len(server.booted_workers) == 2 and dev_realm.requests["certs"] == 1)
        dev_realm.heal()
        load = Load(server.port)
        load.send("known", mint_many(dev_realm, 20))
        with load.running():
            load.begin("forked")
            eventually(lambda: load.workers("known", 200) == server.booted_workers)
            assert dev_realm.requests["certs"] == 3

    figure(f"longest wait for an answer {1000 * longest(load.answers()):.0f} ms")
    assert statuses(load.answers()).keys() == {200}
    assert longest(load.answers()) < 5
