"""The exceptions of python-keycloak, by the names that existing `except` clauses use."""

from __future__ import annotations

from resource_protector.errors import Reason

__all__ = [
    "KeycloakAuthenticationError",
    "KeycloakAuthorizationConfigError",
    "KeycloakConnectionError",
    "KeycloakDeleteError",
    "KeycloakDeprecationError",
    "KeycloakError",
    "KeycloakGetError",
    "KeycloakInvalidTokenError",
    "KeycloakOperationError",
    "KeycloakPermissionFormatError",
    "KeycloakPostError",
    "KeycloakPutError",
    "KeycloakRPTNotFound",
    "KeycloakSecretNotFound",
]


class KeycloakError(Exception):
    """The base of all of these.

    `response_code` and `response_body` are those of the realm's answer, or of the answer that the realm
    would have given; None where there is none. `reason` says why a token was refused offline.
    """

    reason: Reason | None = None

    def __init__(
        self, error_message: str | bytes = "", response_code: int | None = None, response_body: bytes | None = None
    ) -> None:
        super().__init__(error_message)
        self.error_message = error_message
        self.response_code = response_code
        self.response_body = response_body

    def __str__(self) -> str:
        return (
            f"{self.error_message!s}" if self.response_code is None else f"{self.response_code}: {self.error_message!s}"
        )


class KeycloakAuthenticationError(KeycloakError):
    """The realm answers 401: a user's, a client's or a token's credentials are not accepted."""


class KeycloakConnectionError(KeycloakError):
    """The realm cannot be asked, or its keys cannot be had: nobody can say whether a token is good.

    `retry_after_seconds` is when its keys may be asked for again, where they were what was missing.
    """

    retry_after_seconds: int | None = None


class KeycloakDeprecationError(KeycloakError):
    """The realm no longer has what was asked for."""


class KeycloakOperationError(KeycloakError):
    """The realm refuses what was asked for."""


class KeycloakGetError(KeycloakOperationError):
    """A GET was refused."""


class KeycloakPostError(KeycloakOperationError):
    """A POST was refused."""


class KeycloakPutError(KeycloakOperationError):
    """A PUT was refused. Nothing here raises it; `except` clauses name it."""


class KeycloakDeleteError(KeycloakOperationError):
    """A DELETE was refused. Nothing here raises it; `except` clauses name it."""


class KeycloakSecretNotFound(KeycloakOperationError):
    """There is no secret. Nothing here raises it; `except` clauses name it."""


class KeycloakRPTNotFound(KeycloakOperationError):
    """A requesting party token was to be looked at: only the realm can do that."""


class KeycloakAuthorizationConfigError(KeycloakOperationError):
    """There are no authorization settings. Nothing here raises it; `except` clauses name it."""


class KeycloakInvalidTokenError(KeycloakOperationError):
    """A token is expired or invalid. Nothing here raises it; `except` clauses name it."""


class KeycloakPermissionFormatError(KeycloakOperationError):
    """A permission is written wrongly. Nothing here raises it; `except` clauses name it."""
