"""What the provider did instead of answering."""

from __future__ import annotations

__all__ = ["ProviderFailed"]


class ProviderFailed(Exception):
    """The provider did not answer with a JSON document in time. The message says what it did instead.

    `status_code` is that of the answer, if there was one.
    """

    def __init__(self, message: str, *, status_code: int | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code
