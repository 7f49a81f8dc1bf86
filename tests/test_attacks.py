"""Attacks on a resource server, A1 to A45: each one in process, and through real servers."""

from __future__ import annotations

import base64
import contextlib
import gc
import json
import logging
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, repeat
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc import jwe
from joserfc.jwk import OctKey, RSAKey

from resource_protector import MultiRealmValidator, RealmTokenValidator, TokenRejected
from resource_protector.dev.compact import sign as dev_sign
from tests.benchmarks.verify import raw_verification
from tests.cache_size import cache_size
from tests.forge import AUDIENCE, SECRET, Forge, Listener, forging, private_key, segment
from tests.polling import Clock, eventually
from tests.raw_http import DOORS, HTTP_DOORS, IN_PROCESS, SERVERS, Answer, Doors, open_doors

MAX_TOKEN = 16_384
MAX_HEADER = 1_024
MAX_SIGNATURE = 1_050  # bytes; an RSA key of 8,192 bits makes 1,024
MAX_DEPTH = 32
LEEWAY = 30
COOLDOWN_SECONDS = 10
INJECTION = 'x"\r\nSet-Cookie: a=b\r\n\r\nERROR root: forged\\\x00\x1b[31m\u2028\u00e9'

# As http-answers.md has it: written out here, because this is what clients see.
UNVERIFIABLE = "The signature of the access token could not be verified"
SENTENCES = {
    "malformed_request": "The request must carry exactly one bearer token",
    "malformed": "The access token is malformed",
    "expired": "The access token expired",
    "not_yet_valid": "The access token is not valid yet",
    "issuer": "The access token was issued by another issuer",
    "algorithm": UNVERIFIABLE,
    "unknown_key": UNVERIFIABLE,
    "signature": UNVERIFIABLE,
    "audience": "The access token is not meant for this API",
    "token_type": "The token is not a bearer access token",
    "bound": "The token is bound to a key and was sent without proof",
    "missing_claim": "The access token lacks a required claim",
    "lightweight": "The access token cannot be checked by this API",
    "insufficient_scope": "The access token lacks a scope that this needs",
    "insufficient_role": "The access token lacks a role that this needs",
}
CODES = {"malformed_request": (400, "invalid_request"), "insufficient_scope": (403, "insufficient_scope")}
# Only these may make the realm be asked again, once per cooldown and always at the configured address.
WORTH_A_RELOAD = {"unknown_key", "signature"}


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """The servers, started once."""
    with forging() as forge, open_doors(forge, tmp_path_factory.mktemp("doors")) as opened:
        yield opened


@pytest.fixture
def forge(doors: Doors) -> Forge:
    """The realm behind all of them."""
    return doors.forge


Make = Callable[[Forge], str]


@dataclass(frozen=True)
class Attack:
    """A token, and for which reason it is refused.

    `as_request` is the reason where HTTP cannot carry it as a bearer token at all; `too_long` is for what a
    server may refuse by itself, with 400 or 431.
    """

    make: Make
    reason: str
    path: str = "/private"
    as_request: str | None = None
    too_long: bool = False
    doors: tuple[str, ...] = DOORS


def decoded(text: str) -> bytes:
    """The bytes of a segment."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def token(**options: Any) -> Make:
    """A token with a good signature of the realm's key, and something else wrong with it."""
    return lambda forge: forge.token(**options)


def claim(name: str, raw: str) -> Make:
    """Good but for one claim, written as it stands."""
    return lambda forge: forge.with_claim(name, raw)


def altered(part: int, change: Callable[[str], str], **options: Any) -> Make:
    """A good token, changed afterwards."""
    return lambda forge: forge.altered(part, change, **options)


def payload(raw: bytes) -> Make:
    """A good signature over these bytes."""
    return lambda forge: forge.token(raw)


def claims_then(raw: bytes) -> Make:
    """A good signature over good claims, of which these bytes are the end."""
    return lambda forge: forge.token(json.dumps(forge.claims())[:-1].encode() + raw)


def encoded_as(encoding: str) -> Make:
    """A good signature over good claims in another encoding."""
    return lambda forge: forge.token(json.dumps(forge.claims()).encode(encoding))


def ending(end: str) -> Make:
    """A good token with something after it."""
    return lambda forge: forge.token() + end


def without_signature(alg: str) -> Make:
    """Good claims that say that they need no signature."""
    return lambda forge: f"{segment({'alg': alg})}.{segment(forge.claims())}."


def hmac_over(form: str, alg: str, kid: str | None) -> Make:
    """A MAC whose secret is the realm's public key."""
    return lambda forge: forge.hmac(public_of("rsa", form), alg, kid)


def header(raw: bytes) -> Make:
    """A good signature below these bytes."""
    return lambda forge: forge.token(header=raw)


def es256_signed(signature: Callable[[bytes], bytes]) -> Make:
    """An ES256 token whose good signature was made into something else."""

    def make(forge: Forge) -> str:
        good = forge.token(key="p256", alg="ES256")
        signed = good.rpartition(".")[0]
        return f"{signed}.{segment(signature(Forge.signature(signed, 'p256', 'ES256')))}"

    return make


def as_der(raw: bytes) -> bytes:
    """The same signature as ASN.1, as other protocols have it."""
    return encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))


