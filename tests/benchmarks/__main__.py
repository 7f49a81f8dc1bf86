"""Runs the benchmark: `python -m tests.benchmarks`, or `make bench`."""

from tests.benchmarks.verify import main

main()
