"""Memory over 100,000 tokens, most of which are forged or past."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.processes import clean_environment
from tests.servers.conftest import Figure
from tests.servers.serving import ROOT

_MEGABYTE = 1 << 20


def test_memory_does_not_grow_with_the_number_of_tokens(figure: Figure) -> None:
    """J20, and the same for verdicts, refusals and loads: after 10,000 tokens of every kind 90,000 more add under 2 MB.

    It is the resident memory of a process of its own, because that also holds what OpenSSL and the
    sockets of some 100 loads allocate, which tracemalloc does not see, and nothing of other tests.
    One malloc arena: else each load's thread may open another one, which is noise and no growth.
    """
    result = subprocess.run(
        [sys.executable, "-m", "tests.servers.soak"],
        cwd=ROOT,
        env=clean_environment({"MALLOC_ARENA_MAX": "1"}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    measured = json.loads(result.stdout)
    resident = [size / _MEGABYTE for size in measured["resident_bytes"]]
    verdicts = measured["verdicts"]
    figure(
        f"{sum(verdicts.values())} tokens in {measured['seconds']:.0f} s, {measured['loads']} loads of the keys: "
        f"{resident[0]:.1f} MB after the first tenth, {max(resident):.1f} MB at most, {resident[-1]:.1f} MB at the end"
    )
    figure(", ".join(f"{number} {verdict}" for verdict, number in verdicts.items()))

    assert verdicts.keys() == {"accepted", "expired", "audience", "unknown_key", "signature", "malformed"}
    assert resident[-1] - resident[0] < 2
