"""Verified tokens, kept so that a token seen before costs a hash instead of a signature check."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256

from .claims import AccessToken
from .keys import VerificationKey

__all__ = ["LARGEST_CHARACTERS", "TokenCache", "VerifiedToken", "cache_key"]

#: What is larger than this is in no realm a token, and not kept.
LARGEST_CHARACTERS = 8_192


class VerifiedToken:
    """A token that passed every check, with all that can end that: its key, and its window of time.

    It holds in [`not_before`, `not_after`). One that is not `is_complete` is a lightweight one: the rest of its
    claims is the realm's to tell. Never changed; a plain class, because a frozen one takes three times as long to make.
    """

    __slots__ = ("claims", "header_type", "is_complete", "key", "not_after", "not_before")

    def __init__(
        self,
        claims: AccessToken,
        key: VerificationKey,
        leeway_seconds: float,
        header_type: str | None,
        is_complete: bool,
    ) -> None:
        self.claims = claims
        self.key = key
        self.not_before = max(claims.get("nbf", 0), claims.get("iat", 0)) - leeway_seconds
        self.not_after = claims["exp"] + leeway_seconds
        self.header_type = header_type
        self.is_complete = is_complete


class TokenCache:
    """The most recently verified tokens, by the SHA-256 of their text; never the text itself.

    Holds successes only, at most `size` of them; the oldest one goes first.
    """

    def __init__(self, size: int) -> None:
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise ValueError(f"token_cache_size is {size!r}: write a whole number of tokens, or 0 for no cache.")
        self._size = size
        self._tokens: OrderedDict[bytes, VerifiedToken] = OrderedDict()

    @property
    def is_on(self) -> bool:
        return self._size > 0

    def get(self, key: bytes) -> VerifiedToken | None:
        """What is known of the token with this `cache_key`; whether it still holds is the caller's question."""
        return self._tokens.get(key)

    def put(self, key: bytes, verified: VerifiedToken) -> None:
        # No lock: each of these is one step of the interpreter, and two threads at once at worst evict one more.
        self._tokens[key] = verified
        if len(self._tokens) > self._size:
            try:  # noqa: SIM105 - contextlib.suppress makes an object and two calls, on the way of every new token
                self._tokens.popitem(last=False)
            except KeyError:  # pragma: no cover - the other thread was quicker
                pass

    def forget(self, key: bytes) -> None:
        """Drop a token whose time or key has ended."""
        self._tokens.pop(key, None)


def cache_key(token: object) -> bytes | None:
    """What a token is kept under: a dump of the process's memory must not hand out tokens.

    None for what nothing is kept for: what cannot be a token, and what is larger than any realm's
    (an entry would be larger, too).
    """
    if not isinstance(token, str) or len(token) > LARGEST_CHARACTERS or not token.isascii():
        return None
    return sha256(token.encode("ascii")).digest()
