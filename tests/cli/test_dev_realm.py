from __future__ import annotations

import json
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from resource_protector.cli.dev_realm import stopped_by_signals
from resource_protector.cli.realm_summary import curl_line, summary
from resource_protector.dev import DevRealm
from resource_protector.realm import discovery_url
from tests.cli.conftest import Run
from tests.processes import running

REALM_FILE = Path(__file__).parents[2] / "examples/keycloak/myorg-realm.json"
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
COMMAND = [sys.executable, "-m", "resource_protector", "dev-realm"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_runs_until_it_is_told_to_stop(number: signal.Signals) -> None:
    """It serves the file's realm on a free port, and Ctrl-C or SIGTERM ends it in order."""
    with running([*COMMAND, str(REALM_FILE), "--port", "0"]) as program:
        issuer = program.wait_for(r"^Issuer: (\S+)$")[1]
        program.wait_for("^Ctrl-C")
        served = requests.get(discovery_url(issuer), timeout=10).json()
        status = program.end(number)

    assert served["issuer"] == issuer
    assert status == 0
    assert program.output.endswith("Stopped.\n")
    assert "Traceback" not in program.output


def test_signals_are_only_borrowed() -> None:
    """SIGTERM is an event while the realm runs, and what it was before when it has stopped."""
    before = signal.getsignal(signal.SIGTERM)
    with stopped_by_signals() as stopped:
        signal.raise_signal(signal.SIGTERM)
        was_set = stopped.wait(10)

    assert was_set
    assert signal.getsignal(signal.SIGTERM) is before


@needs_curl
def test_the_curl_line_works_as_printed() -> None:
    """The printed `curl` command, run by a shell, gets a token."""
    with running([*COMMAND, "--port", "0"]) as program:
        line = program.wait_for("^  curl .*$")[0]
        answer = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True, timeout=20)

    assert json.loads(answer.stdout)["token_type"] == "Bearer"
    assert "test_api_access" in json.loads(answer.stdout)["scope"].split(" ")


def test_names_clients_and_users(dev_realm: DevRealm) -> None:
    """The summary holds what one needs to log in: clients and users with their secrets."""
    lines = [line.split() for line in summary(dev_realm).splitlines()]

    assert ["test_api_client", "fsQJIcU3Ze3ymaYSA6cxlHVIw0LDIDeY", "itself"] in lines
    assert ["web", "public", "users"] in lines
    assert ["orders-api", "orders-api-secret", "nobody"] in lines
    alice = next(line for line in lines if line[:2] == ["alice", "alice"])
    assert {"reader", "orders-api/writer"} <= set(alice)
    assert not any("service-account" in word for line in lines for word in line)


@needs_curl
def test_curl_for_odd_names() -> None:
    """What a URL or a shell would take apart is encoded and quoted."""
    client = {"clientId": "it's", "secret": "a&b c+d%41", "serviceAccountsEnabled": True}
    with DevRealm({"realm": "my org", "enabled": True, "clients": [client]}) as realm:
        line = curl_line(realm)
        assert line is not None
        answer = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True, timeout=20)

    assert "access_token" in json.loads(answer.stdout)


@needs_curl
def test_curl_for_a_user() -> None:
    """Where no client gets tokens for itself, the line asks for a user."""
    user = {
        "username": "u",
        "enabled": True,
        "email": "u@example.com",
        "firstName": "U",
        "lastName": "V",
        "credentials": [{"type": "password", "value": "p w"}],
    }
    client = {"clientId": "web", "publicClient": True, "directAccessGrantsEnabled": True}
    with DevRealm({"realm": "r", "enabled": True, "clients": [client], "users": [user]}) as realm:
        line = curl_line(realm)
        assert line is not None
        answer = subprocess.run(shlex.split(line), capture_output=True, text=True, check=True, timeout=20)

    assert "access_token" in json.loads(answer.stdout)


def test_no_curl_where_nobody_may_ask() -> None:
    """A realm without such a client says so and prints no line that would fail."""
    with DevRealm({"realm": "r", "clients": []}) as realm:
        printed = summary(realm)

    assert "curl" not in printed
    assert "No client of this realm" in printed


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("{", id="not JSON"),
        pytest.param("{}", id="no realm"),
        pytest.param(
            '{"realm": "r", "clients": [{"clientId": "c", "defaultClientScopes": ["x"]}]}', id="no such scope"
        ),
    ],
)
def test_a_bad_file_is_one_line_and_status_2(run: Run, tmp_path: Path, content: str) -> None:
    """A file that is no realm file is refused in one line."""
    file = tmp_path / "realm.json"
    file.write_text(content)
    result = run("dev-realm", str(file), "--port", "0")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1


def test_a_missing_file_is_one_line_and_status_2(run: Run, tmp_path: Path) -> None:
    """A file that is not there is named."""
    result = run("dev-realm", str(tmp_path / "nowhere.json"))

    assert (result.exit_code, result.stdout) == (2, "")
    assert "nowhere.json" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_port_in_use_is_one_line(run: Run) -> None:
    """A port that another program has is named, and what to do about it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("dev-realm", "--port", str(port))

    assert (result.exit_code, result.stdout) == (1, "")
    assert str(port) in result.stderr
    assert result.stderr.count("\n") == 1
