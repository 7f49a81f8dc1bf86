"""The harness itself: what it says when something is missing, and that it leaves nothing behind."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.keycloak import distribution, leash
from tests.keycloak.distribution import KeycloakUnavailable
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.polling import poll
from tests.keycloak.process import LeashedProcess

ROOT = Path(__file__).parents[2]
SLEEPER = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"


def test_the_server_says_the_version_that_was_asked_for(own_keycloak: Keycloak) -> None:
    """The server that was started is of the version that `KEYCLOAK_VERSION` names."""
    wanted = distribution.wanted_version()

    assert own_keycloak.version == wanted


def test_missing_java_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without Java, one sentence says what to install or to set."""
    monkeypatch.setenv("JAVA", str(tmp_path / "java"))

    with pytest.raises(
        KeycloakUnavailable, match=r"does not run: install a Java runtime, 17 or newer .* KEYCLOAK_URL$"
    ):
        distribution.require_java()


def test_old_java_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A Java that is too old is named with its version."""
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA", str(java))

    with pytest.raises(KeycloakUnavailable, match=r"^Keycloak needs Java 17, and `.*/java` is 11: install"):
        distribution.require_java()


def test_missing_maven_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without Maven and without the archive, one sentence names both ways out."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(KeycloakUnavailable, match=r"no `mvn`: install it .* put the archive at .*26\.0\.0\.zip"):
        distribution.archive("26.0.0", tmp_path)


def test_a_cached_archive_needs_no_maven(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An archive in the cache is used as it is."""
    monkeypatch.setenv("PATH", str(tmp_path))
    cached = tmp_path / "keycloak-quarkus-dist-26.0.0.zip"
    cached.write_bytes(b"")

    assert distribution.archive("26.0.0", tmp_path) == cached


def test_a_refusing_maven_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What Maven complains about first is passed on, and nothing stays in the cache."""
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho '[ERROR] Could not find artifact'\necho more\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    cache = tmp_path / "cache"

    with pytest.raises(
        KeycloakUnavailable, match=r"keycloak-quarkus-dist:26\.0\.0:zip: \[ERROR\] Could not find artifact$"
    ):
        distribution.archive("26.0.0", cache)
    assert list(cache.iterdir()) == []


def test_a_broken_archive_is_one_sentence(tmp_path: Path) -> None:
    """An archive that is not a zip file is named, with what to do about it."""
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"<html>")

    with pytest.raises(KeycloakUnavailable, match="delete it, and it is fetched again"):
        distribution.unpack(broken, tmp_path)


def test_stop_ends_grandchildren_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process group is gone after `stop()`, grandchildren included."""
    script = f'{sys.executable} -c "{SLEEPER}" & wait'
    process = LeashedProcess(["sh", "-c", script], log=tmp_path / "log", environment=os.environ, folder=tmp_path)
    process.start()
    poll(lambda: process.output().strip(), seconds=20, what="the grandchild's process id")
    grandchild = int(process.output())

    process.stop()

    assert not process.is_running
    poll(lambda: not exists(grandchild), seconds=5, what="the end of the grandchild")


def test_a_killed_holder_lets_go_of_the_leash(tmp_path: Path) -> None:
    """When the test run itself is killed, what it had started is stopped."""
    log = tmp_path / "log"
    holder_program = (
        "import os, pathlib, sys, time\n"
        "from tests.keycloak.process import LeashedProcess\n"
        f"process = LeashedProcess([sys.executable, '-c', {SLEEPER!r}], log=pathlib.Path({str(log)!r}),\n"
        "    environment=os.environ, folder=pathlib.Path('.'))\n"
        "process.start()\n"
        "time.sleep(600)\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", holder_program], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    try:
        poll(lambda: log.exists() and log.read_text().strip(), seconds=20, what="the held process's id")
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    held = int(log.read_text())

    poll(lambda: not exists(held), seconds=leash.GRACE_SECONDS, what="the end of the held process")


def test_a_plain_run_collects_nothing_here() -> None:
    """Only a run that names this folder, or something in it, collects these tests."""
    collected = {
        argument: subprocess.run(
            [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *argument.split()],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        ).stdout
        for argument in ("tests", "tests/keycloak", "tests/keycloak/test_harness.py")
    }

    assert "tests/test_realm.py" in collected["tests"]
    assert not re.search("^tests/keycloak", collected["tests"], re.MULTILINE)
    assert "tests/keycloak/test_harness.py" in collected["tests/keycloak"]
    assert "tests/keycloak/test_harness.py" in collected["tests/keycloak/test_harness.py"]


def exists(pid: int) -> bool:
    """Whether there is a process of that id that has not ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return not is_zombie(pid)
    return False


def is_zombie(pid: int) -> bool:
    """Whether the process has ended and only waits for its parent to notice."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return state.strip().startswith("Z")
