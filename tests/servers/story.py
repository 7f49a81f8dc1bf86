"""What a realm does to a server in a few seconds: a rotation, and an outage with another rotation in it."""

from __future__ import annotations

from typing import Any

from resource_protector.dev import DevRealm
from tests.polling import eventually
from tests.servers.conftest import Figure
from tests.servers.load import Load, longest, statuses
from tests.servers.tokens import mint_many

# Long enough that the keys do not age meanwhile, and a cooldown that a test can wait for.
OPTIONS: dict[str, Any] = {"max_age_seconds": 300, "cooldown_seconds": 1}


def live_through_rotation_and_outage(realm: DevRealm, port: int, workers: int, figure: Figure) -> None:
    """Ask a freshly started server through all of it; its workers are told by the process that answers."""
    load = Load(port)
    load.send("known", mint_many(realm, 20))
    with load.running():
        load.begin("start")
        eventually(lambda: len(load.workers("known", 200)) == workers, within_seconds=30)
        everybody = load.workers("known", 200)
        assert realm.requests["certs"] == workers  # each has loaded the keys once

        load.begin("rotation")
        realm.rotate(alg="ES256")
        load.send("fresh", mint_many(realm, 20))
        eventually(lambda: load.workers("fresh", 200) == everybody)
        assert realm.requests["certs"] == 2 * workers

        load.begin("outage")
        load.send_no_more("fresh")
        with realm.down():
            realm.rotate(alg="ES256")
            load.send("newest", mint_many(realm, 20))
            eventually(lambda: load.workers("newest", 503) == everybody)
        load.begin("recovery")
        eventually(lambda: load.workers("newest", 200) == everybody)
        load.begin("afterwards")
        eventually(lambda: load.workers("newest", 200) == everybody)

    assert statuses(load.answers("known")).keys() == {200}
    assert statuses(load.answers("fresh")).keys() == {200}
    assert statuses(load.answers(phase="afterwards")).keys() == {200}
    assert all(answer.retry_after for answer in load.answers() if answer.status == 503)
    figure(
        f"{len(load.answers())} requests, known keys {statuses(load.answers('known'))}, "
        f"a key of the outage {statuses(load.answers('newest'))}, "
        f"longest wait of a known key {1000 * longest(load.answers('known')):.0f} ms"
    )
