"""What checking a token costs in processor instructions, which no busy machine changes: `python -m tests.benchmarks.instructions`.

Needs valgrind. Y is `json.loads(b64decode(payload))`, counted beside it: a yardstick that grows with the token and with the
interpreter as the package does. Fails where a figure is more than a tenth above what it was when this was last measured;
then find out why, or measure again and say why in the commit.
"""

from __future__ import annotations

import argparse
import base64
import gc
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from resource_protector import RealmTokenValidator
from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from tests.benchmarks.verify import raw_verification

ROOT = Path(__file__).parents[2]
SLACK = 1.1
# In Y, as CPython 3.11 counts them, and what the aim was.
MEASURED = {"cache off - raw": 2.38, "default - raw": 2.99, "seen before": 0.63}
TARGETS = {"cache off - raw": 2.7, "default - raw": 3.2}
INTERPRETER = (3, 11)
# The difference of two lengths is the cost of one call, without that of the loop's beginning.
SHORT, LONG = 100, 400
NOW = 1_800_000_000


def main() -> int:
    """Count, print a row per figure, and say by the exit status whether all of them hold."""
    if shutil.which("valgrind") is None:
        sys.exit("valgrind is missing: on Debian or Ubuntu, 'apt-get install valgrind'.")
    count = counts()
    y, raw = count["Y"], count["raw"]
    found = {
        "cache off - raw": (count["cache off"] - raw) / y,
        "default - raw": (count["default"] - raw) / y,
        "seen before": count["seen before"] / y,
    }
    print(f"instructions: raw {raw:,.0f}, Y {y:,.0f}, of which in Y:")  # noqa: T201 - a table to read
    for name, value in found.items():
        limit = MEASURED[name] * SLACK
        target = f", aimed at {TARGETS[name]}" if name in TARGETS else ""
        print(f"{name:16} {value:5.2f} (at most {limit:.2f}{target})")  # noqa: T201 - likewise
    if sys.version_info[:2] != INTERPRETER:
        print(f"not judged: the limits are those of CPython 3.11, and this is {platform.python_version()}")  # noqa: T201 - likewise
        return 0
    exceeded = [name for name, value in found.items() if value > MEASURED[name] * SLACK]
    if exceeded:
        print(f"more than {SLACK - 1:.0%} above what was measured last: {', '.join(exceeded)}", file=sys.stderr)  # noqa: T201 - likewise
    return 1 if exceeded else 0


def counts() -> dict[str, float]:
    """Instructions per call, by what is called; keys and tokens are made here, outside of what is counted."""
    with TemporaryDirectory() as folder:
        given, dump = Path(folder, "given.json"), Path(folder, "dump")
        realm = DevRealm(DEMO_REALM_FILE, port=9, now=lambda: NOW)
        tokens = [realm.token(scope="test_api_access") for _ in range(2)]
        certs = realm.fetch(realm.issuer + "/protocol/openid-connect/certs")
        given.write_text(json.dumps({"issuer": realm.issuer, "certs": certs, "tokens": tokens}))
        valgrind = ["valgrind", "--tool=callgrind", "--dump-before=sched_yield", f"--callgrind-out-file={dump}"]
        program = [sys.executable, "-m", "tests.benchmarks.instructions", "--count", str(given)]
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT)}
        subprocess.run([*valgrind, *program], cwd=ROOT, env=environment, check=True, capture_output=True)
        dumps = sorted(Path(folder).glob("dump.*"), key=lambda path: int(path.suffix[1:]))
        totals = [int(re.findall(r"^(?:summary|totals): (\d+)", path.read_text(), re.MULTILINE)[0]) for path in dumps]
    # The first dump is the start of the program; then there is one per run, and one of what lies between two runs.
    runs = totals[1::2]
    return {
        name: (runs[2 * number + 1] - runs[2 * number]) / (LONG - SHORT)
        for number, name in enumerate(calls(realm.issuer, certs, tokens))
    }


def calls(issuer: str, certs: Any, tokens: list[str]) -> dict[str, Callable[[], object]]:
    """What is counted, by name."""
    off, one, seen = (
        RealmTokenValidator(
            issuer,
            audience="orders-api",
            token_cache_size=size,
            fetch=lambda url: certs,
            now=lambda: NOW + 1.0,
            monotonic=lambda: 1.0,
        )
        for size in (0, 1, 4096)
    )
    token, turns = tokens[0], list(tokens)
    jwk = next(key for key in certs["keys"] if key["alg"] == "RS256")
    payload = token.split(".")[1] + "=="

    def not_seen_before() -> object:
        turns.reverse()
        return one.verify(turns[0])

    return {
        "raw": raw_verification(jwk, "RS256", token),
        "Y": lambda: json.loads(base64.b64decode(payload)),
        "cache off": lambda: off.verify(token),
        "default": not_seen_before,
        "seen before": lambda: seen.verify(token),
    }


def count(given: Path) -> None:
    """Make the calls; valgrind, around this process, writes its counter down at each `sched_yield`."""
    read = json.loads(given.read_text())
    gc.disable()
    for call in calls(read["issuer"], read["certs"], read["tokens"]).values():
        for _ in range(20):
            call()
        for times in (SHORT, LONG):
            os.sched_yield()
            for _ in range(times):
                call()
            os.sched_yield()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.count:
        count(arguments.count)
    else:
        sys.exit(main())
