"""Measures this package and its peers in one run, and writes a table and a plot: `make bench`."""

import argparse
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import (
    flask_request,
    footprint,
    gunicorn,
    in_process,
    introspection,
    refresh_stall,
    thread_scaling,
    unknown_keys,
    uvicorn,
)
from tests.benchmarks.figures import Section
from tests.benchmarks.plot import bars
from tests.benchmarks.report import machine, markdown

RESULTS = Path(__file__).parent / "results.md"
PLOT = RESULTS.with_suffix(".svg")
# By name: what is measured quickly, and what is measured well.
PARTS: dict[str, tuple[Callable[[], list[Section]], Callable[[], list[Section]]]] = {
    "in-process": (lambda: in_process.measure(5, 40), lambda: in_process.measure(30, 200)),
    "flask": (lambda: flask_request.measure(5, 40), lambda: flask_request.measure(30, 200)),
    "introspection": (lambda: introspection.measure(3), lambda: introspection.measure(20)),
    "gunicorn": (lambda: gunicorn.measure(2, 0.3), lambda: gunicorn.measure(8, 0.5)),
    "uvicorn": (lambda: uvicorn.measure(3, 0.2), lambda: uvicorn.measure(10, 0.3)),
    "threads": (lambda: thread_scaling.measure(3, 0.2), lambda: thread_scaling.measure(12, 0.3)),
    "unknown-keys": (lambda: unknown_keys.measure(1), lambda: unknown_keys.measure(5)),
    "refresh-stall": (lambda: refresh_stall.measure(1, 3), lambda: refresh_stall.measure(5, 4)),
    "footprint": (lambda: footprint.measure(3, 200), lambda: footprint.measure(15, 1000)),
}


def main() -> None:
    """Measure the parts that were asked for; a whole run that is not quick replaces the results of this folder."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="few rounds: good for an order of magnitude")
    parser.add_argument("--output", type=Path, help="where the table goes; default: shown, and kept if it is whole")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    logging.getLogger("resource_protector").setLevel(logging.ERROR)  # what a flood of bad tokens has to say
    load = os.getloadavg()[0]
    sections: list[Section] = []
    for name, (quick, well) in PARTS.items():
        if name in arguments.parts or not arguments.parts:
            print(f"measuring: {name}", file=sys.stderr)  # noqa: T201 - it takes minutes
            sections += (quick if arguments.quick else well)()
    table = markdown(sections, load)
    print(table)  # noqa: T201 - what was asked for
    is_whole = not arguments.parts and not arguments.quick
    if arguments.output or is_whole:
        (arguments.output or RESULTS).write_text(table)
    if is_whole:
        PLOT.write_text(bars(sections[0], machine()))


if __name__ == "__main__":
    main()
