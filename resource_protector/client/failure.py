"""A token request that brought no token."""

from __future__ import annotations

from typing import Any

__all__ = ["TokenRequestFailed"]


class TokenRequestFailed(Exception):
    """The realm gave no token; as text it is one line that says why and what to do.

    - `error`, `error_description`: the realm's own words (RFC 6749 section 5.2), None where it said none.
    - `status_code`: of its answer, None where there was none.
    - `advice`: what to change, in the words of Keycloak's console, where the cause is known.
    - `retry_after_seconds`: when the realm may be asked again, None where nobody keeps count.

    `__cause__` is what went wrong below, if anything did. No secret and no token is in any of it.
    """

    def __init__(
        self,
        advice: str,
        *,
        error: str | None = None,
        error_description: str | None = None,
        status_code: int | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        self.advice = advice
        self.error = error
        self.error_description = error_description
        self.status_code = status_code
        self.retry_after_seconds = retry_after_seconds
        super().__init__(str(self))

    def __str__(self) -> str:
        if self.error is None:
            return self.advice
        said = f"{self.error}: {self.error_description}" if self.error_description else self.error
        return f"The realm refused ({said.rstrip('.')}): {self.advice}"

    def again(self, retry_after_seconds: float) -> TokenRequestFailed:
        """The same once more, for another caller: an exception that is raised twice collects both their tracebacks."""
        failure = TokenRequestFailed(
            self.advice,
            error=self.error,
            error_description=self.error_description,
            status_code=self.status_code,
            retry_after_seconds=retry_after_seconds,
        )
        failure.__cause__ = self.__cause__
        return failure

    def __reduce__(self) -> tuple[Any, ...]:
        """Exceptions are otherwise rebuilt from positional arguments alone."""
        return _restored, (self.advice, self.error, self.error_description, self.status_code, self.retry_after_seconds)


def _restored(
    advice: str,
    error: str | None,
    error_description: str | None,
    status_code: int | None,
    retry_after_seconds: float | None,
) -> TokenRequestFailed:
    return TokenRequestFailed(
        advice,
        error=error,
        error_description=error_description,
        status_code=status_code,
        retry_after_seconds=retry_after_seconds,
    )
