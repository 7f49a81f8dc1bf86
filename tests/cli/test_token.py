from __future__ import annotations

import base64
import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from resource_protector.dev import DevRealm
from resource_protector.realm import issuer_of
from tests.cli.conftest import OddServer, Run

CLIENT = "test_api_client"
SECRET = "fsQJIcU3Ze3ymaYSA6cxlHVIw0LDIDeY"
JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+\n")


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, unverified."""
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert isinstance(claims, dict)
    return claims


@pytest.mark.parametrize("auth", ["basic", "post"])
def test_prints_the_token_and_nothing_else(run: Run, dev_realm: DevRealm, auth: str) -> None:
    """A client's secret gets its token, sent either way; standard output holds that alone."""
    result = run("token", dev_realm.issuer, "--client-id", CLIENT, "--auth", auth, secret=SECRET)

    assert result.exit_code == 0, result.output
    assert JWT.fullmatch(result.stdout)
    assert result.stderr == ""
    assert claims_of(result.stdout)["azp"] == CLIENT


def test_asks_for_the_scope(run: Run, dev_realm: DevRealm) -> None:
    """--scope is what the token then has."""
    result = run("token", dev_realm.issuer, "--client-id", CLIENT, "--scope", "test_api_access", secret=SECRET)

    assert "test_api_access" in claims_of(result.stdout)["scope"].split(" ")


def test_an_empty_scope_is_not_sent(run: Run, dev_realm: DevRealm) -> None:
    """Keycloak refuses an empty scope, so `--scope ""` asks for none."""
    result = run("token", dev_realm.issuer, "--client-id", CLIENT, "--scope", "", secret=SECRET)

    assert result.exit_code == 0, result.output


def test_claims_are_marked_as_not_verified(run: Run, dev_realm: DevRealm) -> None:
    """--claims prints JSON for programs, and says on standard error that nobody has verified it."""
    result = run("token", dev_realm.issuer, "--client-id", CLIENT, "--claims", secret=SECRET)

    assert json.loads(result.stdout)["iss"] == dev_realm.issuer
    assert "not verified" in result.stderr


def test_a_user_of_a_public_client(run: Run, dev_realm: DevRealm) -> None:
    """--user asks by password; --public says that the client has no secret to ask for."""
    result = run("token", dev_realm.issuer, "--client-id", "web", "--public", "--user", "alice", password="alice")

    assert claims_of(result.stdout)["preferred_username"] == "alice"


def test_secrets_from_files(run: Run, dev_realm: DevRealm, tmp_path: Path) -> None:
    """A secret's file may end in a line feed, and `-` is standard input."""
    (tmp_path / "secret").write_text("lightweight-secret\n")
    result = run(
        "token",
        dev_realm.issuer,
        *("--client-id", "lightweight", "--client-secret-file", str(tmp_path / "secret")),
        *("--user", "alice", "--password-file", "-"),
        stdin="alice\r\n",
    )

    assert result.exit_code == 0, result.output
    assert claims_of(result.stdout)["azp"] == "lightweight"


@pytest.mark.parametrize("auth", ["basic", "post"])
def test_credentials_with_any_characters(run: Run, auth: str) -> None:
    """Basic is percent-encoded first (RFC 6749 section 2.3.1): the realm decodes it as a form."""
    client_id, secret = "a b%41+:ö", "s%2B+:/ß€"
    realm_file = {
        "realm": "my org",
        "enabled": True,
        "clients": [{"clientId": client_id, "secret": secret, "serviceAccountsEnabled": True}],
    }
    with DevRealm(realm_file) as realm:
        result = run("token", realm.issuer, "--client-id", client_id, "--auth", auth, secret=secret)

    assert result.exit_code == 0, result.output
    assert claims_of(result.stdout)["azp"] == client_id


@pytest.mark.parametrize(
    ("arguments", "secret", "password", "expected"),
    [
        pytest.param([CLIENT], "wrong", None, "check the secret of client 'test_api_client'", id="wrong secret"),
        pytest.param(["nobody"], "x", None, "no client 'nobody' in this realm", id="unknown client"),
        pytest.param([CLIENT, "--scope", "nope"], SECRET, None, "give client 'test_api_client' the scope", id="scope"),
        pytest.param(["web"], "x", None, "switch on 'Client authentication'", id="public client"),
        pytest.param(["orders-api"], "orders-api-secret", None, "'Service account roles'", id="no service account"),
        pytest.param([CLIENT, "--user", "alice"], SECRET, "alice", "'Direct access grants'", id="no password grant"),
        pytest.param(["web", "--public", "--user", "bob"], None, "nope", "password of user 'bob'", id="wrong password"),
        pytest.param(["dpop"], "dpop-secret", None, "bound to a key", id="DPoP-bound"),
    ],
)
def test_a_refusal_names_its_cure(
    run: Run, dev_realm: DevRealm, arguments: list[str], secret: str | None, password: str | None, expected: str
) -> None:
    """Each of the realm's errors is one line on standard error that says what to change."""
    result = run("token", dev_realm.issuer, "--client-id", *arguments, secret=secret, password=password)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert expected in result.stderr


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(200, b"<html>", "answered 200 and no token", id="HTML"),
        pytest.param(200, b"[]", "answered 200 and no token", id="a list"),
        pytest.param(200, b'{"access_token": "a\\u001b[2J"}', "answered 200 and no token", id="a token with an escape"),
        pytest.param(302, b"", "answered 302 and no token", id="a redirect"),
        pytest.param(500, b"", "answered 500 and no token", id="a server error"),
        pytest.param(404, b'{"error": "Realm does not exist"}', "There is no realm at", id="no such realm"),
        pytest.param(400, b'{"error": "x\\u001b[2J\\ny"}', "(x?[2J?y)", id="an error with an escape"),
        pytest.param(403, b'{"error": "access_denied", "error_description": 1}', "switched off", id="disabled"),
        pytest.param(
            400,
            b'{"error": "invalid_grant", "error_description": "Account is not fully set up"}',
            "a first and a last name",
            id="a user without email",
        ),
    ],
)
def test_an_odd_answer_is_one_line(run: Run, odd_server: OddServer, status: int, body: bytes, expected: str) -> None:
    """Whatever answers, the user reads one line of printable text, and no redirect is followed with the secret."""
    odd_server.status, odd_server.body = status, body
    odd_server.headers = {"Location": odd_server.issuer}
    result = run("token", odd_server.issuer, "--client-id", CLIENT, secret=SECRET)

    assert result.exit_code == 1
    assert expected in result.stderr
    assert result.stderr.rstrip("\n").isprintable()
    assert odd_server.requests == ["/realms/odd/protocol/openid-connect/token"]