def public_of(name: str, form: str) -> bytes:
    """The realm's public key in a form that a server may have at hand."""
    key = private_key(name)
    if form == "JWK":
        return json.dumps(key.as_dict(private=False)).encode()
    if form == "JWK, sorted and compact":
        return json.dumps(key.as_dict(private=False), sort_keys=True, separators=(",", ":")).encode()
    if form == "modulus":
        return str(key.as_dict(private=False)["n"]).encode()
    encoding, layout = {
        "PEM": (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        "PEM, PKCS #1": (serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
        "DER": (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        "SSH": (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH),
    }[form]
    raw: bytes = key.public_key.public_bytes(encoding, layout)
    return raw


PUBLIC_FORMS = ("PEM", "PEM, PKCS #1", "DER", "JWK", "JWK, sorted and compact", "SSH", "modulus")


def own_certificate() -> str:
    """A certificate that the attacker has made, as a member of `x5c`."""
    key = private_key("attacker-p256").private_key
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    return base64.b64encode(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)).decode()


def by_attacker(key: str = "attacker", alg: str = "RS256", kid: str | None = "attacker", **members: Any) -> Make:
    """Signed with the attacker's key, whose public half the header offers."""
    return lambda forge: forge.token(
        key=key, alg=alg, kid=kid, header={name: _address(value, forge) for name, value in members.items()}
    )


def _address(value: Any, forge: Forge) -> Any:
    return value.format(trap=forge.trap.url) if isinstance(value, str) else value


def public_jwk(name: str) -> dict[str, Any]:
    """What a `jwk` member holds."""
    return dict(private_key(name).as_dict(private=False))


def encrypted(forge: Forge) -> str:
    """A good token, encrypted for the realm's own public key (RFC 7516)."""
    algorithms = ["RSA-OAEP", "A128GCM"]
    protected = {"alg": "RSA-OAEP", "enc": "A128GCM", "cty": "JWT", "kid": "rsa"}
    key = RSAKey.import_key(public_jwk("rsa"))
    return jwe.encrypt_compact(protected, forge.token(key="ed25519", alg="EdDSA").encode(), key, algorithms=algorithms)


def flattened(forge: Forge) -> str:
    """The JSON serialization of a good token (RFC 7515 section 7.2.2)."""
    protected, body, signature = forge.token().split(".")
    return json.dumps({"protected": protected, "payload": body, "signature": signature})


def general(forge: Forge) -> str:
    """Likewise, with a list of signatures (RFC 7515 section 7.2.1)."""
    protected, body, signature = forge.token().split(".")
    return json.dumps({"payload": body, "signatures": [{"protected": protected, "signature": signature}]})


def long_token(length: int) -> Make:
    """A good token of that many characters."""

    def make(forge: Forge) -> str:
        for pad in range(3):  # a segment of 4n + 1 characters cannot be, so the header gives way
            header = {"x": "x" * pad}
            fill = (length - len(forge.token(header=header, filler=""))) * 3 // 4
            for more in range(3):
                made = forge.token(header=header, filler="x" * (fill + more))
                if len(made) == length:
                    return made
        raise AssertionError("there is no such token")

    return make


def with_header_of(length: int) -> Make:
    """A good token whose header segment has that many characters."""
    raw = json.dumps({"alg": "RS256", "kid": "rsa", "x": ""}).encode()
    size = length * 3 // 4
    return header(raw[:-2] + b"x" * (size - len(raw)) + raw[-2:])


def nested(levels: int, opening: str = "[", closing: str = "]") -> str:
    """JSON of that many levels."""
    return opening * levels + "1" + closing * levels


def in_time(**seconds: float) -> Make:
    """A token whose dates are so far from now."""

    def make(forge: Forge) -> str:
        dates: dict[str, Any] = {name: time.time() + offset for name, offset in seconds.items()}
        return forge.token(**dates)

    return make


def from_dev_realm(kind: str, **changes: Any) -> Make:
    """What the realm itself issues beside access tokens, for this API."""

    def make(forge: Forge) -> str:
        answer = forge.realm.token_response(
            user="alice", scope="openid offline_access" if kind == "offline" else "openid"
        )
        name = "refresh_token" if kind == "offline" else kind
        issued: str = answer[name]
        if not changes:
            return issued
        claims = json.loads(decoded(issued.split(".")[1]))
        merged = {**claims, **changes}
        return forge.token({key: value for key, value in merged.items() if value is not None})

    return make


def signed_by_secret(kind: str) -> Make:
    """A token that only the realm itself can check, as its refresh tokens are."""

    def make(forge: Forge) -> str:
        key = OctKey.import_key(b"k" * 64)
        return dev_sign({"alg": "HS512", "typ": "JWT", "kid": "rsa"}, forge.claims(typ=kind), key)

    return make


def logout_token(**options: Any) -> Make:
    """OpenID Connect Back-Channel Logout 1.0 section 2.4."""
    events: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}
    return token(**{"header": {"typ": "logout+jwt"}, "typ": "Logout", "events": events, "sid": "1", **options})


def another_realm(kid: str | None = "theirs", **options: Any) -> Make:
    """A token of the realm beside ours, signed with a key that ours does not have."""
    return lambda forge: forge.token(**{"key": "attacker", "kid": kid, "iss": f"{forge.issuer}-beside", **options})


def issuer(change: Callable[[str], Any]) -> Make:
    """A good signature over another spelling of the issuer."""
    return lambda forge: forge.token(iss=change(forge.issuer))


def flat(raw: bytes) -> str:
    """A short name for bytes."""
    return repr(raw)[2:40]


DUPLICATES = json.dumps({"alg": "RS256", "kid": "rsa"}).encode()

ATTACKS = [
    # The algorithm
    *(
        pytest.param(Attack(header(json.dumps({"alg": alg, "kid": "rsa"}).encode()), "algorithm"), id=f"A1 alg {alg!r}")
        for alg in ("none", "None", "nOnE", "", " none", "RS256 ", "rs256", "RS265", 5, True, ["RS256"], None, {"a": 1})
    ),
    pytest.param(Attack(header(b'{"kid":"rsa"}'), "algorithm"), id="A1 no alg"),
    *(
        pytest.param(
            Attack(without_signature(alg), "algorithm"),
            id=f"A1 alg {alg!r}, unsigned",
        )
        for alg in ("none", "None", "nOnE", "NONE", "")
    ),
    pytest.param(
        Attack(lambda forge: f"{segment({'alg': 'RS256', 'kid': 'rsa'})}.{segment(forge.claims())}.", "signature"),
        id="A1 alg RS256, unsigned",
    ),
    # The form
    pytest.param(Attack(altered(1, lambda s: s[:-8] + s[-8:].swapcase()), "signature"), id="A2 tampered payload"),
    pytest.param(
        Attack(altered(0, lambda s: segment({"alg": "RS256", "kid": "rsa"})), "signature"), id="A2 tampered header"
    ),
    pytest.param(Attack(altered(2, lambda s: "A" * len(s)), "signature"), id="A2 tampered signature"),
    pytest.param(Attack(altered(2, lambda s: segment(decoded(s)[:-1])), "signature"), id="A2 a signature cut short"),
    pytest.param(
        Attack(altered(2, lambda s: segment(decoded(s) + b"x")), "signature"), id="A2 a signature of one byte more"
    ),
    pytest.param(Attack(altered(2, lambda s: ""), "signature"), id="A2 empty signature"),
    pytest.param(Attack(altered(0, lambda s: ""), "malformed"), id="A2 empty header"),
    pytest.param(Attack(altered(1, lambda s: ""), "signature"), id="A2 empty payload"),
    pytest.param(Attack(payload(b""), "malformed"), id="A2 empty payload, signed"),
    pytest.param(Attack(lambda forge: "..", "malformed"), id="A2 nothing but dots"),
    pytest.param(Attack(lambda forge: forge.token().split(".")[0], "malformed"), id="A2 1 part"),
    pytest.param(Attack(lambda forge: forge.token().rpartition(".")[0], "malformed"), id="A2 2 parts"),
    pytest.param(Attack(lambda forge: forge.token() + ".x", "malformed"), id="A2 4 parts"),
    pytest.param(Attack(lambda forge: forge.token() + ".", "malformed"), id="A2 4 parts, the last one empty"),
    pytest.param(Attack(lambda forge: "." + forge.token(), "malformed"), id="A2 4 parts, the first one empty"),
    pytest.param(Attack(lambda forge: forge.token() + ".x.y", "malformed"), id="A2 5 parts"),
    *(pytest.param(Attack(ending("=" * n), "malformed"), id=f"A2 padding {'=' * n}") for n in (1, 2)),
    pytest.param(
        Attack(altered(0, lambda s: s + "="), "malformed", as_request="malformed_request"),
        id="A2 padding of the header",
    ),
    pytest.param(
        Attack(
            lambda forge: (
                forge.token(key="p256", alg="ES256", x="\u00ff" * 90).replace("_", "/").replace("-", "+") + "+/AA"
            ),
            "malformed",
        ),
        id="A2 the alphabet of base64",
    ),
    pytest.param(Attack(altered(2, lambda s: "+" + s[1:]), "malformed"), id="A2 one character of that alphabet"),
    *(
        pytest.param(
            Attack(ending(end), "malformed", as_request="malformed_request", doors=IN_PROCESS),
            id=f"A2 {end!r} at the end",
        )
        for end in ("\n", "\r\n", " ", "\x00")
    ),
    pytest.param(
        Attack(altered(2, lambda s: s[:100] + "~" + s[101:]), "malformed"), id="A2 a character of no alphabet"
    ),
    pytest.param(
        Attack(altered(2, lambda s: s[:-1] + chr(ord(s[-1]) + 1), key="p256", alg="ES256"), "malformed"),
        id="A2 slack bits",
    ),
    # HMAC with what is public
    *(
        pytest.param(
            Attack(hmac_over(form, alg, kid), "algorithm"),
            id=f"A3 {alg} over the realm's public key as {form}" + ("" if kid else ", no kid"),
        )
        for form in PUBLIC_FORMS
        for alg, kid in (("HS256", "rsa"), ("HS512", "rsa"), ("HS256", None))
    ),
    pytest.param(
        Attack(lambda forge: forge.hmac(SECRET, kid="oct"), "algorithm"), id="A4 HS256 with an oct key of the set"
    ),
    pytest.param(
        Attack(lambda forge: forge.hmac(b"", kid="oct-empty"), "algorithm"), id="A4 HS256 with an empty key of the set"
    ),
    pytest.param(Attack(lambda forge: forge.hmac(b"", kid="rsa"), "algorithm"), id="A4 HS256 with an empty key"),
    pytest.param(Attack(lambda forge: forge.hmac(b"", kid=None), "algorithm"), id="A4 HS256 with an empty key, no kid"),
    pytest.param(Attack(token(kid="oct"), "unknown_key"), id="A4 RS256 under an oct key's kid"),
    pytest.param(Attack(token(kid="oct-as-rs256"), "unknown_key"), id="A4 RS256 under an oct key that says RS256"),
    # Keys that the token brings along
    pytest.param(
        Attack(by_attacker("attacker-p256", "ES256", jwk=public_jwk("attacker-p256")), "unknown_key"), id="A5 jwk"
    ),
    pytest.param(
        Attack(by_attacker("attacker-p256", "ES256", "p256", jwk=public_jwk("attacker-p256")), "signature"),
        id="A5 jwk under a kid of the realm",
    ),
    pytest.param(
        Attack(by_attacker("attacker-p256", "ES256", None, jwk=public_jwk("attacker-p256")), "signature"),
        id="A5 jwk, no kid",
    ),
    pytest.param(Attack(by_attacker(kid="rsa", jwk=public_jwk("attacker")), "signature"), id="A5 an RSA jwk"),
    *(
        pytest.param(Attack(by_attacker(kid=kid, **{member: "{trap}/keys"}), reason), id=f"A6 {member}, {says}")
        for member in ("jku", "x5u")
        for kid, reason, says in (
            ("attacker", "unknown_key", "unknown kid"),
            ("rsa", "signature", "a kid of the realm"),
            (None, "signature", "no kid"),
        )
    ),
    pytest.param(
        Attack(by_attacker("attacker-p256", "ES256", "attacker", x5c=[own_certificate()]), "unknown_key"), id="A6 x5c"
    ),
    pytest.param(
        Attack(by_attacker("attacker-p256", "ES256", "p256", x5c=[own_certificate()]), "signature"),
        id="A6 x5c under a kid of the realm",
    ),
    # The key's name
    *(
        pytest.param(Attack(token(key="attacker", kid=kid), "unknown_key"), id=f"A7 kid is {says}")
        for says, kid in {
            "a path": "../../../../etc/passwd",
            "a path, encoded": "..%2f..%2fetc%2fpasswd",
            "SQL": "' UNION SELECT 'secret' --",
            "NUL": "rsa\x00",
            "a command": "|/bin/sh -c id",
            "blank": " ",
            "another case": "RSA",
            "a template": "{{7*7}}%s%n${jndi:ldap://x}",
            "long": "k" * 600,
            "an injection": INJECTION,
        }.items()
    ),
    pytest.param(
        Attack(lambda forge: forge.token(key="attacker", kid=f"{forge.trap.url}/jwks"), "unknown_key"),
        id="A7 kid is a URL",
    ),
    pytest.param(Attack(header(b'{"alg":"RS256","kid":""}'), "unknown_key"), id="A7 kid is empty"),
    pytest.param(Attack(token(kid="k" * 10_240), "malformed", too_long=True), id="A7 kid of 10 kB"),
    *(
        pytest.param(Attack(token(header={"kid": kid}), "malformed"), id=f"A7 kid {kid!r}")
        for kid in (5, 1.5, True, None, ["rsa"], {"kid": "rsa"})
    ),
    # Extensions
    *(
        pytest.param(Attack(token(header={"crit": crit, "exp": 1, "x": 1}), "malformed"), id=f"A10 crit {crit!r}")
        for crit in (
            ["x"],
            ["exp"],
            ["alg"],
            ["b64"],
            ["absent"],
            [],
            [""],
            [5],
            [None],
            [["x"]],
            "x",
            "",
            5,
            True,
            None,
            {"x": 1},
        )
    ),
    *(
        pytest.param(Attack(token(header={"b64": b64}), "malformed"), id=f"A11 b64 {b64!r}")
        for b64 in (False, True, None, "false", 0)
    ),
    *(
        pytest.param(Attack(token(header={"b64": b64, "crit": ["b64"]}), "malformed"), id=f"A11 b64 {b64!r} and crit")
        for b64 in (False, True)
    ),
    # Elliptic curves
    pytest.param(Attack(es256_signed(lambda raw: bytes(64)), "signature"), id="A12 ES256 with r = s = 0"),
    pytest.param(Attack(es256_signed(lambda raw: bytes(32) + raw[32:]), "signature"), id="A12 r = 0"),
    pytest.param(Attack(es256_signed(lambda raw: raw[:32] + bytes(32)), "signature"), id="A12 s = 0"),
    pytest.param(Attack(es256_signed(lambda raw: b"\xff" * 64), "signature"), id="A12 r and s above the order"),
    pytest.param(Attack(es256_signed(as_der), "signature"), id="A12 DER"),
    pytest.param(Attack(es256_signed(lambda raw: raw[:63]), "signature"), id="A12 63 bytes"),
    pytest.param(Attack(es256_signed(lambda raw: raw + b"\x00"), "signature"), id="A12 65 bytes"),
    pytest.param(
        Attack(es256_signed(lambda raw: bytes(16) + raw[:32] + bytes(16) + raw[32:]), "signature"),
        id="A12 96 bytes, padded",
    ),
    pytest.param(Attack(es256_signed(lambda raw: raw[32:] + raw[:32]), "signature"), id="A12 r and s exchanged"),
    pytest.param(
        Attack(token(key="p384", alg="ES384", header={"alg": "ES256"}), "algorithm"), id="A12 ES256 under a P-384 key"
    ),
    pytest.param(
        Attack(altered(2, lambda s: segment(bytes(64)), key="ed25519", alg="EdDSA"), "signature"),
        id="A12 EdDSA of nothing",
    ),
    # What a key is for
    pytest.param(Attack(token(alg="RS384"), "algorithm"), id="A15 RS384 with a key for RS256"),
    pytest.param(Attack(token(alg="PS256"), "algorithm"), id="A15 PS256 with a key for RS256"),
    pytest.param(Attack(token(kid="rsa-pss"), "algorithm"), id="A15 RS256 with a key for PS256"),
    pytest.param(Attack(token(kid="p256"), "algorithm"), id="A15 RS256 with an EC key"),
    pytest.param(Attack(token(key="p256", alg="ES256", kid="rsa-any"), "algorithm"), id="A15 ES256 with an RSA key"),
    pytest.param(Attack(token(key="ed25519", alg="EdDSA", kid="p256"), "algorithm"), id="A15 EdDSA with an EC key"),
    pytest.param(Attack(token(kid="rsa-for-encryption"), "unknown_key"), id="A15 use: enc"),
    pytest.param(Attack(token(kid="rsa-for-wrapping"), "unknown_key"), id="A15 alg: RSA-OAEP"),
    pytest.param(Attack(token(kid="rsa-to-sign"), "unknown_key"), id="A15 key_ops: sign"),
    pytest.param(Attack(token(kid="rsa-to-encrypt"), "unknown_key"), id="A15 key_ops: encrypt, wrapKey"),
    pytest.param(Attack(token(key="rsa-1024"), "unknown_key"), id="A16 RSA of 1024 bits"),
    pytest.param(Attack(lambda forge: forge.with_exponent_1(), "unknown_key"), id="A17 e = 1"),
    pytest.param(
        Attack(token(kid="rsa-16400"), "unknown_key"),
        id="A17 a modulus of 16,400 bits",
    ),
    # Size
    pytest.param(Attack(long_token(MAX_TOKEN + 1), "malformed", too_long=True), id="A20 16,385 characters, signed"),
    pytest.param(
        Attack(lambda forge: "A" * (MAX_TOKEN + 1), "malformed", too_long=True), id="A20 16,385 characters, one part"
    ),
    pytest.param(Attack(lambda forge: "A" * 60_000, "malformed", too_long=True), id="A20 60,000 characters"),
    pytest.param(Attack(lambda forge: "A" * 200_000, "malformed", too_long=True), id="A20 200,000 characters"),
    pytest.param(Attack(lambda forge: "." * 10_000, "malformed", too_long=True), id="A20 10,000 dots"),
    pytest.param(Attack(with_header_of(MAX_HEADER + 2), "malformed"), id="A20 a header of 1,026 characters, signed"),
    pytest.param(
        Attack(altered(2, lambda s: segment(bytes(MAX_SIGNATURE))), "signature"),
        id="A20 a signature of 1,400 characters",
    ),
    pytest.param(
        Attack(altered(2, lambda s: segment(bytes(MAX_SIGNATURE + 1))), "malformed"),
        id="A20 a signature of 1,402 characters",
    ),
    pytest.param(Attack(claim("x", nested(MAX_DEPTH)), "malformed"), id="A20 a payload of 33 levels, signed"),
    pytest.param(
        Attack(claim("x", nested(MAX_DEPTH, '{"a":', "}")), "malformed"), id="A20 a payload of 33 objects, signed"
    ),
    pytest.param(Attack(claim("x", nested(2_500)), "malformed"), id="A20 a payload of 2,500 levels, signed"),
    pytest.param(Attack(claim("x", "[" * 4_000), "malformed"), id="A20 a payload that never closes, signed"),
    pytest.param(
        Attack(altered(1, lambda s: segment(b"[" * 4_000)), "signature"), id="A20 a payload that never closes, unsigned"
    ),
    pytest.param(
        Attack(header(b'{"alg":"RS256","kid":"rsa","x":' + nested(MAX_DEPTH).encode() + b"}"), "malformed"),
        id="A20 a header of 33 levels, signed",
    ),
    pytest.param(Attack(header(b'{"alg":"RS256","x":' + b"[" * 700), "malformed"), id="A20 a header that never closes"),
    # Other forms of tokens
    pytest.param(Attack(encrypted, "malformed"), id="A21 a JWE for the realm's own key"),
    pytest.param(Attack(lambda forge: "a.b.c.d.e", "malformed"), id="A21 five parts"),
    *(
        pytest.param(
            Attack(token(header={"alg": alg, "enc": "A128GCM"}), "algorithm"), id=f"A21 alg {alg} in a signed token"
        )
        for alg in ("dir", "RSA-OAEP", "RSA1_5", "A128KW", "ECDH-ES", "PBES2-HS256+A128KW")
    ),
    pytest.param(
        Attack(lambda forge: forge.token(forge.token().encode(), header={"cty": "JWT"}), "malformed"),
        id="A21 a token in a token",
    ),
    pytest.param(
        Attack(
            lambda forge: forge.token(zlib.compress(json.dumps(forge.claims()).encode())[2:-4], header={"zip": "DEF"}),
            "malformed",
        ),
        id="A21 a compressed payload",
    ),
    pytest.param(Attack(flattened, "malformed", as_request="malformed_request"), id="A22 flattened JSON"),
    pytest.param(Attack(general, "malformed", as_request="malformed_request"), id="A22 general JSON"),
    pytest.param(Attack(lambda forge: segment(flattened(forge).encode()), "malformed"), id="A22 JSON in base64url"),
    # Dates
    *(
        pytest.param(Attack(claim(name, raw), reason), id=f"{row} {name} {raw[:20]}{says}")
        for row, name in (("A23", "exp"), ("A24", "nbf"), ("A24", "iat"))
        for raw, reason, says in (
            ("NaN", "malformed", ""),
            ("Infinity", "malformed", ""),
            ("-Infinity", "malformed", ""),
            ("9" * 5_000, "malformed", " (5,000 digits)"),
            ("9" * 4_000, "missing_claim", " (4,000 digits)"),
            ("1e400", "missing_claim", ""),
            ("-1e400", "missing_claim", ""),
            ("9007199254740992", "missing_claim", ""),
            ("true", "missing_claim", ""),
            ("false", "missing_claim", ""),
            ('"123"', "missing_claim", ""),
            ('"4102444800"', "missing_claim", ""),
            ('""', "missing_claim", ""),
            ("[4102444800]", "missing_claim", ""),
            ("{}", "missing_claim", ""),
            ("null", "missing_claim", ""),
            ("0x7fffffff", "malformed", ""),
            ("+4102444800", "malformed", ""),
        )
    ),
    *(pytest.param(Attack(claim("exp", raw), "expired"), id=f"A23 exp {raw}") for raw in ("0", "-1", "1.5", "-0.0")),
    pytest.param(Attack(token(exp=None), "missing_claim"), id="A23 exp absent"),
    pytest.param(Attack(token(iat=None), "missing_claim"), id="A24 iat absent"),
    pytest.param(Attack(in_time(exp=-LEEWAY - 1), "expired"), id="A23 exp just beyond the leeway"),
    pytest.param(Attack(in_time(nbf=LEEWAY + 20), "not_yet_valid"), id="A24 nbf beyond the leeway"),
    pytest.param(Attack(in_time(iat=LEEWAY + 20), "not_yet_valid"), id="A24 iat beyond the leeway"),
    # The issuer
    *(
        pytest.param(Attack(issuer(change), reason), id=f"A25 iss {says}")
        for says, change, reason in (
            ("in a list", lambda iss: [iss], "missing_claim"),
            ("in an object", lambda iss: {"iss": iss}, "missing_claim"),
            ("a number", lambda iss: 5, "missing_claim"),
            ("absent", lambda iss: None, "missing_claim"),
            ("empty", lambda iss: "", "issuer"),
            ("a prefix", lambda iss: iss[:-1], "issuer"),
            ("with a suffix", lambda iss: iss + "x", "issuer"),
            ("with a slash at the end", lambda iss: iss + "/", "issuer"),
            ("in another case", lambda iss: iss.replace("http", "HTTP"), "issuer"),
            ("in another case of the path", lambda iss: iss.replace("myorg", "MyOrg"), "issuer"),
            ("of another realm", lambda iss: iss.replace("myorg", "other"), "issuer"),
            ("of another scheme", lambda iss: iss.replace("http:", "https:"), "issuer"),
            ("of another name of the host", lambda iss: iss.replace("127.0.0.1", "localhost"), "issuer"),
            ("with white space", lambda iss: f" {iss}", "issuer"),
            ("with a dot segment", lambda iss: iss.replace("/realms", "/./realms"), "issuer"),
            ("with a query", lambda iss: iss + "?", "issuer"),
            ("and NUL", lambda iss: iss + "\x00", "issuer"),
        )
    ),
    pytest.param(Attack(claim("iss", "null"), "missing_claim"), id="A25 iss null"),
    # The audience
    *(
        pytest.param(Attack(claim("aud", json.dumps(aud)), reason), id=f"A26 aud {aud!r}")
        for aud, reason in (
            ("orders-api-2", "audience"),
            ("my-orders-api", "audience"),
            ("orders", "audience"),
            ("ORDERS-API", "audience"),
            ("orders-api ", "audience"),
            ("account orders-api", "audience"),
            ("account,orders-api", "audience"),
            ("*", "audience"),
            ("", "audience"),
            ("account", "audience"),
            (["account"], "audience"),
            (["billing-api", "account"], "audience"),
            ([], "audience"),
            ({"orders-api": True}, "missing_claim"),
            ([["orders-api"]], "missing_claim"),
            (["orders-api", 5], "missing_claim"),
            (["orders-api", None], "missing_claim"),
            ([{"orders-api": 1}, "orders-api"], "missing_claim"),
            (5, "missing_claim"),
            (True, "missing_claim"),
            (None, "missing_claim"),
        )
    ),
    pytest.param(Attack(token(aud=None), "missing_claim"), id="A26 aud missing"),
    # What the payload is
    *(
        pytest.param(Attack(payload(raw), "malformed"), id=f"A27 payload {flat(raw)}")
        for raw in (
            b"[]",
            b'["iss"]',
            b'"text"',
            b"5",
            b"null",
            b"true",
            b"{",
            b"{}x",
            b"{'a':1}",
            b'{"a":1,}',
            b"\xff\xfe",
        )
    ),
    *(
        pytest.param(
            Attack(encoded_as(encoding), "malformed"),
            id=f"A27 {encoding}",
        )
        for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp037")
    ),
    *(
        pytest.param(
            Attack(
                claims_then(b',"x":"' + raw + b'"}'),
                "malformed",
            ),
            id=f"A27 {says}",
        )
        for says, raw in {
            "an invalid byte": b"\xff",
            "Latin-1": b"caf\xe9",
            "an overlong NUL": b"\xc0\x80",
            "an encoded surrogate": b"\xed\xa0\x80",
            "half a surrogate pair": b"\\ud800",
            "the other half": b"\\udc00",
            "a raw control character": b"\x01",
            "a raw line break": b"\n",
        }.items()
    ),
    pytest.param(Attack(payload(b'{"\\ud800":1}'), "malformed"), id="A27 half a pair in a name"),
    # Duplicate members
    pytest.param(Attack(header(DUPLICATES[:-1] + b',"alg":"RS256"}'), "malformed"), id="A28 alg twice, alike"),
    pytest.param(Attack(header(DUPLICATES[:-1] + b',"alg":"none"}'), "malformed"), id="A28 alg twice"),
    pytest.param(Attack(header(DUPLICATES[:-1] + b',"kid":"other"}'), "malformed"), id="A28 kid twice"),
    pytest.param(
        Attack(header(DUPLICATES[:-1] + b',"\\u0061lg":"none"}'), "malformed"), id="A28 alg twice, once escaped"
    ),
    pytest.param(
        Attack(header(DUPLICATES[:-1] + b',"x":{"a":1,"a":1}}'), "malformed"), id="A28 twice inside the header"
    ),
    *(
        pytest.param(
            Attack(claims_then(raw), "malformed"),
            id=f"A28 {says}",
        )
        for says, raw in {
            "sub twice": b',"sub":"root"}',
            "sub twice, alike": b',"sub":"alice"}',
            "exp twice": b',"exp":4102444800}',
            "aud twice": b',"aud":"orders-api"}',
            "scope twice, once escaped": b',"scop\\u0065":"admin"}',
            "a role twice": b',"x":{"y":[{"z":1,"z":2}]}}',
        }.items()
    ),
    # Tokens that are no access tokens
    pytest.param(Attack(from_dev_realm("id_token"), "token_type"), id="A29 an ID token"),
    pytest.param(Attack(token(typ="ID", nonce="n", at_hash="h"), "token_type"), id="A29 an ID token for this API"),
    pytest.param(Attack(token(typ=None, nonce="n"), "token_type"), id="A29 an ID token without claim typ"),
    pytest.param(
        Attack(from_dev_realm("id_token", typ=None, aud=AUDIENCE), "token_type"),
        id="A29 an ID token of the realm without claim typ",
    ),
    *(
        pytest.param(
            Attack(token(**{"typ": None, mark: "x"}), "token_type", "/untyped"),
            id=f"A29 {mark}, where untyped tokens are accepted",
        )
        for mark in ("nonce", "at_hash", "c_hash")
    ),
    pytest.param(Attack(token(typ="ID"), "token_type", "/untyped"), id="A29 typ ID, where untyped tokens are accepted"),
    pytest.param(
        Attack(token(typ=None, header={"typ": "at+jwt"}, nonce="n"), "token_type"),
        id="A29 an ID token that says at+jwt",
    ),
    pytest.param(
        Attack(token(typ="ID", header={"typ": "at+jwt"}), "token_type"), id="A29 at+jwt in the header, ID in the claims"
    ),
    pytest.param(
        Attack(
            lambda forge: forge.token({"iss": forge.issuer, "aud": AUDIENCE, "sub": "alice", "email": "a@b"}),
            "token_type",
        ),
        id="A29 a signed userinfo response",
    ),
    *(
        pytest.param(Attack(token(typ=typ), "token_type"), id=f"A29 typ {typ!r}")
        for typ in (
            "",
            "bearer",
            "Bearer ",
            "JWT",
            "Serialized-ID",
            "Initial-Access-Token",
            "RegistrationAccessToken",
            5,
            True,
            ["Bearer"],
            {"Bearer": 1},
        )
    ),
    pytest.param(Attack(claim("typ", "null"), "token_type"), id="A29 typ null"),
    *(
        pytest.param(Attack(token(header={"typ": typ}), "token_type"), id=f"A29 header typ {typ!r}")
        for typ in ("dpop+jwt", "secevent+jwt", "kb+jwt", "oauth-authz-req+jwt", "token-introspection+jwt", "JOSE")
    ),
    pytest.param(Attack(token(header={"typ": ""}), "token_type"), id="A29 header typ ''"),
    *(
        pytest.param(Attack(token(header={"typ": typ}), "malformed"), id=f"A29 header typ {typ!r}")
        for typ in (5, None, ["JWT"], {"a": 1})
    ),
    pytest.param(Attack(from_dev_realm("refresh_token"), "algorithm"), id="A30 a refresh token"),
    pytest.param(Attack(signed_by_secret("Refresh"), "algorithm"), id="A30 a refresh token for this API"),
    pytest.param(Attack(signed_by_secret("Offline"), "algorithm"), id="A30 an offline token"),
    pytest.param(Attack(token(typ="Refresh"), "token_type"), id="A30 a refresh token, signed RS256"),
    pytest.param(Attack(token(typ="Offline"), "token_type"), id="A30 an offline token, signed RS256"),
    pytest.param(Attack(logout_token(), "token_type"), id="A30 a logout token"),
    pytest.param(Attack(logout_token(header=None), "token_type"), id="A30 a logout token without header typ"),
    pytest.param(Attack(logout_token(typ=None), "token_type"), id="A30 a logout token without claim typ"),
    pytest.param(Attack(logout_token(typ="Bearer"), "token_type"), id="A30 a logout token that says Bearer"),
    # Other realms
    pytest.param(Attack(another_realm(), "issuer"), id="A31 another realm's token"),
    pytest.param(Attack(another_realm(kid="rsa"), "issuer"), id="A31 under a kid of this realm"),
    pytest.param(Attack(another_realm(kid=None), "issuer"), id="A31 without kid"),
    pytest.param(Attack(another_realm(key="rsa", kid="rsa"), "issuer"), id="A31 with this realm's key"),
    pytest.param(Attack(another_realm(), "issuer", "/unreachable"), id="A31 where no keys were ever loaded"),
    pytest.param(
        Attack(lambda forge: forge.token(key="attacker", kid="x", iss=forge.trap.url), "issuer", "/several"),
        id="A32 iss names the attacker's host",
    ),
    pytest.param(
        Attack(lambda forge: forge.token(iss=forge.trap.url), "issuer", "/several"),
        id="A32 the attacker's host and a key of the realm",
    ),
    pytest.param(
        Attack(lambda forge: forge.token(iss=f"{forge.issuer}-other/../myorg"), "issuer", "/several"),
        id="A32 iss is a path",
    ),
    pytest.param(
        Attack(lambda forge: forge.token(iss=[forge.issuer]), "missing_claim", "/several"), id="A32 iss is a list"
    ),
    pytest.param(Attack(token(iss=None), "missing_claim", "/several"), id="A32 iss absent"),
    pytest.param(Attack(token(iss={"a": 1}), "missing_claim", "/several"), id="A32 iss is an object"),
    # Proof of possession
    *(
        pytest.param(Attack(token(cnf=cnf), "bound"), id=f"A38 cnf {cnf!r}")
        for cnf in ({"jkt": "x"}, {"x5t#S256": "x"}, {"jwk": "x"}, "x", 5)
    ),
    pytest.param(Attack(claim("cnf", "null"), "bound"), id="A38 cnf null"),
    pytest.param(Attack(token(typ="DPoP"), "bound"), id="A38 typ DPoP"),
    # Scopes
    *(
        pytest.param(Attack(claim(name, raw), "malformed"), id=f"A39 {name} {raw}")
        for name in ("scope", "scp")
        for raw in ("5", "true", "null", "{}", '{"orders:read":1}', '["orders:read",5]', '[["orders:read"]]', "[null]")
    ),
    # What reaches a header or the log
    pytest.param(Attack(token(iss=INJECTION), "issuer"), id="A40 iss"),
    pytest.param(Attack(token(aud=INJECTION), "audience"), id="A40 aud"),
    pytest.param(Attack(token(aud=[INJECTION] * 50), "audience"), id="A40 aud, fifty times"),
    pytest.param(Attack(token(typ=INJECTION), "token_type"), id="A40 typ"),
    pytest.param(Attack(token(header={"typ": INJECTION}), "token_type"), id="A40 header typ"),
    pytest.param(Attack(token(header={"alg": INJECTION}), "algorithm"), id="A40 alg"),
    pytest.param(Attack(token(header={"alg": [INJECTION]}), "algorithm"), id="A40 alg in a list"),
    pytest.param(Attack(token(sub=[INJECTION]), "missing_claim"), id="A40 sub in a list"),
    pytest.param(Attack(token(exp=INJECTION), "missing_claim"), id="A40 exp"),
    pytest.param(Attack(token(scope=[INJECTION, 5]), "malformed"), id="A40 scope"),
    pytest.param(
        Attack(token(scope=INJECTION), "insufficient_scope", "/scoped", doors=HTTP_DOORS), id="A40 scope, insufficient"
    ),
    pytest.param(
        Attack(token(realm_access={"roles": [INJECTION]}), "insufficient_role", "/role", doors=HTTP_DOORS),
        id="A40 a role",
    ),
    pytest.param(Attack(token(groups=INJECTION), "insufficient_role", "/claim", doors=HTTP_DOORS), id="A40 a claim"),
]


def through(rows: Iterable[Any]) -> list[Any]:
    """Each row with each of its doors."""
    return [pytest.param(door, row.values[0], id=f"{row.id} [{door}]") for row in rows for door in row.values[0].doors]


@pytest.mark.parametrize(("door", "attack"), through(ATTACKS))
def test_an_attack_is_refused(doors: Doors, forge: Forge, door: str, attack: Attack) -> None:
    """With its reason and its fixed sentence; nobody is asked for what the token names; nothing of it is repeated."""
    text = attack.make(forge)
    before = len(forge.keys.seen)
    answer = doors[door].bearer(text, attack.path)
    asked = forge.keys.seen[before:]
    reason = attack.as_request if attack.as_request and door != "validator" else attack.reason

    assert forge.trap.seen == []
    assert not forge.realm.requests
    assert asked in ([], [f"/certs{attack.path}"] if reason in WORTH_A_RELOAD else [])
    if attack.too_long and answer.reason is None:
        assert answer.status in {400, 431}
        assert door in SERVERS
        return
    assert_refused(answer, door, reason)


def assert_refused(answer: Answer, door: str, reason: str) -> None:
    """The whole answer, member by member: so nothing else can be in it."""
    status, error = CODES.get(reason.replace("role", "scope"), (401, "invalid_token"))

    assert (answer.status, answer.reason) == (status, reason)
    if door == "validator":
        return
    (challenge,) = answer.all("WWW-Authenticate")
    stated = f'Bearer error="{error}", error_description="{SENTENCES[reason]}"'
    assert challenge.removesuffix(', scope="orders:read orders:list"') == stated
    assert answer.json == {"error": error, "error_description": SENTENCES[reason]}
    assert answer.all("Cache-Control") == ["no-store"]
    assert {name.lower() for name, _ in answer.headers} <= KNOWN_FIELDS


KNOWN_FIELDS = {
    *("server", "date", "connection", "content-type", "content-length", "cache-control", "pragma", "www-authenticate")
}


@dataclass(frozen=True)
class Welcome:
    """A token on the right side of a boundary."""

    make: Make
    path: str = "/private"
    too_long: bool = False
    doors: tuple[str, ...] = DOORS


WELCOME = [
    pytest.param(Welcome(token()), id="A1 RS256"),
    pytest.param(Welcome(token(kid="rsa-any", alg="PS512")), id="A15 PS512 with a key for any algorithm"),
    pytest.param(Welcome(token(kid="rsa-pss", alg="PS256")), id="A15 PS256 with a key for it"),
    pytest.param(Welcome(token(key="p256", alg="ES256")), id="A12 ES256"),
    pytest.param(Welcome(es256_signed(lambda raw: raw)), id="A12 ES256, put together by hand"),
    pytest.param(Welcome(token(key="p384", alg="ES384")), id="A12 ES384"),
    pytest.param(Welcome(token(key="ed25519", alg="EdDSA")), id="A12 EdDSA"),
    pytest.param(Welcome(token(kid=None)), id="A7 no kid"),
    pytest.param(Welcome(token(header={"jwk": public_jwk("attacker-p256")})), id="A5 jwk beside a good signature"),
    pytest.param(
        Welcome(lambda forge: forge.token(header={"jku": forge.trap.url})), id="A6 jku beside a good signature"
    ),
    pytest.param(Welcome(long_token(MAX_TOKEN), too_long=True), id="A20 16,384 characters"),
    pytest.param(Welcome(long_token(8_000)), id="A20 8,000 characters"),
    pytest.param(Welcome(with_header_of(MAX_HEADER)), id="A20 a header of 1,024 characters"),
    pytest.param(Welcome(claim("x", nested(MAX_DEPTH - 1))), id="A20 a payload of 32 levels"),
    pytest.param(Welcome(claim("x", nested(MAX_DEPTH - 1, '{"a":', "}"))), id="A20 a payload of 32 objects"),
    pytest.param(Welcome(claim("exp", "9007199254740991")), id="A23 exp, the last date"),
    pytest.param(Welcome(claim("exp", "4102444800.5")), id="A23 exp with a fraction"),
    pytest.param(Welcome(claim("exp", "4.1024448e9")), id="A23 exp with an exponent"),
    pytest.param(Welcome(in_time(exp=-LEEWAY + 15)), id="A23 exp within the leeway"),
    pytest.param(Welcome(in_time(nbf=LEEWAY - 1)), id="A24 nbf within the leeway"),
    pytest.param(Welcome(in_time(iat=LEEWAY - 1)), id="A24 iat within the leeway"),
    pytest.param(Welcome(token(nbf=0)), id="A24 nbf long ago"),
    pytest.param(Welcome(token(aud=AUDIENCE)), id="A26 aud, a string"),
    pytest.param(Welcome(token(aud=["account", "x", AUDIENCE])), id="A26 aud, one of several"),
    pytest.param(Welcome(claim("x", '"\\ud83d\\ude00"')), id="A27 a whole surrogate pair"),
    pytest.param(Welcome(claim("x", '{"a":{"a":{"a":1}}}')), id="A28 one name at several levels"),
    pytest.param(Welcome(token(nonce="n")), id="A29 nonce in a bearer token, as old versions have it"),
    pytest.param(Welcome(token(typ=None, header={"typ": "at+jwt"})), id="A29 at+jwt"),
    pytest.param(Welcome(token(typ=None, header={"typ": "application/AT+JWT"})), id="A29 application/AT+JWT"),
    pytest.param(Welcome(token(typ=None), "/untyped"), id="A29 untyped, where that is accepted"),
    pytest.param(Welcome(token(), "/several"), id="A32 one of several realms"),
    pytest.param(
        Welcome(token(scope=["orders:list", "orders:read"]), "/scoped", doors=HTTP_DOORS), id="A39 scopes in a list"
    ),
    pytest.param(Welcome(token(sub=INJECTION)), id="A40 a sub of any characters"),
]


@pytest.mark.parametrize(("door", "welcome"), through(WELCOME))
def test_the_other_side_of_the_boundary(doors: Doors, forge: Forge, door: str, welcome: Welcome) -> None:
    """What is right is served, and nobody is asked for anything."""
    text = welcome.make(forge)
    before = len(forge.keys.seen)
    answer = doors[door].bearer(text, welcome.path)

    assert answer.status == 200 or (welcome.too_long and door in SERVERS and answer.status in {400, 431})
    assert forge.keys.seen[before:] == []
    assert forge.trap.seen == []


# Scopes


SCOPES = [
    pytest.param("orders:read orders:list", 200, id="A39 both"),
    pytest.param("orders:list  orders:read ", 200, id="A39 both, and more spaces"),
    pytest.param("orders:read", 403, id="A39 one of two"),
    pytest.param("orders:readall orders:list", 403, id="A39 a longer name"),
    pytest.param("orders:rea orders:list", 403, id="A39 a shorter name"),
    pytest.param("ORDERS:READ orders:list", 403, id="A39 another case"),
    pytest.param("orders:* orders:list", 403, id="A39 a star"),
    pytest.param("", 403, id="A39 none"),
    pytest.param([], 403, id="A39 an empty list"),
    pytest.param(["orders:read orders:list"], 403, id="A39 two in one member of a list"),
    *(
        pytest.param(f"orders:read{space}orders:list", 403, id=f"A39 separated by {space!a}")
        for space in ("\t", "\n", "\r", ",", "\u00a0", "\u2003", "\u3000", "\u200b", "\x0b", "+", "%20")
    ),
]


@pytest.mark.parametrize(("scope", "status"), SCOPES)
@pytest.mark.parametrize("door", HTTP_DOORS)
def test_scopes_are_split_at_spaces_and_compared_exactly(
    doors: Doors, forge: Forge, door: str, scope: object, status: int
) -> None:
    """A39: U+0020 only, and the whole name."""
    answer = doors[door].bearer(forge.token(scope=scope), "/scoped")

    assert answer.status == status
    if status == 403:
        assert_refused(answer, door, "insufficient_scope")


# Requests


def joined(*values: bytes) -> Callable[[Forge], tuple[bytes, ...]]:
    """Authorization fields, with a good token where they say TOKEN."""
    return lambda forge: tuple(value.replace(b"TOKEN", forge.token().encode()) for value in values)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(joined(b"Bearer TOKEN", b"Bearer TOKEN"), id="A35 two fields"),
        pytest.param(joined(b"Bearer TOKEN", b"Bearer x"), id="A35 two fields, the second one bad"),
        pytest.param(joined(b"Bearer x", b"Bearer TOKEN"), id="A35 two fields, the first one bad"),
        pytest.param(joined(b"Basic x", b"Bearer TOKEN"), id="A35 two fields, another scheme first"),
        pytest.param(joined(b"Bearer TOKEN", b"Basic x"), id="A35 two fields, another scheme second"),
        pytest.param(joined(b"Bearer TOKEN", b"Bearer TOKEN", b"Bearer TOKEN"), id="A35 three fields"),
        pytest.param(joined(b"Bearer TOKEN,Bearer TOKEN"), id="A35 comma-joined"),
        pytest.param(joined(b"Bearer TOKEN, Bearer x"), id="A35 comma-joined with a space"),
        pytest.param(joined(b"Basic x ,\tbEARER TOKEN"), id="A35 comma-joined with a TAB"),
        pytest.param(joined(b"Bearer TOKEN,"), id="A35 a comma at the end"),
        pytest.param(joined(b"Bearer ,TOKEN"), id="A35 a comma first"),
        pytest.param(joined(b"Bearer\tTOKEN"), id="A35 TAB"),
        pytest.param(joined(b"Bearer \tTOKEN"), id="A35 space and TAB"),
        pytest.param(joined(b"Bearer TOKEN\tx"), id="A35 TAB behind it"),
        pytest.param(joined(b"Bearer TOKEN\x00"), id="A35 NUL behind it"),
        pytest.param(joined(b"Bearer \x00TOKEN"), id="A35 NUL before it"),
        pytest.param(joined(b"Bearer\x00 TOKEN"), id="A35 NUL in the scheme"),
        pytest.param(joined(b"Bearer TOKEN\x7f"), id="A35 DEL"),
        pytest.param(joined(b"Bearer TOKEN\x0b"), id="A35 a vertical TAB"),
        pytest.param(joined(b"Bearer\xa0TOKEN"), id="A35 a no-break space"),
        pytest.param(joined(b"Bearer TOKEN\xe9"), id="A35 Latin-1"),
        pytest.param(joined(b"Bearer TOKEN\xc3\xa9"), id="A35 UTF-8"),
        pytest.param(joined(b"Bearer TOKEN\xff\xfe"), id="A35 no encoding at all"),
        pytest.param(joined(b"\xef\xbb\xbfBearer TOKEN"), id="A35 a byte order mark"),
        pytest.param(joined(b'Bearer "TOKEN"'), id="A40 quotes"),
        pytest.param(joined(b"Bearer TOKEN\\"), id="A40 a backslash"),
        pytest.param(joined(b"Bearer access_token=TOKEN"), id="A35 a parameter"),
    ],
)
@pytest.mark.parametrize("path", ["/private", "/optional"])
@pytest.mark.parametrize("door", HTTP_DOORS)
def test_a_request_that_two_readers_could_disagree_about(
    doors: Doors, forge: Forge, door: str, path: str, fields: Callable[[Forge], tuple[bytes, ...]]
) -> None:
    """A35, A40: 400, ours or the server's own, also where anonymous requests are welcome."""
    answer = doors[door].ask(*fields(forge), path=path)

    assert answer.status == 400
    if door in IN_PROCESS or answer.reason is not None:
        assert_refused(answer, door, "malformed_request")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        pytest.param("/private?access_token=TOKEN", "", id="A34 query"),
        pytest.param("/private?token=TOKEN&jwt=TOKEN&bearer_token=TOKEN", "", id="A34 query, by other names"),
        pytest.param("/private", "Cookie: access_token=TOKEN; KEYCLOAK_IDENTITY=TOKEN\r\n", id="A34 cookie"),
        pytest.param("/private", "X-Access-Token: TOKEN\r\nX-Forwarded-Access-Token: TOKEN\r\n", id="A34 other fields"),
    ],
)
@pytest.mark.parametrize("door", HTTP_DOORS)
def test_a_token_elsewhere_is_not_read(doors: Doors, forge: Forge, door: str, path: str, headers: str) -> None:
    """A34: neither query nor form nor cookie (RFC 6750 section 2); a bad one there spoils nothing."""
    good = forge.token(key="ed25519", alg="EdDSA")
    without = doors[door].ask(path=path.replace("TOKEN", good), headers=headers.replace("TOKEN", good).encode())
    beside = doors[door].ask(
        b"Bearer " + good.encode(), path=path.replace("TOKEN", "bad"), headers=headers.replace("TOKEN", "bad").encode()
    )

    assert (without.status, without.reason, without.all("WWW-Authenticate")) == (401, "missing", ["Bearer"])
    assert beside.status == 200


