"""What `decode_token` raises for a token that is not accepted, by jwcrypto's names.

A refusal is caught by whatever clause caught it before. One that python-keycloak reports as a missing key
or as a bad signature, depending on how it was given the keys, is therefore both.
"""

from __future__ import annotations

from resource_protector.errors import Finding, Reason, TokenRejected

__all__ = [
    "InvalidJWSObject",
    "InvalidJWSSignature",
    "JWException",
    "JWKeyNotFound",
    "JWTExpired",
    "JWTInvalidClaimValue",
    "JWTMissingClaim",
    "JWTMissingKey",
    "JWTNotYetValid",
    "decode_error",
]


class JWException(Exception):
    """The token is not accepted. The message is one fixed sentence per reason and holds nothing of the token.

    `reason` is the stable identifier; `finding` says what was expected and found, which is for logs and not for
    answers. Both are None in an exception that the application made itself.
    """

    finding: Finding | None = None

    @property
    def reason(self) -> Reason | None:
        return None if self.finding is None else self.finding.reason


class JWTExpired(JWException):
    """The token's `exp` has passed."""


class JWTNotYetValid(JWException):
    """The token's `nbf` or `iat` is in the future."""


class JWTMissingClaim(JWException):
    """The token lacks a claim that is needed."""


class JWTInvalidClaimValue(JWException):
    """A claim is not what it has to be: another audience, another kind of token."""


class InvalidJWSObject(JWException):
    """What was sent is no signed token."""


class InvalidJWSSignature(JWException):
    """The signature is not one of this realm."""


class JWKeyNotFound(JWException):
    """No key of the realm made the signature."""


class JWTMissingKey(JWKeyNotFound):
    """The same, by the name that the class has beside JWT."""


class UnverifiableToken(InvalidJWSSignature, JWTMissingKey):
    """The signature cannot be verified with any key of the realm."""


class TokenOfAnotherIssuer(JWTInvalidClaimValue, UnverifiableToken):
    """A token of another realm, which has other keys."""


class MalformedToken(InvalidJWSObject, ValueError):
    """What is no token at all: python-keycloak raises ValueError for most of it."""


_KINDS: dict[Reason, type[JWException]] = {
    Reason.EXPIRED: JWTExpired,
    Reason.NOT_YET_VALID: JWTNotYetValid,
    Reason.MISSING_CLAIM: JWTMissingClaim,
    Reason.LIGHTWEIGHT: JWTMissingClaim,
    Reason.AUDIENCE: JWTInvalidClaimValue,
    Reason.TOKEN_TYPE: JWTInvalidClaimValue,
    Reason.BOUND: JWTInvalidClaimValue,
    Reason.ISSUER: TokenOfAnotherIssuer,
    Reason.ALGORITHM: UnverifiableToken,
    Reason.UNKNOWN_KEY: UnverifiableToken,
    Reason.SIGNATURE: UnverifiableToken,
    Reason.MALFORMED: MalformedToken,
}


def decode_error(refusal: TokenRejected) -> JWException:
    """The exception for a refusal; the caller raises it from the refusal."""
    error = _KINDS.get(refusal.reason, JWException)(refusal.description)
    error.finding = refusal.finding
    return error
