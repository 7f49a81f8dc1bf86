"""What the admin interface would not do, each in one sentence that says what to do instead."""

from __future__ import annotations

__all__ = ["AdminError", "Gone", "Refused"]


class AdminError(Exception):
    """The change was not made."""


class Refused(AdminError):
    """Keycloak answered, and said no: nothing has changed."""

    def __init__(self, message: str, *, status_code: int | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code


class Gone(Refused):
    """What was to be changed is no longer there."""