@pytest.mark.parametrize("server", SERVERS)
def test_a_form_is_not_read(doors: Doors, forge: Forge, server: str) -> None:
    """A34: a POST, by the bytes."""
    form = f"access_token={forge.token()}".encode()
    request = f"POST /optional HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {len(form)}\r\n"
    request += "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    said = doors.served(server).exchange(request.encode() + form)

    assert said.rstrip().endswith(b'{"sub":null}')


# The network


@pytest.mark.parametrize("door", DOORS)
def test_a_flood_of_unknown_kids_costs_the_realm_one_request_per_cooldown(
    doors: Doors, forge: Forge, door: str
) -> None:
    """A9: all are 401, and known tokens are served in the midst of it (CVE-2026-48524)."""
    good, template = forge.token(), forge.token(key="attacker-p256", alg="ES256")
    _, body, signature = template.split(".")
    before, began = len(forge.keys.seen), time.monotonic()
    answers = []
    for number in range(300):
        head = segment({"alg": "ES256", "kid": f"flood-{number}"})
        answers.append(doors[door].bearer(f"{head}.{body}.{signature}"))
        if number % 50 == 0:
            assert doors[door].bearer(good).status == 200

    asked = forge.keys.seen[before:]

    assert {(answer.status, answer.reason) for answer in answers} == {(401, "unknown_key")}
    assert len(asked) <= 1 + (time.monotonic() - began) / COOLDOWN_SECONDS
    assert set(asked) <= {"/certs/private"}
    assert forge.trap.seen == []


