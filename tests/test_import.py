"""What importing the package costs."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

PROBE = """
import json, socket, sys, threading, time
import flask, authlib.oauth2.rfc7523, authlib.integrations.flask_oauth2, joserfc.jwk, joserfc.jws
opened = []
sys.addaudithook(lambda event, args: opened.append(event) if event.startswith("socket.") else None)
begun = time.process_time()  # of this process alone: other work on the machine is not its cost
from resource_protector import RealmTokenValidator
from resource_protector.flask import ResourceProtector
took = time.process_time() - begun
require_auth = ResourceProtector("https://sso.example.com/realms/myorg", audience="orders-api")
print(json.dumps({
    "milliseconds": took * 1000,
    "sockets": opened,
    "threads": threading.active_count(),
    "heavy": sorted({"requests", "asyncio", "click", "resource_protector.dev"} & set(sys.modules)),
}))
"""


def probe() -> dict[str, Any]:
    """What a fresh interpreter finds out; with bytecode kept, as an installed package has it."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ran = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, env=environ)
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_importing_opens_no_socket_and_no_thread() -> None:
    """Importing the package and building a protector touches neither the network nor the scheduler."""
    found = probe()

    assert found["sockets"] == []
    assert found["threads"] == 1


def test_importing_brings_in_nothing_heavy() -> None:
    """What only a key fetch, a command or a test needs is imported when it is needed."""
    assert "requests" not in probe()["heavy"]
    assert "resource_protector.dev" not in probe()["heavy"]


def test_importing_is_quick() -> None:
    """The package adds at most 30 ms to importing Authlib and Flask; the best of a few tries."""
    best = min(float(probe()["milliseconds"]) for _ in range(5))
    print(f"import adds {best:.1f} ms")  # noqa: T201 - the figure is worth reading in the log

    assert best <= 30


def test_a_name_that_is_not_there_is_said_so() -> None:
    """Names are imported when they are first used; others do not exist."""
    import resource_protector

    with pytest.raises(AttributeError, match="nothing"):
        resource_protector.nothing  # noqa: B018 - reading it is the test
