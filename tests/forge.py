"""Forged tokens: a realm that publishes keys of every kind, the hands to sign with them, and ears at every door."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from resource_protector.dev.routes import HttpAnswer, HttpRequest
from resource_protector.dev.server import LoopbackServer

__all__ = ["AUDIENCE", "SECRET", "Forge", "Listener", "forging", "private_key", "segment"]

AUDIENCE = "orders-api"
#: The symmetric key that the realm publishes by mistake: everybody knows it.
SECRET = b"a symmetric key that a realm published by mistake"
# SHA-256 in PKCS #1 v1.5 (RFC 8017 section 9.2, note 1).
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def segment(value: Any) -> str:
    """base64url of bytes, or of JSON."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@cache
def private_key(name: str) -> Any:
    """A key of this name, made once per process; `attacker`'s are in no key set."""
    kinds: dict[str, Callable[[], Any]] = {
        "rsa": lambda: RSAKey.generate_key(2048),
        "attacker": lambda: RSAKey.generate_key(2048),
        "p256": lambda: ECKey.generate_key("P-256"),
        "attacker-p256": lambda: ECKey.generate_key("P-256"),
        "p384": lambda: ECKey.generate_key("P-384"),
        "ed25519": lambda: OKPKey.generate_key("Ed25519"),
        "rsa-1024": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505 - it must be refused
    }
    return kinds[name]()


def published(name: str, kid: str | None = None, **members: Any) -> dict[str, Any]:
    """The public half as a member of a key set; a member given as None is left out."""
    jwk = {**private_key(name).as_dict(private=False), "kid": kid or name, "use": "sig", **members}
    return {member: value for member, value in jwk.items() if value is not None}


def odd_keys() -> list[dict[str, Any]]:
    """Keys that a realm publishes and nobody must check a token with, most of them of good material."""
    weak = private_key("rsa-1024").public_key().public_numbers()
    huge = (1 << 16_399) + int.from_bytes(hashlib.sha256(b"huge").digest()) * 2 + 1
    return [
        {"kty": "oct", "kid": "oct", "k": segment(SECRET), "alg": "HS256", "use": "sig"},
        {"kty": "oct", "kid": "oct-as-rs256", "k": segment(SECRET), "alg": "RS256", "use": "sig"},
        {"kty": "oct", "kid": "oct-empty", "k": "", "alg": "HS256", "use": "sig"},
        published("rsa", "rsa-for-encryption", use="enc"),
        published("rsa", "rsa-for-wrapping", alg="RSA-OAEP"),
        published("rsa", "rsa-to-sign", key_ops=["sign"]),
        published("rsa", "rsa-to-encrypt", use=None, key_ops=["encrypt", "wrapKey"]),
        {"kty": "RSA", "kid": "rsa-1024", "use": "sig", "n": segment(_bytes(weak.n)), "e": "AQAB"},
        {"kty": "RSA", "kid": "rsa-16400", "use": "sig", "n": segment(_bytes(huge)), "e": "AQAB"},
        published("rsa", "rsa-exponent-1", e="AQ"),
    ]


def good_keys() -> list[dict[str, Any]]:
    """Keys that tokens may be checked with."""
    return [
        published("rsa", alg="RS256"),
        published("rsa", "rsa-pss", alg="PS256"),
        published("rsa", "rsa-any"),
        published("p256", alg="ES256"),
        published("p384"),
        published("ed25519", alg="EdDSA"),
    ]


class Listener:
    """An HTTP server that remembers the target of every request, and may serve a document."""

    def __init__(self, document: Callable[[], Mapping[str, Any]] | None = None) -> None:
        self.seen: list[str] = []
        self._document = document
        self._server: LoopbackServer | None = LoopbackServer(self._answer, 0)
        self.port = self._server.port
        self.url = f"http://127.0.0.1:{self.port}"

    def _answer(self, request: HttpRequest) -> HttpAnswer:
        self.seen.append(request.target)
        return HttpAnswer.of(404, {}) if self._document is None else HttpAnswer.of(200, self._document())

    @contextmanager
    def down(self) -> Iterator[None]:
        """Nobody listens within the block."""
        self.close()
        try:
            yield
        finally:
            self._server = LoopbackServer(self._answer, self.port)

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None


