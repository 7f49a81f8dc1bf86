"""Reasons of refusal, and the exceptions that carry them to the wire."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from authlib.oauth2 import OAuth2Error

__all__ = ["Finding", "InsufficientScope", "KeysUnavailable", "Reason", "TokenRejected", "quoted"]


class Reason(StrEnum):
    """Why a request was refused: stable identifiers, for programs, logs and tests."""

    MISSING = "missing"
    MALFORMED_REQUEST = "malformed_request"
    MALFORMED = "malformed"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    ISSUER = "issuer"
    ALGORITHM = "algorithm"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    AUDIENCE = "audience"
    TOKEN_TYPE = "token_type"  # noqa: S105 - the name of a check, not a secret
    BOUND = "bound"
    MISSING_CLAIM = "missing_claim"
    LIGHTWEIGHT = "lightweight"
    INACTIVE = "inactive"
    INSUFFICIENT_SCOPE = "insufficient_scope"
    INSUFFICIENT_ROLE = "insufficient_role"
    KEYS_UNAVAILABLE = "keys_unavailable"
    INTROSPECTION_UNAVAILABLE = "introspection_unavailable"


# One fixed sentence per reason. They go on the wire, so they hold no value of a token or of the
# configuration, and only characters that RFC 6750 section 3 allows in an `error_description`.
_UNVERIFIABLE = "The signature of the access token could not be verified"
_UNAVAILABLE = "The access token cannot be checked at the moment"
_DESCRIPTIONS: dict[Reason, str] = {
    Reason.MISSING: "The request carries no access token",  # for error handlers only; never on the wire
    Reason.MALFORMED_REQUEST: "The request must carry exactly one bearer token",
    Reason.MALFORMED: "The access token is malformed",
    Reason.EXPIRED: "The access token expired",
    Reason.NOT_YET_VALID: "The access token is not valid yet",
    Reason.ISSUER: "The access token was issued by another issuer",
    Reason.ALGORITHM: _UNVERIFIABLE,
    Reason.UNKNOWN_KEY: _UNVERIFIABLE,
    Reason.SIGNATURE: _UNVERIFIABLE,
    Reason.AUDIENCE: "The access token is not meant for this API",
    Reason.TOKEN_TYPE: "The token is not a bearer access token",
    Reason.BOUND: "The token is bound to a key and was sent without proof",
    Reason.MISSING_CLAIM: "The access token lacks a required claim",
    Reason.LIGHTWEIGHT: "The access token cannot be checked by this API",
    Reason.INACTIVE: "The access token is no longer active",
    Reason.INSUFFICIENT_SCOPE: "The access token lacks a scope that this needs",
    Reason.INSUFFICIENT_ROLE: "The access token lacks a role that this needs",
    Reason.KEYS_UNAVAILABLE: _UNAVAILABLE,
    Reason.INTROSPECTION_UNAVAILABLE: _UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem of one token: what was checked, what was expected, what was found.

    `expected` and `actual` hold values of the configuration and of the token: they belong into
    logs and into the hands of the token's owner, never into an answer.
    """

    reason: Reason
    claim: str | None = None
    expected: object = None
    actual: object = None


def quoted(value: str) -> str:
    """`value` as the quoted-string of a challenge parameter (RFC 9110 section 5.6.4).

    Raises ValueError for characters that RFC 6750 section 3 does not allow there.
    """
    if not all(character == " " or "!" <= character <= "~" and character not in '"\\' for character in value):
        raise ValueError(
            f"{value!r} cannot be sent in a challenge: use printable ASCII without quotes and backslashes."
        )
    return f'"{value}"'


class _Refusal(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """What both kinds of refusal share: a finding, a description, an answer that Authlib can render."""

    def __init__(self, finding: Finding, *, status_code: int, error: str | None) -> None:
        # Set afterwards: Authlib would look at each character of it each time, and a framework's exception
        # that stands beside this class has a description of its own.
        super().__init__(status_code=status_code, error=error)
        self.description = _DESCRIPTIONS[finding.reason]
        self.finding = finding

    @property
    def reason(self) -> Reason:
        return self.finding.reason

    def __str__(self) -> str:
        return f"{self.description} ({self.reason})"

    def get_body(self) -> list[tuple[str, str]]:
        """The members of the JSON body: none where the challenge has no error code (RFC 6750 section 3.1)."""
        if self.error is None:
            return []
        return [("error", self.error), ("error_description", self.description)]

    def get_headers(self) -> list[tuple[str, str]]:
        """The header fields of the answer; no refusal may be kept by a cache."""
        return [("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Pragma", "no-cache")]


class TokenRejected(_Refusal):
    """The request brought no token, a malformed one or one that is not accepted: 401, or 400 for a malformed request.

    Arguments: `finding`; `realm`, the protection space named in the challenge; `scope`, what the
    route needs, named in the challenge where RFC 6750 section 3 wants it.
    """

    def __init__(self, finding: Finding, *, realm: str | None = None, scope: str | None = None) -> None:
        status_code, error = _ANSWERS.get(finding.reason, (401, "invalid_token"))
        super().__init__(finding, status_code=status_code, error=error)
        self.realm = realm
        self.scope = scope

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.finding, {"realm": self.realm, "scope": self.scope})

    @property
    def challenge(self) -> str:
        """The value of `WWW-Authenticate` (RFC 6750 section 3)."""
        parameters = [
            ("realm", self.realm),
            ("error", self.error),
            ("error_description", self.description if self.error else None),
            ("scope", self.scope),
        ]
        listed = ", ".join(f"{name}={quoted(value)}" for name, value in parameters if value is not None)
        return f"Bearer {listed}" if listed else "Bearer"

    def get_headers(self) -> list[tuple[str, str]]:
        return [*super().get_headers(), ("WWW-Authenticate", self.challenge)]


class InsufficientScope(TokenRejected):
    """The token is good and lacks a scope, a role or a claim value that the route needs: 403."""


_ANSWERS: dict[Reason, tuple[int, str | None]] = {
    Reason.MISSING: (401, None),
    Reason.MALFORMED_REQUEST: (400, "invalid_request"),
    Reason.INSUFFICIENT_SCOPE: (403, "insufficient_scope"),
    Reason.INSUFFICIENT_ROLE: (403, "insufficient_scope"),
}


class KeysUnavailable(_Refusal):
    """The realm cannot be asked, for its keys or about a token, so nobody can say whether it is good: 503, never 401.

    `reason` says which: `keys_unavailable` or `introspection_unavailable`. `retry_after_seconds` is when the
    next attempt may be made; `__cause__` is what went wrong with the last one.
    """

    challenge: str | None = None

    def __init__(self, finding: Finding, *, retry_after_seconds: float) -> None:
        super().__init__(finding, status_code=503, error="temporarily_unavailable")
        self.retry_after_seconds = max(1, math.ceil(retry_after_seconds))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.finding, {"retry_after_seconds": self.retry_after_seconds})

    def get_headers(self) -> list[tuple[str, str]]:
        return [*super().get_headers(), ("Retry-After", str(self.retry_after_seconds))]


def _restored(kind: type[_Refusal], finding: Finding, keywords: dict[str, Any]) -> _Refusal:
    """Unpickle a refusal: exceptions are rebuilt from positional arguments alone otherwise."""
    return kind(finding, **keywords)
