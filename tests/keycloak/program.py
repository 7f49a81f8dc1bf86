"""A Python program as its users run it: a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.keycloak.polling import poll
from tests.keycloak.process import LeashedProcess
from tests.processes import clean_environment

ROOT = Path(__file__).parents[2]
START_SECONDS = 30.0
RUN_SECONDS = 60.0


@contextmanager
def serving(program: Path, url: str, *, log: Path, **variables: str) -> Iterator[LeashedProcess]:
    """Runs a server program while the block lasts; the block starts once `url` answers."""
    process = LeashedProcess(
        [sys.executable, str(program)], log=log, environment=_environment(variables), folder=program.parent
    )
    process.start()
    try:
        poll(lambda: _answers(process, url), seconds=START_SECONDS, what=f"an answer from {url}")
        yield process
    finally:
        process.stop()


def run(program: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end."""
    return subprocess.run(
        [sys.executable, str(program)],
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
        env=_environment(variables),
        cwd=program.parent,
    )


def _answers(process: LeashedProcess, url: str) -> bool:
    if not process.is_running:
        raise RuntimeError(f"{process.command} ended; it wrote last:\n{process.last_words()}")
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def _environment(variables: dict[str, str]) -> dict[str, str]:
    # The checkout comes first, so that these programs run what is tested, installed or not.
    return clean_environment({"PYTHONPATH": str(ROOT), **variables})
