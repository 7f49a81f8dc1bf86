"""A refusal of an endpoint that clients authenticate to."""

from __future__ import annotations

__all__ = ["TokenRefused"]


class TokenRefused(Exception):
    """An endpoint's refusal, in Keycloak's words (RFC 6749 section 5.2)."""

    def __init__(self, status_code: int, error: str, description: str) -> None:
        super().__init__(f"{error}: {description} ({status_code})")
        self.status_code = status_code
        self.error = error
        self.description = description

    @property
    def document(self) -> dict[str, str]:
        """The JSON body of the answer."""
        return {"error": self.error, "error_description": self.description}