def test_nobody_answers(run: Run, dev_realm: DevRealm) -> None:
    """A refused connection names the address that was tried."""
    with dev_realm.down():
        result = run("token", dev_realm.issuer, "--client-id", CLIENT, secret=SECRET)

    assert result.exit_code == 1
    assert f"Nothing answers at {dev_realm.issuer}/protocol/openid-connect/token" in result.stderr


def test_a_host_without_tls(run: Run, dev_realm: DevRealm) -> None:
    """https to a port that speaks http is said to be a matter of certificates."""
    issuer = issuer_of(f"https://127.0.0.1:{dev_realm.port}", dev_realm.name)
    result = run("token", issuer, "--client-id", CLIENT, secret=SECRET)

    assert result.exit_code == 1
    assert "The certificate of" in result.stderr


def test_an_opaque_token_has_no_claims(run: Run, odd_server: OddServer) -> None:
    """A token that is not a JWT is printed, but has no claims to show."""
    odd_server.body = b'{"access_token": "opaque"}'
    printed = run("token", odd_server.issuer, "--client-id", CLIENT, secret=SECRET)
    shown = run("token", odd_server.issuer, "--client-id", CLIENT, "--claims", secret=SECRET)

    assert printed.stdout == "opaque\n"
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert "not a JWT" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["myorg"], "no scheme", id="no scheme"),
        pytest.param(["http://127.0.0.1:1/realms/myorg/"], "write 'http://127.0.0.1:1/realms/myorg'", id="slash"),
        pytest.param(["http://sso.example.com/realms/myorg"], "or pass --allow-insecure-http", id="plain http"),
        pytest.param(["http://127.0.0.1:1/realms/m"], "set RESOURCE_PROTECTOR_CLIENT_SECRET", id="nobody to ask"),
        pytest.param(["http://127.0.0.1:1/realms/m", "--public"], "add --user", id="public without a user"),
        pytest.param(
            ["http://127.0.0.1:1/realms/m", "--public", "--user", "a", "--client-secret-file", "x"],
            "leave out --client-secret-file",
            id="public with a secret",
        ),
        pytest.param(
            ["http://127.0.0.1:1/realms/m", "--password-file", "x"], "needs --user", id="a password of nobody"
        ),
        pytest.param(
            ["http://127.0.0.1:1/realms/m", "--user", "a", "--password-file", "-", "--client-secret-file", "-"],
            "Standard input holds one secret",
            id="standard input twice",
        ),
        pytest.param(
            ["http://127.0.0.1:1/realms/m", "--client-secret-file", "/no/such/file"], "No such file", id="no file"
        ),
    ],
)
def test_bad_input_is_one_line_and_status_2(run: Run, arguments: list[str], expected: str) -> None:
    """What the command cannot use is said in one line that says what to write instead."""
    result = run("token", *arguments, "--client-id", CLIENT)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert expected in result.stderr


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"\xff\xfehunter2", "not UTF-8", id="not text"),
        pytest.param(b"hunter2\nhunter3\n", "more than one line", id="two lines"),
    ],
)
def test_a_bad_secret_file_is_not_shown(run: Run, tmp_path: Path, content: bytes, expected: str) -> None:
    """What is wrong with a secret's file is said without what is in it."""
    file = tmp_path / "secret"
    file.write_bytes(content)
    result = run("token", "http://127.0.0.1:1/realms/m", "--client-id", CLIENT, "--client-secret-file", str(file))

    assert result.exit_code == 2
    assert expected in result.stderr
    assert "hunter" not in result.output


def test_the_secret_is_asked_for_at_a_terminal(dev_realm: DevRealm) -> None:
    """At a terminal the secret is prompted for, hidden; the prompt does not get into standard output."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RESOURCE_PROTECTOR_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "resource_protector", "token", dev_realm.issuer, "--client-id", CLIENT],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        terminal = _read_until(ours, b"Client secret: ")
        os.write(ours, SECRET.encode() + b"\n")
        token, _ = process.communicate(timeout=20)
        terminal += _read_rest(ours)
    finally:
        process.kill()
        os.close(ours)

    assert process.returncode == 0, terminal
    assert JWT.fullmatch(token.decode())
    assert SECRET.encode() not in terminal


def _read_until(descriptor: int, expected: bytes) -> bytes:
    seen, deadline = b"", time.monotonic() + 20
    while expected not in seen and time.monotonic() < deadline:
        if select.select([descriptor], [], [], 0.5)[0]:
            seen += os.read(descriptor, 1024)
    assert expected in seen
    return seen


def _read_rest(descriptor: int) -> bytes:
    seen = b""
    while select.select([descriptor], [], [], 0)[0]:
        try:
            chunk = os.read(descriptor, 1024)
        except OSError:  # Linux says EIO where the other end is closed
            break
        if not chunk:
            break
        seen += chunk
    return seen
