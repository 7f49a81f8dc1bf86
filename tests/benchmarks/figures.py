"""Measured figures: what a table and a plot are made of."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Row", "Section"]


@dataclass(frozen=True)
class Row:
    """One thing that was measured, round by round; or the reason why it could not be.

    `target` is an upper bound of the median, or a lower one where `higher_is_better`. `is_ours` marks this package.
    """

    name: str
    values: Sequence[float] = ()
    target: float | None = None
    higher_is_better: bool = False
    is_ours: bool = False
    failure: str | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The middle half of the rounds: what a neighbour on the machine did for a moment is outside of it."""
        if len(self.values) < 2:
            return self.median, self.median
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return low, high

    @property
    def missed_by(self) -> float | None:
        """How far the median is from the target, as a part of it; None where it is met, or there is none."""
        if self.target is None or not self.values:
            return None
        beyond = self.target - self.median if self.higher_is_better else self.median - self.target
        return beyond / self.target if beyond > 0 else None


@dataclass(frozen=True)
class Section:
    """One table: rows that were measured in turn, in one `unit`."""

    title: str
    unit: str
    rows: list[Row] = field(default_factory=list)
    note: str = ""