@pytest.mark.parametrize("path", ["/private", "/several", "/unreachable"])
@pytest.mark.parametrize("door", DOORS)
def test_another_realms_token_is_refused_while_the_realm_is_down(
    doors: Doors, forge: Forge, door: str, path: str
) -> None:
    """A31: it is 401 and not 503, because what it says of itself is enough to refuse it."""
    with forge.keys.down():
        answer = doors[door].bearer(another_realm()(forge), path)

    assert_refused(answer, door, "issuer")


def test_the_traps_would_have_noticed() -> None:
    """The ears are open: a request to a listener is seen."""
    listener = Listener()
    requests.get(f"{listener.url}/keys", timeout=10)
    listener.close()

    assert listener.seen == ["/keys"]


# The cache


@pytest.mark.parametrize("door", DOORS)
def test_a_token_that_was_served_before_ends_with_its_exp(doors: Doors, forge: Forge, door: str) -> None:
    """A45: cached or not, a second later it is expired. This route has no leeway."""
    short = forge.token(exp=time.time() + 1.5, iat=int(time.time()) - 5)
    eventually(lambda: doors[door].bearer(short, "/short").status == 200)
    eventually(lambda: doors[door].bearer(short, "/short").status == 401)

    assert_refused(doors[door].bearer(short, "/short"), door, "expired")


