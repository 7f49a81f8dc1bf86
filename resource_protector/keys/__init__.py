"""The realm's keys: one load, one document to keys, and the live set with its clock."""

from .jwks import VerificationKey
from .key_set import KeySet, KeySetStatus, Load, Snapshot
from .source import DiscoveredJwks, JwksAt
from .timing import KeyTiming

__all__ = [
    "DiscoveredJwks",
    "JwksAt",
    "KeySet",
    "KeySetStatus",
    "KeyTiming",
    "Load",
    "Snapshot",
    "VerificationKey",
]
