"""gunicorn as people run it: real processes, of every kind of worker, while the realm misbehaves."""

from __future__ import annotations

import pytest

from resource_protector.dev import DevRealm
from tests.polling import eventually
from tests.servers import day
from tests.servers.conftest import Figure
from tests.servers.load import Load, longest, statuses
from tests.servers.serving import gunicorn
from tests.servers.story import OPTIONS, live_through_rotation_and_outage
from tests.servers.tokens import mint_many

GTHREAD = ("--worker-class", "gthread", "--threads", "4")


def test_four_workers_survive_a_realm_that_rotates_withdraws_dies_and_comes_back(
    dev_realm: DevRealm, figure: Figure
) -> None:
    """J3, J4, J5, J7, J10, J11, J16: nothing of it is seen by who holds a token of a known key."""
    morning = day.Morning.of(dev_realm)
    with gunicorn(dev_realm, *GTHREAD, "--preload", workers=4, **day.OPTIONS) as server:
        day.live_through(dev_realm, morning, server, workers=4, down_seconds=20, figure=figure)


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
