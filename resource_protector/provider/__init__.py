"""Talking to the identity provider: one exchange, within a deadline and a size."""

from .discovery import Discovery
from .failure import ProviderFailed
from .fetch import Fetch, JsonFetcher, check_document_bytes

__all__ = ["Discovery", "Fetch", "JsonFetcher", "ProviderFailed", "check_document_bytes"]
