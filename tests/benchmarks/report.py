"""The figures as a Markdown document."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cryptography.hazmat.backends.openssl import backend

from tests.benchmarks.figures import Row, Section

__all__ = ["machine", "markdown"]

_PACKAGES = [
    "resource-protector",
    "cryptography",
    "joserfc",
    "Authlib",
    "Flask",
    "gunicorn",
    "uvicorn",
    "httptools",
    "fastapi",
    "PyJWT",
    "python-jose",
    "jwcrypto",
    "python-keycloak",
    "auth0-api-python",
    "guardpost",
    "okta-jwt-verifier",
    "axioms-flask-py",
    "fastapi-keycloak-middleware",
]


def machine() -> str:
    """What it was measured on: the processor, the interpreter, and every package that took part."""
    openssl = " ".join(backend.openssl_version_text().split()[:2])  # without its date
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{_processor()}, {os.cpu_count()} cores, {python}, {openssl}"


def markdown(sections: Sequence[Section], load: float) -> str:
    """The whole document."""
    versions = ", ".join(f"{name} {found}" for name in _PACKAGES if (found := _version(name)))
    lines = [
        "# What checking a token costs",
        "",
        "Made by `make bench`: everything in one run and in turn, so that each figure stands beside its yardstick.",
        "Median, and the middle half of the rounds. **Bold** is this package.",
        "",
        f"{machine()}. Load of the machine when the run began: {load:.1f}.",
        "",
        f"{versions}.",
    ]
    for section in sections:
        lines += ["", f"## {section.title}", "", f"| | {section.unit} | middle half | target |", "|---|---:|---:|---:|"]
        lines += [_line(row) for row in _in_order(section.rows)]
        if section.note:
            lines += ["", section.note]
    return "\n".join(lines) + "\n"


def _in_order(rows: Iterable[Row]) -> list[Row]:
    """Ours as they were measured, then the peers: the best first, and those that failed last."""
    ours, peers = [row for row in rows if row.is_ours], [row for row in rows if not row.is_ours]
    working = sorted(
        (row for row in peers if row.failure is None),
        key=lambda row: -row.median if row.higher_is_better else row.median,
    )
    return [*ours, *working, *(row for row in peers if row.failure is not None)]


def _line(row: Row) -> str:
    name = f"**{row.name}**" if row.is_ours else row.name
    if row.failure is not None:
        return f"| {name} | fails | {_in_a_cell(row.failure)} | |"
    low, high = row.quartiles
    missed = row.missed_by
    target = "" if row.target is None else _number(row.target) + (f", missed by {missed:.0%}" if missed else "")
    spread = f"{_number(low)} to {_number(high)}" if len(row.values) > 1 else ""
    return f"| {name} | {_number(row.median)} | {spread} | {target} |"


def _number(value: float) -> str:
    return (
        f"{value:,.0f}"
        if abs(value) >= 100 or value == int(value)
        else f"{value:.2f}"
        if value < 10
        else f"{value:.1f}"
    )


def _in_a_cell(text: str) -> str:
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", text).replace("|", "/").replace("\n", " ")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()
