"""uvicorn with a FastAPI application: event loops that nothing may block, while the realm misbehaves."""

from __future__ import annotations

import time
from typing import Any

from resource_protector.dev import DevRealm
from tests.polling import eventually
from tests.servers import day
from tests.servers.conftest import Figure
from tests.servers.load import Load, statuses
from tests.servers.serving import uvicorn
from tests.servers.tokens import mint_many

APPLICATION = "tests.servers.fastapi_application:app"
HANG_SECONDS = 5
ALLOWED_SECONDS = 0.02


def test_two_workers_survive_a_realm_that_rotates_withdraws_dies_and_comes_back(
    dev_realm: DevRealm, figure: Figure
) -> None:
    """J3, J4, J5, J7, J10, J11: not one wrong answer, and known keys are served throughout."""
    morning = day.Morning.of(dev_realm)
    with uvicorn(dev_realm, workers=2, application=APPLICATION, **day.OPTIONS) as server:
        day.live_through(dev_realm, morning, server, workers=2, down_seconds=10, figure=figure)


def test_known_keys_while_the_fetch_hangs(dev_realm: DevRealm, figure: Figure) -> None:
    """J12: the 99th percentile of their answers stays under 20 ms above that of a quiet run."""
    known = mint_many(dev_realm, 50)
    options: dict[str, Any] = {"max_age_seconds": 300, "cooldown_seconds": 1, "timeout_seconds": HANG_SECONDS + 1}
    with uvicorn(dev_realm, workers=2, application=APPLICATION, **options) as server:
        load, forgers = Load(server.port), Load(server.port)
        load.send("known", known)
        forgers.send_forged(known[0])
        with load.running(clients=2):
            load.begin("start")
            eventually(lambda: len(load.workers("known", 200)) == 2, within_seconds=30)
            _pass(load, "quiet", HANG_SECONDS)
            with dev_realm.stall(60), forgers.running(clients=2):
                eventually(lambda: dev_realm.requests["certs"] == 4)  # each worker's first one, and the one that hangs
                _pass(load, "hanging", HANG_SECONDS)
        assert "Traceback" not in server.log
    quiet, hanging = (_percentile(load, phase) for phase in ("quiet", "hanging"))
    number = {phase: len(load.answers(phase=phase)) for phase in ("quiet", "hanging")}
    figure(
        f"99th percentile of known keys: {1000 * quiet:.1f} ms quiet ({number['quiet']} requests), "
        f"{1000 * hanging:.1f} ms while the fetch hangs ({number['hanging']}), beside forgeries {statuses(forgers.answers())}"
    )

    assert statuses(load.answers()).keys() == {200}
    assert statuses(forgers.answers()).keys() <= {0, 503}
    assert hanging < quiet + ALLOWED_SECONDS


def _pass(load: Load, phase: str, seconds: float) -> None:
    began_at = load.begin(phase)
    eventually(lambda: time.monotonic() > began_at + seconds, within_seconds=seconds + 5)


def _percentile(load: Load, phase: str) -> float:
    waits = sorted(answer.seconds for answer in load.answers(phase=phase))
    return waits[int(0.99 * len(waits))]
