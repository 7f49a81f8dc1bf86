"""The day of a realm, in less than a minute, under load: it rotates, withdraws a key, dies and comes back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from resource_protector.dev import DevRealm
from tests.polling import eventually
from tests.servers.conftest import Figure
from tests.servers.load import Answer, Load, statuses
from tests.servers.serving import Server
from tests.servers.tokens import mint_many

MAX_AGE_SECONDS = 5
COOLDOWN_SECONDS = 1
SLACK_SECONDS = 2
#: What the validator is given for it.
OPTIONS: dict[str, Any] = {"max_age_seconds": MAX_AGE_SECONDS, "cooldown_seconds": COOLDOWN_SECONDS}


@dataclass(frozen=True)
class Morning:
    """What the realm has before a server starts: one key, and tokens of it."""

    kid: str
    tokens: list[str]

    @classmethod
    def of(cls, realm: DevRealm) -> Morning:
        """The beginning of the realm's day."""
        return cls(realm.rotate("withdraw"), mint_many(realm, 50))


def live_through(
    realm: DevRealm, morning: Morning, server: Server, *, workers: int, down_seconds: int, figure: Figure
) -> None:
    """Ask a freshly started server through all of it, and look at every single answer afterwards."""
    times: dict[str, float] = {}
    # 1 + 2 + 4 + 8 s, and at most a quarter of each less: which wait an outage ends in, and how long it is.
    longest_retry_seconds = next(wait for wait in (1, 2, 4, 8, 16) if 2 * wait - 1 > 3 / 4 * down_seconds)
    load = Load(server.port)
    load.send("known", morning.tokens)
    with load.running():
        _live(load, realm, morning, times, workers, down_seconds, longest_retry_seconds)
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
    assert 200 not in {a.status for a in answers if a.kind == "forged"}
    assert {a.phase for a in answers if a.status == 503} <= {"outage", "recovery"}

    assert not [a for a in rotated if a.status != 200 and a.began_at > times["rotation"] + COOLDOWN_SECONDS + 0.5]
    assert all(_refuses_for_good([a for a in withdrawn if a.worker == worker]) for worker in everybody)
    assert times["refused"] - times["withdrawal"] <= MAX_AGE_SECONDS + SLACK_SECONDS
    assert {a.status for a in dead if a.kind != "known"} == {503}  # nobody can say whether such a key is good
    assert recovered_after <= longest_retry_seconds + SLACK_SECONDS
    assert statuses(load.answers("fresh", "afterwards")).keys() == {200}
    assert statuses(load.answers("forged", "afterwards")).keys() == {401}
    _tells_the_story(server, everybody)


def _live(
    load: Load,
    realm: DevRealm,
    morning: Morning,
    times: dict[str, float],
    workers: int,
    down_seconds: int,
    longest_retry_seconds: int,
) -> None:
    """The realm's part of it, and when what was noticed."""

    def enter(phase: str) -> None:
        times[phase] = load.begin(phase)

    enter("calm")
    eventually(lambda: len(load.workers("known", 200)) == workers, within_seconds=30)
    everybody = load.workers("known", 200)

    load.send_forged(morning.tokens[0])
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
    realm.withdraw(morning.kid)
    enter("withdrawal")
    load.send("withdrawn", morning.tokens)
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
        eventually(lambda: time.monotonic() > times["outage"] + down_seconds, within_seconds=down_seconds + 5)
    times["up"] = load.begin("recovery")
    eventually(lambda: load.workers("fresh", 200) == everybody, within_seconds=longest_retry_seconds + 10)
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
