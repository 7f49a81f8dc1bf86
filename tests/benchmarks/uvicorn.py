"""What protecting a FastAPI route costs under uvicorn, beside those of other libraries."""

from __future__ import annotations

from tests.benchmarks import fastapi
from tests.benchmarks.figures import Row, Section

__all__ = ["measure"]


def measure(rounds: int, seconds: float) -> list[Section]:
    """One section: requests per second of wall time, as `tests.benchmarks.fastapi` measures them."""
    rows: list[Row] = []
    with fastapi.served() as server:
        for path, name in fastapi.ROUTES.items():
            ours = path == "/ours"
            target = fastapi.TARGET if ours else None
            try:
                found = fastapi.measure(server, [path], rounds, seconds)[path]
            except AssertionError as error:
                rows.append(Row(name, failure=str(error)[:120], is_ours=ours))
            else:
                rows.append(Row(name, [wall for wall, _ in found], target, higher_is_better=True, is_ours=ours))
    unit = "of the requests per second behind an empty dependency"
    return [Section("FastAPI under uvicorn with httptools", unit, rows)]
