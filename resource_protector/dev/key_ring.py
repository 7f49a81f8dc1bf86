"""The keys of a realm: made, rotated, retired and published as a Keycloak realm does it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from functools import cache
from threading import RLock
from typing import Any, Literal
from uuid import uuid4

from joserfc.jwk import Key, OctKey, RSAKey

from resource_protector.dev.algorithms import SigningKey, new_key, require_algorithm
from resource_protector.dev.compact import base64url

__all__ = ["KeyRing", "OldKey", "RingKey", "RingState", "foreign_key"]

OldKey = Literal["keep", "passive", "withdraw"]

_REFRESH_ALGORITHM = "HS512"


@dataclass(frozen=True)
class RingKey:
    """A private key with what the realm says about it."""

    kid: str
    algorithm: str
    key: SigningKey
    signs: bool = True
    """False when it is passive: published, so that its tokens stay good, but no longer used."""

    @classmethod
    def new(cls, algorithm: str, kid: str | None = None) -> RingKey:
        """A new key; its `kid`, unless given, is made from the public key, as Keycloak does it."""
        key = new_key(algorithm)
        return cls(kid or _key_id(key), algorithm, key)

    def public(self, use: str = "sig") -> dict[str, Any]:
        """The public key as a member of the certs document (RFC 7517 section 4)."""
        document = dict(self.key.as_dict(private=False))
        return {**document, "kid": self.kid, "alg": self.algorithm, "use": use}


RingState = tuple[str, tuple[RingKey, ...]]


class KeyRing:
    """The signing keys of one realm, newest first, its encryption key, and the secret of its refresh tokens."""

    def __init__(self, algorithm: str = "RS256") -> None:
        # The lock guards the two attributes after it: tokens are signed by many threads, and a
        # first token of an algorithm makes a key.
        self._lock = RLock()
        self._algorithm = algorithm
        self._keys: tuple[RingKey, ...] = (RingKey.new(algorithm),)
        self.refresh_key = OctKey.import_key(secrets.token_bytes(64))
        self.refresh_kid = str(uuid4())

    def signing_key(self, algorithm: str | None = None) -> RingKey:
        """The key that signs now: for an algorithm, or for the realm's own.

        Where there is none, Keycloak makes a fallback key on the spot, and so does this.
        """
        with self._lock:
            algorithm = algorithm or self._algorithm
            for key in self._keys:
                if key.signs and key.algorithm == algorithm:
                    return key
            made = RingKey.new(algorithm)
            self._keys = (*self._keys, made)
            return made

    def rotate(self, old: OldKey = "keep", algorithm: str = "RS256") -> str:
        """A new key that signs from now on, whatever signed before; returns its `kid`.

        `old` says what becomes of the key that signed so far: `keep` leaves it active (it signs again if
        the new one is withdrawn), `passive` only publishes it, `withdraw` takes it out of the certs.
        """
        if old not in ("keep", "passive", "withdraw"):
            raise ValueError(f"rotate(old={old!r}) is not known: write 'keep', 'passive' or 'withdraw'.")
        made = RingKey.new(require_algorithm(algorithm, "rotate()"))
        with self._lock:
            before = next((key for key in self._keys if key.signs and key.algorithm == self._algorithm), None)
            kept = [key for key in self._keys if old == "keep" or key is not before]
            if before is not None and old == "passive":
                kept.insert(0, replace(before, signs=False))
            self._keys = (made, *kept)
            self._algorithm = algorithm
        return made.kid

    def withdraw(self, kid: str) -> None:
        """Take a key out of the certs. Raises ValueError that lists the keys if there is no such key."""
        with self._lock:
            if kid not in self.key_ids:
                raise ValueError(f"The realm has no signing key {kid!r}: write one of {', '.join(self.key_ids)}.")
            self._keys = tuple(key for key in self._keys if key.kid != kid)

    def verifying_key(self, header: dict[str, Any]) -> tuple[str, Key] | None:
        """The algorithm and the published key of a token with that header; None where no key fits."""
        for key in self._keys:
            if key.kid == header["kid"] and key.algorithm == header["alg"]:
                return key.algorithm, key.key
        return None

    def refresh_token_key(self, header: dict[str, Any]) -> tuple[str, Key] | None:
        """The algorithm and the secret of a refresh token with that header."""
        return (_REFRESH_ALGORITHM, self.refresh_key) if header["alg"] == _REFRESH_ALGORITHM else None

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of the published signing keys, newest first."""
        return tuple(key.kid for key in self._keys)

    def certs(self) -> dict[str, Any]:
        """The certs document: the signing keys, and the key that nobody should verify with."""
        with self._lock:  # or the first two requests, at once, are told of two keys
            key = _encryption_key()
        encryption = RingKey(_key_id(key), "RSA-OAEP", key)
        return {"keys": [encryption.public("enc"), *(key.public() for key in self._keys)]}

    def state(self) -> RingState:
        """What `restore` takes to undo every rotation and withdrawal made since."""
        with self._lock:
            return self._algorithm, self._keys

    def restore(self, state: RingState) -> None:
        """Go back to a `state`."""
        with self._lock:
            self._algorithm, self._keys = state


@cache
def foreign_key(algorithm: str) -> RingKey:
    """A key that no realm has: what an attacker signs with."""
    return RingKey.new(algorithm)


@cache
def _encryption_key() -> RSAKey:
    """One for the whole process: nothing is ever encrypted with it, it is there because Keycloak's certs have one."""
    return RSAKey.generate_key(2048)


def _key_id(key: SigningKey) -> str:
    """The SHA-256 of the public key, which is what Keycloak takes for a `kid`."""
    return base64url(hashlib.sha256(key.as_der(private=False)).digest())
