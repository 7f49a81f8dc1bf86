from __future__ import annotations

import json

from resource_protector.dev import DevRealm
from tests.cli.conftest import Run


def test_a_healthy_realm(run: Run, dev_realm: DevRealm) -> None:
    """Exit status 0, a line for everything that was looked at."""
    result = run("doctor", dev_realm.issuer)

    assert result.exit_code == 0, result.output
    assert f"tokens will say '{dev_realm.issuer}'" in result.stdout
    assert "problem" not in result.stdout


def test_a_stopped_realm(run: Run, dev_realm: DevRealm) -> None:
    """Exit status 1, and the cause."""
    with dev_realm.down():
        result = run("doctor", dev_realm.issuer)

    assert result.exit_code == 1
    assert "nothing listens at" in result.stdout


def test_warnings_have_a_status_of_their_own(run: Run, dev_realm: DevRealm) -> None:
    """Exit status 3: no problem, and not all is well."""
    with dev_realm.stall(1.05):
        result = run("doctor", dev_realm.issuer, "--json")

    assert result.exit_code == 3
    assert json.loads(result.stdout)["worst"] == "warning"


def test_usage(run: Run) -> None:
    """What is no address at all is one line, with status 2."""
    result = run("doctor", "sso.example.com/realms/myorg")

    assert result.exit_code == 2
    assert "ISSUER 'sso.example.com/realms/myorg' has no scheme" in result.stderr
