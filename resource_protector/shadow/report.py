"""The report of shadow mode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

__all__ = ["ShadowReport"]


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """What the two sides have said since `since_seconds`, in this process.

    - `requests` were asked about; they are agreements, disagreements, and those where a side could not be asked.
    - `disagreements`: how many, by reason.
    - `unavailable`: how often each side could not be asked.
    - `online_seconds`, `offline_seconds`: the time spent in each side, of all requests.
    """

    decides: str
    requests: int
    agreements: int
    disagreements: Mapping[str, int]
    unavailable: Mapping[str, int]
    online_seconds: float
    offline_seconds: float
    since_seconds: float

    def __post_init__(self) -> None:
        for name in ("disagreements", "unavailable"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "decides": self.decides,
            "requests": self.requests,
            "agreements": self.agreements,
            "disagreements": dict(self.disagreements),
            "unavailable": dict(self.unavailable),
            "online_seconds": round(self.online_seconds, 6),
            "offline_seconds": round(self.offline_seconds, 6),
            "since_seconds": round(self.since_seconds, 3),
        }

    def __str__(self) -> str:
        by_count = sorted(self.disagreements.items(), key=lambda item: (-item[1], item[0]))
        reasons = ", ".join(f"{reason} {count}" for reason, count in by_count)
        differences = sum(self.disagreements.values())
        return (
            f"{differences} {'difference' if differences == 1 else 'differences'} in {_duration(self.since_seconds)}"
            f"{f' ({reasons})' if reasons else ''}: {self.requests} requests, {self.agreements} agreements, could not be "
            f"asked: online {self.unavailable['online']}, offline {self.unavailable['offline']}; per request "
            f"online {self._milliseconds(self.online_seconds)}, offline {self._milliseconds(self.offline_seconds)}; "
            f"the {self.decides} check decides"
        )

    def _milliseconds(self, seconds: float) -> str:
        return f"{1000 * seconds / max(1, self.requests):.2f} ms"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