@pytest.mark.parametrize("door", DOORS)
def test_a_token_that_was_served_before_ends_with_its_key(doors: Doors, forge: Forge, door: str) -> None:
    """A45: a withdrawn key is not remembered. This route's keys are refreshed five times a second."""
    issued_at = int(time.time()) - 5
    good, other = forge.token(key="ed25519", alg="EdDSA", iat=issued_at), forge.token(iat=issued_at)
    eventually(lambda: doors[door].bearer(good, "/short").status == 200)
    with forge.without("ed25519"):
        eventually(lambda: doors[door].bearer(good, "/short").status == 401)

        assert_refused(doors[door].bearer(good, "/short"), door, "unknown_key")
        assert doors[door].bearer(other, "/short").status == 200


@pytest.mark.parametrize("size", [0, 4096], ids=["A45 cache off", "A45 cache on"])
def test_the_same_instant_cached_or_not(forge: Forge, size: int) -> None:
    """A45: to the second, on a clock of our own."""
    clock = Clock(1_800_000_000)
    validator = local_validator(forge, now=clock, token_cache_size=size)
    text = forge.token(exp=clock() + 100, iat=clock())
    validator.verify(text)
    clock.advance(100 + LEEWAY - 0.1)
    validator.verify(text)
    clock.advance(0.1)
    with pytest.raises(TokenRejected) as refused:
        validator.verify(text)

    assert refused.value.reason == "expired"


