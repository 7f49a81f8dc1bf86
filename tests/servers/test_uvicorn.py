"""uvicorn with a Flask application in a2wsgi: threads beside an event loop."""

from __future__ import annotations

import pytest

from resource_protector.dev import DevRealm
from tests.servers.conftest import Figure
from tests.servers.serving import uvicorn
from tests.servers.story import OPTIONS, live_through_rotation_and_outage


@pytest.mark.parametrize("workers", [1, 2])
def test_uvicorn_through_a2wsgi(dev_realm: DevRealm, figure: Figure, workers: int) -> None:
    """J4, J7, J10: a rotation and an outage are noticed, with one event loop and with two processes."""
    with uvicorn(dev_realm, workers=workers, **OPTIONS) as server:
        live_through_rotation_and_outage(dev_realm, server.port, workers, figure)

    assert "eyJ" not in server.log
    assert "Traceback" not in server.log
