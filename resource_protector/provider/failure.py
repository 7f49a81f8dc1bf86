"""What the provider did instead of answering."""

from __future__ import annotations

__all__ = ["ProviderFailed"]


class ProviderFailed(Exception):
    """The provider did not answer with a JSON document in time. The message says what it did instead.

    `status_code` is that of the answer, if there was one; `timed_out` says that there was none in time.
    """

    def __init__(self, message: str, *, status_code: int | None = None, timed_out: bool = False) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.timed_out = timed_out