def local_validator(forge: Forge, **options: Any) -> RealmTokenValidator:
    """A validator without HTTP, with the realm's keys at hand."""
    options = {"fetch": lambda url: forge.key_set(), "audience": AUDIENCE, "token_cache_size": cache_size(), **options}
    return RealmTokenValidator(forge.issuer, **options)


# Options of our own


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, -0.001, True, "30", None, [30]], ids=repr)
@pytest.mark.parametrize(
    "name",
    [
        "leeway_seconds",
        "max_age_seconds",
        "max_stale_seconds",
        "cooldown_seconds",
        "retry_seconds",
        "wait_seconds",
        "timeout_seconds",
    ],
)
def test_options_that_would_switch_a_check_off(name: str, value: Any) -> None:
    """A24: comparing with NaN is always false, so it is refused before any token comes."""
    options: Any = {name: value}
    with pytest.raises(ValueError, match=name):
        RealmTokenValidator("https://sso.example.com/realms/myorg", audience=AUDIENCE, **options)


# Constant cost


@pytest.fixture
def logging_as_by_default(forge: Forge) -> Iterator[None]:
    """Applications do not see INFO unless they ask for it; writing lines is not what is measured."""
    logger = logging.getLogger("resource_protector")
    level = logger.level
    logger.setLevel(logging.WARNING)
    yield
    logger.setLevel(level)


