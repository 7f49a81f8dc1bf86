"""A refusal of the token endpoint."""

from __future__ import annotations

__all__ = ["TokenRefused"]


class TokenRefused(Exception):
    """The token endpoint's refusal, in Keycloak's words (RFC 6749 section 5.2)."""

    def __init__(self, status_code: int, error: str, description: str) -> None:
        super().__init__(f"{error}: {description} ({status_code})")
        self.status_code = status_code
        self.error = error
        self.description = description
