"""Runs the benchmarks: `python -m tests.benchmarks`, or `make bench`."""

import argparse

from tests.benchmarks import introspection, verify

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--rounds", type=int, default=40)
parser.add_argument("--times", type=int, default=200, help="calls per round")
arguments = parser.parse_args()
verify.main(arguments.rounds, arguments.times)
introspection.main(arguments.rounds)