class Forge:
    """A dev realm whose key set holds keys of ours, so that any token can be signed with a key of the realm.

    `keys` is who serves that key set, `trap` an address that only tokens name: nobody must ever ask it.
    """

    def __init__(self, realm: DevRealm, stack: ExitStack) -> None:
        self.realm = realm
        self.issuer = realm.issuer
        self._withdrawn: set[str] = set()
        self._certs = self._document(realm)
        self.keys = Listener(self.key_set)
        self.trap = Listener(lambda: {"keys": [published("attacker"), published("attacker-p256")]})
        stack.callback(self.keys.close)
        stack.callback(self.trap.close)

    @staticmethod
    def _document(realm: DevRealm) -> list[dict[str, Any]]:
        certs: Any = realm.fetch(f"{realm.issuer}/protocol/openid-connect/certs")
        realm.requests.clear()
        return [*certs["keys"], *good_keys(), *odd_keys()]

    def key_set(self) -> Mapping[str, Any]:
        """The document that the realm serves."""
        return {"keys": [key for key in self._certs if key["kid"] not in self._withdrawn]}

    @contextmanager
    def without(self, kid: str) -> Iterator[None]:
        """The key set lacks this key within the block."""
        self._withdrawn.add(kid)
        try:
            yield
        finally:
            self._withdrawn.discard(kid)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a good token of Keycloak's shape, with these changes; one given as None is left out."""
        now = int(time.time())
        claims = {
            "exp": now + 300,
            "iat": now,
            "jti": "trrtcc:4b5f5d0a",
            "iss": self.issuer,
            "aud": [AUDIENCE, "account"],
            "sub": "alice",
            "typ": "Bearer",
            "azp": "orders-web",
            "acr": "1",
            "scope": "orders:read orders:list",
            "realm_access": {"roles": ["reader"]},
            "preferred_username": "alice",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self,
        payload: Any = None,
        *,
        key: str = "rsa",
        alg: str = "RS256",
        header: Any = None,
        kid: str | None = "",
        **changes: Any,
    ) -> str:
        """A token with a good signature of `key`, made as `alg`, over any header and payload.

        `header` is what to add to `alg`, `typ` and `kid`, or bytes in place of all of them. `kid` is by default
        the key's name; None is for none. `payload` is bytes or JSON in place of `claims(**changes)`.
        """
        head: Any = header
        if not isinstance(header, bytes):
            head = {"alg": alg, "typ": "JWT", "kid": kid or key, **(header or {})}
            if kid is None:
                del head["kid"]
        signing_input = f"{segment(head)}.{segment(self.claims(**changes) if payload is None else payload)}"
        return f"{signing_input}.{segment(self.signature(signing_input, key, alg))}"

    @staticmethod
    def signature(signing_input: str, key: str = "rsa", alg: str = "RS256") -> bytes:
        """The signature of `key` over the first two segments."""
        if key == "rsa-1024":
            weak: bytes = private_key(key).sign(signing_input.encode(), padding.PKCS1v15(), hashes.SHA256())
            return weak
        made: bytes = JWSRegistry.algorithms[alg].sign(signing_input.encode(), private_key(key))
        return made

    def with_claim(self, name: str, raw: str) -> str:
        """A token whose claim `name` is written as `raw`, which need not be JSON."""
        rest = json.dumps(self.claims(**{name: None}))
        return self.token(f'{rest[:-1]}, "{name}": {raw}}}'.encode())

    def hmac(self, secret: bytes, alg: str = "HS256", kid: str | None = "rsa") -> str:
        """A token whose MAC is over `secret`."""
        header = {"alg": alg, "typ": "JWT", **({} if kid is None else {"kid": kid})}
        signing_input = f"{segment(header)}.{segment(self.claims())}"
        return f"{signing_input}.{segment(hmac.digest(secret, signing_input.encode(), 'sha' + alg[2:]))}"

    def with_exponent_1(self) -> str:
        """A token under the key whose exponent is 1: its signature is the padded digest, which anybody can write."""
        signing_input = f"{segment({'alg': 'RS256', 'kid': 'rsa-exponent-1'})}.{segment(self.claims())}"
        digest = _DIGEST_INFO + hashlib.sha256(signing_input.encode()).digest()
        encoded = b"\x00\x01" + b"\xff" * (256 - 3 - len(digest)) + b"\x00" + digest
        return f"{signing_input}.{segment(encoded)}"

    def altered(self, part: int, change: Callable[[str], str], **options: Any) -> str:
        """A good token of which one part was changed afterwards."""
        parts = self.token(**options).split(".")
        parts[part] = change(parts[part])
        return ".".join(parts)


@contextmanager
def forging() -> Iterator[Forge]:
    """A forge, with all its listeners, for the length of the block."""
    with ExitStack() as stack:
        yield Forge(stack.enter_context(DevRealm(DEMO_REALM_FILE)), stack)


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)