def raws(forge: Forge) -> Callable[[], object]:
    """One verification of the realm's RSA-2048 key alone, with everything prepared."""
    return raw_verification(public_jwk("rsa"), "RS256", forge.token())


def seconds(call: Callable[[], object], times: int) -> float:
    """The processor time of one call: other programs on this machine are not counted."""
    began = time.thread_time()
    for _ in range(times):
        call()
    return (time.thread_time() - began) / times


def cost(call: Callable[[], object], raw: Callable[[], object], limit: float) -> float:
    """`call` in raws: the least of several rounds, each beside its own raw; more of them while it is over the limit."""
    call()
    found = []
    tracer = sys.gettrace()
    sys.settrace(None)  # what coverage counts is no cost of the package's either
    gc.disable()  # what other tests have left behind is not this token's cost
    try:
        for number in range(100):
            before, taken, after = seconds(raw, 40), seconds(call, 5), seconds(raw, 40)
            found.append(taken / ((before + after) / 2))
            if number >= 4 and min(found) <= limit:
                break
    finally:
        gc.enable()
        sys.settrace(tracer)
    return min(found)


def filled(size: int, start: str, member: str, end: str) -> bytes:
    """JSON of at most so many bytes, of as many members as fit; `#` in one is its number."""
    parts: list[str] = []
    room = size - len(start) - len(end)
    while room > 0:
        part = member.replace("#", f"{len(parts):x}")
        parts.append(part)
        room -= len(part) + 1
    return (start + ",".join(parts[:-1]) + end).encode()


