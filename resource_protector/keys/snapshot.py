"""The keys of one load: immutable, so that it is read without a lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .jwks import VerificationKey

__all__ = ["MAX_CANDIDATES", "Snapshot"]

MAX_CANDIDATES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The realm's keys as one load found them: its number, when it began and when it ended (monotonic clock)."""

    keys: frozenset[VerificationKey]
    in_order: tuple[VerificationKey, ...]
    number: int
    loaded_at: float
    arrived_at: float
    refresh_at: float
    _candidates: dict[tuple[str | None, str], tuple[VerificationKey, ...]] = field(init=False)
    kids: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        candidates: dict[tuple[str | None, str], tuple[VerificationKey, ...]] = {}
        for key in self.in_order:
            for kid in {key.kid, None}:
                for algorithm in key.algorithms:
                    fitting = (*candidates.get((kid, algorithm), ()), key)
                    candidates[kid, algorithm] = fitting[:MAX_CANDIDATES]
        object.__setattr__(self, "_candidates", candidates)
        object.__setattr__(self, "kids", frozenset(key.kid for key in self.in_order if key.kid is not None))

    def candidates(self, kid: str | None, algorithm: str) -> Sequence[VerificationKey]:
        """The keys that may have signed a token with this header; any that fits, for a token without `kid`.

        A handful at most, because each one costs a verification.
        """
        return self._candidates.get((kid, algorithm), ())
