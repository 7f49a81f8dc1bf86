"""The realm's keys: one load, one document to keys, and the live set with its clock."""

from .fetch import Fetch, FetchFailed, JsonFetcher
from .jwks import VerificationKey
from .key_set import KeySet, KeySetStatus, Load, Snapshot
from .source import DiscoveredJwks, JwksAt
from .timing import KeyTiming

__all__ = [
    "DiscoveredJwks",
    "Fetch",
    "FetchFailed",
    "JsonFetcher",
    "JwksAt",
    "KeySet",
    "KeySetStatus",
    "KeyTiming",
    "Load",
    "Snapshot",
    "VerificationKey",
]