def repeated(size: int, start: str, filler: str, end: str) -> bytes:
    """JSON of at most so many bytes, with one long run in it."""
    return (start + filler * ((size - len(start) - len(end)) // len(filler)) + end).encode()


# By size: what is dearest for a parser.
SHAPES: dict[str, Callable[[int], bytes]] = {
    "many members": lambda size: filled(size, "{", '"#":0', "}"),
    "many numbers": lambda size: filled(size, '{"a":[', "0", "]}"),
    "many fractions": lambda size: filled(size, '{"a":[', "1e1", "]}"),
    "many empty strings": lambda size: filled(size, '{"a":[', '""', "]}"),
    "many escaped strings": lambda size: filled(size, '{"a":[', '"\\u00e9"', "]}"),
    "many empty objects": lambda size: filled(size, '{"a":[', "{}", "]}"),
    "many empty lists": lambda size: filled(size, '{"a":[', "[]", "]}"),
    "many objects": lambda size: filled(size, '{"a":[', '{"":0}', "]}"),
    "many objects with lists": lambda size: filled(size, '{"a":[', '{"":[]}', "]}"),
    "many nests side by side": lambda size: filled(size, '{"a":[', "[" * 29 + "]" * 29, "]}"),
    "many issuers": lambda size: filled(size, '{"a":[', '{"iss":"x"}', "]}"),
    "deep nesting": lambda size: repeated(size // 2, '{"a":', '{"a":', "") + b"1" + b"}" * (size // 12),
    "open brackets": lambda size: repeated(size, '{"a":', "[", ""),
    "open brackets, then quotes": lambda size: repeated(size, '{"a":' + "[" * 40, '"', ""),
    "open brackets, then backslashes": lambda size: repeated(size, '{"a":' + "[" * 40 + '"', "\\", ""),
    "an issuer that never ends": lambda size: repeated(size, '{"iss"', " ", ""),
    "long numbers": lambda size: filled(size, '{"a":[', "9" * min(4_000, size - 12), "]}"),
    "a long fraction": lambda size: repeated(size, '{"a":0.', "9", "}"),
    "one long string": lambda size: repeated(size, '{"a":"', "x", '"}'),
    "one long string of escapes": lambda size: repeated(size, '{"a":"', "\\u0041", '"}'),
    "white space": lambda size: repeated(size, '{"a":', " ", "1}"),
}
SIGNATURE = "A" * 342
PAYLOAD_BYTES = (MAX_TOKEN - 200 - len(SIGNATURE)) * 3 // 4
HEADER_BYTES = MAX_HEADER * 3 // 4 - 30
LIMIT = 4.0


def unsigned(head: Any, body: Any) -> str:
    """A token with a signature that nobody made."""
    made = f"{segment(head)}.{segment(body)}.{SIGNATURE}"
    assert len(made) <= MAX_TOKEN
    return made


def fresh_headers(shape: Callable[[int], bytes]) -> Iterator[str]:
    """Tokens with headers that were not seen lately: repeating one costs less."""
    heads = [b'{"n":%d,' % number + shape(HEADER_BYTES)[1:] for number in range(1_000, 1_300)]
    return cycle([unsigned(head, {"iss": "x"}) for head in heads])


def large(kid: str, shape: str) -> Iterator[str]:
    """One token whose payload has this shape."""
    return repeat(unsigned({"alg": "RS256", "typ": "JWT", "kid": kid}, SHAPES[shape](PAYLOAD_BYTES)))


def another_issuer(kid: str, shape: str) -> Iterator[str]:
    """The same, of a payload that names another issuer first: looking through all of it for ours would be dear."""
    body = b'{"iss":"x",' + SHAPES[shape](PAYLOAD_BYTES - 16)[1:]
    return repeat(unsigned({"alg": "RS256", "typ": "JWT", "kid": kid}, body))


EXPENSIVE = [
    *(pytest.param(lambda s=shape: large("nobody", s), id=f"unknown kid, {shape}") for shape in SHAPES),
    *(
        pytest.param(lambda s=shape: large("rsa", s), id=f"bad signature, {shape}")
        for shape in ("many members", "many nests side by side", "one long string")
    ),
    *(
        pytest.param(lambda s=shape: another_issuer("rsa", s), id=f"another issuer under a known kid, {shape}")
        for shape in SHAPES
    ),
    *(
        pytest.param(lambda s=shape: fresh_headers(SHAPES[s]), id=f"header of 1,024 characters, {shape}")
        for shape in SHAPES
        if shape != "long numbers"
    ),
    pytest.param(lambda: repeat("." * 10_000), id="10,000 dots"),
    pytest.param(lambda: repeat("." * MAX_TOKEN), id="16,384 dots"),
    pytest.param(lambda: repeat("A" * MAX_TOKEN), id="one segment"),
    pytest.param(lambda: repeat("A" * 8_000 + "." + "A" * 8_000 + "."), id="a header of 8,000 characters"),
    pytest.param(
        lambda: repeat(f"{segment({'alg': 'RS256', 'kid': 'rsa'})}.{'A' * 4_000}.{'A' * 12_000}"),
        id="a long signature",
    ),
    pytest.param(lambda: repeat("A" * 200_000), id="200,000 characters"),
    pytest.param(lambda: repeat("\u00e9" * MAX_TOKEN), id="not ASCII"),
]


@pytest.mark.usefixtures("logging_as_by_default")
@pytest.mark.parametrize("tokens", EXPENSIVE)
def test_refusing_costs_no_more_than_four_verifications(forge: Forge, tokens: Callable[[], Iterator[str]]) -> None:
    """Constant cost: whatever the token, refusing it is no better than sending well-formed ones with bad signatures."""
    validator = local_validator(forge)
    validator.verify(forge.token())
    texts = tokens()

    def refuse() -> None:
        with contextlib.suppress(TokenRejected):
            validator.verify(next(texts))
            raise AssertionError("it was accepted")

    measured = cost(refuse, raws(forge), LIMIT)

    assert measured <= LIMIT, f"{measured:.1f} verifications"


@pytest.mark.usefixtures("logging_as_by_default")
@pytest.mark.parametrize("shape", SHAPES)
def test_choosing_among_realms_costs_no_more_either(forge: Forge, shape: str) -> None:
    """Constant cost: the unverified issuer that chooses the realm is read from every token."""
    validator = MultiRealmValidator(local_validator(forge))
    validator.verify(forge.token())
    texts = large("rsa", shape)

    def refuse() -> None:
        with contextlib.suppress(TokenRejected):
            validator.verify(next(texts))
            raise AssertionError("it was accepted")

    measured = cost(refuse, raws(forge), LIMIT)

    assert measured <= LIMIT, f"{measured:.1f} verifications"


@pytest.mark.usefixtures("logging_as_by_default")
def test_without_a_kid_each_key_that_fits_is_tried_once(forge: Forge) -> None:
    """Constant cost: four keys at most, and what any refusal costs."""
    others = [{**public_jwk("rsa"), "kid": f"other-{number}"} for number in range(8)]
    validator = local_validator(forge, fetch=lambda url: {"keys": others})
    validator.verify(forge.token(kid=None))
    text = unsigned({"alg": "RS256", "typ": "JWT"}, forge.claims())

    def refuse() -> None:
        with contextlib.suppress(TokenRejected):
            validator.verify(text)

    measured = cost(refuse, raws(forge), LIMIT + 2)

    assert measured <= LIMIT + 2, f"{measured:.1f} verifications"


def test_what_is_too_long_is_never_parsed(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    """A20: neither base64 nor JSON is looked at beyond 16 KiB, nor beyond 1,024 characters of a header."""
    validator = local_validator(forge)
    validator.verify(forge.token())
    seen: list[int] = []

    def decode(part: bytes) -> bytes:
        seen.append(len(part))
        return b""

    monkeypatch.setattr("resource_protector.jws._decoded", decode)
    for text in (long_token(MAX_TOKEN + 1)(forge), with_header_of(MAX_HEADER + 2)(forge), "." * MAX_TOKEN):
        with pytest.raises(TokenRejected):
            validator.verify(text)

    assert seen == []
