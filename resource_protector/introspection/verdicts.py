"""What the realm said a moment ago, kept for a little while and in a bounded amount of memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from resource_protector.claims import AccessToken
from resource_protector.errors import Finding

__all__ = ["Verdict", "Verdicts"]

_MOST_BYTES = 8 << 20
_BYTES_BESIDE_THE_ANSWER = 1_024


@dataclass(frozen=True, slots=True)
class Verdict:
    """An accepted token's claims or the reason of its refusal; until when that may be repeated, and its size.

    `until` is of the monotonic clock, `exp` of the wall clock: nothing is repeated beyond either.
    """

    outcome: AccessToken | Finding
    until: float
    exp: float
    answer_bytes: int

    @property
    def cost(self) -> int:
        return self.answer_bytes + _BYTES_BESIDE_THE_ANSWER


class Verdicts:
    """The latest verdicts by key; the oldest go first. The caller holds a lock."""

    def __init__(self) -> None:
        self._verdicts: OrderedDict[bytes, Verdict] = OrderedDict()
        self._bytes = 0

    def get(self, key: bytes, monotonic: float, now: float) -> Verdict | None:
        """The verdict that may be repeated at this time."""
        verdict = self._verdicts.get(key)
        if verdict is not None and (monotonic >= verdict.until or now >= verdict.exp):
            self._drop(key)
            return None
        return verdict

    def put(self, key: bytes, verdict: Verdict) -> None:
        self._drop(key)
        self._verdicts[key] = verdict
        self._bytes += verdict.cost
        while self._bytes > _MOST_BYTES:
            self._drop(next(iter(self._verdicts)))

    def _drop(self, key: bytes) -> None:
        verdict = self._verdicts.pop(key, None)
        if verdict is not None:
            self._bytes -= verdict.cost
