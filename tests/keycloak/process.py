"""A process of the suite's own, held on a leash, with its output in a file."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.keycloak import leash

LEASH_PROGRAM = Path(leash.__file__)
TAIL_LINES = 30


class LeashedProcess:
    """Starts a command in a process group of its own, which ends with this process at the latest.

    `stop()` asks politely first (SIGTERM, then SIGKILL), `kill()` does not ask. Either may be followed by `start()`.
    """

    def __init__(self, command: Sequence[str], *, log: Path, environment: Mapping[str, str], folder: Path) -> None:
        self.command = list(command)
        self.log = log
        self._environment = dict(environment)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether the command was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code of the last run, or None while it runs."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Starts the command; its output is appended to the log."""
        if self.is_running:
            raise RuntimeError(f"{self.command[0]} is already running")
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, str(LEASH_PROGRAM), *self.command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=self._folder,
                start_new_session=True,
            )

    def wait(self, timeout_seconds: float) -> int:
        """Waits for the command to end by itself and returns its exit code; subprocess.TimeoutExpired when late."""
        if self._process is None:
            raise RuntimeError(f"{self.command[0]} was not started")
        return self._process.wait(timeout_seconds)

    def stop(self) -> None:
        """Lets go of the leash, which stops the group; kills it if even the leash does not answer."""
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(leash.GRACE_SECONDS + 5)
        except subprocess.TimeoutExpired:
            self.kill()
        # The leash may have ended by itself before its group did.
        self._signal(signal.SIGKILL)

    def kill(self) -> None:
        """Kills the whole group at once, as a power cut would."""
        if self._process is None:
            return
        self._signal(signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def output(self) -> str:
        """Everything written so far."""
        return self.log.read_text("utf-8", errors="replace") if self.log.exists() else ""

    def last_words(self) -> str:
        """The end of the output, for a message about what went wrong."""
        return "\n".join(self.output().splitlines()[-TAIL_LINES:])

    def _signal(self, number: int) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):  # the group is gone, which is what was wanted
                os.killpg(self._process.pid, number)
