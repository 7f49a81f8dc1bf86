"""The compact form of a signed token, taken apart once and strictly (RFC 7515 section 7.1)."""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

from .errors import Finding, Reason, TokenRejected
from .readonly import ReadOnlyDict
from .strict_json import read_object

__all__ = ["MAX_HEADER_CHARACTERS", "MAX_TOKEN_CHARACTERS", "SignedToken", "parse"]

MAX_TOKEN_CHARACTERS = 16_384
MAX_HEADER_CHARACTERS = 1_024
# A header has one object, and two more with a `jwk` and an `x5c`. Each costs a good part of a signature.
_MAX_HEADER_BRACKETS = 16
MAX_SIGNATURE_CHARACTERS = 1_400  # an RSA key of 8192 bits makes 1,366
_MOST_ISSUERS = 8
_ISSUER_WITHIN = (
    2_048  # characters of the payload, whose first claims it nearly always is; all of them cost two signatures
)
_ISSUER = re.compile(rb'"iss"\s*:\s*("(?:[^"\\]|\\.)*")')

# base64url to base64 (RFC 4648 section 5). What only base64 has becomes '!', which no alphabet has.
_TO_BASE64 = bytes.maketrans(b"-_+/=", b"+/!!!")
_PADDING = (b"", b"", b"==", b"=")
# A last character whose unused bits are not zero spells the same bytes another way: one signature
# would have 16 spellings, and a cache keyed by the token could be flushed with them.
_LAST_CHARACTERS = (None, frozenset[int](), frozenset(b"AQgw"), frozenset(b"AEIMQUYcgkosw048"))


class SignedToken:
    """The three parts of a signed token. Whether the signature is good is for the holder to find out."""

    __slots__ = (
        "_is_read_throughout",
        "_issuers",
        "_payload",
        "refuted",
        "signature",
        "signing_input",
        "unverified_header",
    )

    def __init__(
        self, unverified_header: ReadOnlyDict[str, Any], payload: bytes, signing_input: bytes, signature: bytes
    ) -> None:
        self.unverified_header = unverified_header
        self.signing_input = signing_input
        self.signature = signature
        self._payload = payload
        self._issuers: Sequence[str] | None = None
        self._is_read_throughout = False
        #: The keys that have been tried and did not make the signature; None before any was.
        self.refuted: Sequence[object] | None = None

    @property
    def is_long(self) -> bool:
        """Whether the payload goes on behind what `unverified_issuers` reads at first."""
        return len(self._payload) > _ISSUER_WITHIN

    def unverified_issuers(self, *, throughout: bool = False) -> Sequence[str]:
        """What the payload names as `iss`, at any level, outermost or not; empty where that cannot be told.

        Read from the payload's beginning, or `throughout`, and without understanding the rest: parsing
        claims that nobody signed costs up to hundreds of signatures. Good for refusing a token, never
        for accepting one. Raises TokenRejected (`malformed`).
        """
        if self._issuers is None or (throughout and not self._is_read_throughout):
            self._is_read_throughout = throughout or not self.is_long
            part = self._payload if self._is_read_throughout else self._payload[:_ISSUER_WITHIN]
            try:
                self._issuers = _issuers_named_in(_decoded(part))
            except ValueError as error:
                raise _malformed("payload", error) from error
        return self._issuers

    def unverified_payload(self) -> ReadOnlyDict[str, Any]:
        """The claims as the token states them. Raises TokenRejected (`malformed`)."""
        try:
            return read_object(_decoded(self._payload))
        except (ValueError, RecursionError) as error:
            raise _malformed("payload", error) from error


def _issuers_named_in(payload: bytes) -> Sequence[str]:
    found = [match[1] for match in islice(_ISSUER.finditer(payload), _MOST_ISSUERS + 1)]
    if len(found) > _MOST_ISSUERS:
        return ()
    try:
        return [json.loads(value) for value in found]
    except ValueError:
        return ()


def parse(token: str) -> SignedToken:
    """Take the compact serialization apart; the payload stays encoded until somebody asks for it.

    Raises TokenRejected with reason `malformed`, and nothing else, whatever `token` is.
    """
    if not isinstance(token, str):
        raise _refused(None, "a string", type(token).__name__)
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise _refused(None, f"at most {MAX_TOKEN_CHARACTERS} characters", f"{len(token)} characters")
    try:
        encoded = token.encode("ascii")
    except UnicodeEncodeError as error:
        raise _refused(None, "ASCII", "other characters") from error
    signing_input, _, signature = encoded.rpartition(b".")
    header, dot, payload = signing_input.partition(b".")
    if not dot or b"." in payload:
        raise _refused(None, "3 segments", f"{encoded.count(b'.') + 1} segments")
    if len(header) > MAX_HEADER_CHARACTERS:
        raise _refused("header", f"at most {MAX_HEADER_CHARACTERS} characters", f"{len(header)} characters")
    if len(signature) > MAX_SIGNATURE_CHARACTERS:
        raise _refused("signature", f"at most {MAX_SIGNATURE_CHARACTERS} characters", f"{len(signature)} characters")
    try:
        read_header = _read_header(header)
    except (ValueError, RecursionError) as error:
        raise _malformed("header", error) from error
    try:
        read_signature = _decoded(signature)
    except ValueError as error:
        raise _malformed("signature", error) from error
    return SignedToken(read_header, payload, signing_input, read_signature)


# A realm's tokens share a handful of headers. A flood of invented ones costs what it costs without the memo.
@lru_cache(maxsize=128)
def _read_header(segment: bytes) -> ReadOnlyDict[str, Any]:
    decoded = _decoded(segment)
    if decoded.count(b"{") + decoded.count(b"[") > _MAX_HEADER_BRACKETS:
        raise ValueError("more objects and lists than any header has")
    header = read_object(decoded)
    for name in ("kid", "typ"):
        if not isinstance(header.get(name, ""), str):
            raise ValueError(f"'{name}' is not a string")
    # RFC 7515 section 4.1.11: extensions named in `crit` must be understood, and we know none.
    # RFC 7797 section 7: a JWT must not use `b64`.
    for name in ("crit", "b64"):
        if name in header:
            raise ValueError(f"'{name}' is not supported")
    return header


def _decoded(segment: bytes) -> bytes:
    """base64url without padding, slack or foreign characters (RFC 7515 section 2). Raises ValueError."""
    rest = len(segment) & 3
    if rest and segment[-1] not in _LAST_CHARACTERS[rest]:  # type: ignore[operator]  # None stands at 0 only
        raise ValueError("not base64url")
    # Claims in ASCII hold neither "-" nor "_", and to look costs a fifth of a translation.
    if 45 in segment or 95 in segment or 43 in segment or 47 in segment or 61 in segment:  # - _ + / =
        segment = segment.translate(_TO_BASE64)
    return binascii.a2b_base64(segment + _PADDING[rest], strict_mode=True)


def _refused(part: str | None, expected: str, actual: str) -> TokenRejected:
    return TokenRejected(Finding(Reason.MALFORMED, part, expected, actual))


def _malformed(part: str, error: Exception) -> TokenRejected:
    # The parsers' messages may quote the token: only the kind of error and our own sentences go further.
    cause = str(error) if type(error) is ValueError else type(error).__name__
    return _refused(part, "a JSON object in base64url" if part != "signature" else "base64url", cause)
