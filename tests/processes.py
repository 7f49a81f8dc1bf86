"""A program that a test starts, talks to and stops."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_DEADLINE_SECONDS = 30


class Program:
    """A running program, with what it has printed to either stream so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def output(self) -> str:
        with self._changed:
            return "".join(self._lines)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first match of `pattern` in the output; fails when the program ends or says nothing of the kind."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        with self._changed:
            while True:
                match = re.search(pattern, "".join(self._lines), re.MULTILINE)
                if match is not None:
                    return match
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    raise AssertionError(f"the program never said {pattern!r}, but:\n{''.join(self._lines)}")
                self._changed.wait(left)

    def end(self, number: int) -> int:
        """Its exit status, after the signal `number`; whatever it had to say is in `output` then."""
        self.process.send_signal(number)
        status = self.process.wait(_DEADLINE_SECONDS)
        self._reader.join(_DEADLINE_SECONDS)
        return status

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(_DEADLINE_SECONDS)
        self._reader.join(_DEADLINE_SECONDS)


@contextmanager
def running(command: Sequence[str], *, folder: Path | None = None, **environment: str) -> Iterator[Program]:
    """`command` as a process with these variables added to its environment; it is ended when the block is left."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=clean_environment(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        program = Program(process)
        try:
            yield program
        finally:
            program.kill()


def clean_environment(added: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process without what would change the answer: proxies, and settings of the programs."""
    ours = ("RESOURCE_PROTECTOR_", "FLASK_", "PYTEST_", "COV_")
    proxies = {"http_proxy", "https_proxy", "all_proxy"}
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours) and k.lower() not in proxies}
    return kept | {"PYTHONUNBUFFERED": "1"} | dict(added)
