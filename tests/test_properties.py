"""Whatever a client sends: no 5xx, and nothing is accepted that was not issued.

A few hundred examples each; `HYPOTHESIS_PROFILE=slow` makes 20,000 of them.
"""

from __future__ import annotations

import json
import os
import string
from functools import cache
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry

from resource_protector import KeysUnavailable, RealmTokenValidator, TokenRejected
from resource_protector.flask import ResourceProtector
from tests.cache_size import cache_size
from tests.forge import segment

# Five properties: 5 x 4,000 examples are the 20,000.
settings.register_profile("quick", max_examples=150, deadline=None)
settings.register_profile(
    "slow", max_examples=4_000, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
examples = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

ISSUER = "https://sso.example.com/realms/myorg"
NOW = 1_800_000_000
LEEWAY = 30
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": ["orders-api", "account"],
    "sub": "alice",
    "exp": NOW + 300,
    "iat": NOW,
    "typ": "Bearer",
    "scope": "orders:read",
}
KEYS: dict[str, Any] = {
    "p256": ECKey.generate_key("P-256", parameters={"kid": "p256"}),
    "ed25519": OKPKey.generate_key("Ed25519", parameters={"kid": "ed25519"}),
    "attacker": ECKey.generate_key("P-256", parameters={"kid": "p256"}),
}
ALGORITHMS = {"p256": "ES256", "ed25519": "EdDSA", "attacker": "ES256"}
SIGNS_WITH = {"p256": {"ES256"}, "ed25519": {"EdDSA", "Ed25519"}}


def signed(header: bytes, payload: bytes, key: str) -> str:
    """A token with a good signature of this key over any bytes."""
    signing_input = f"{segment(header)}.{segment(payload)}"
    signature = JWSRegistry.algorithms[ALGORITHMS[key]].sign(signing_input.encode(), KEYS[key])
    return f"{signing_input}.{segment(signature)}"


def key_set(url: str) -> dict[str, Any]:
    """The realm's document."""
    return {"keys": [KEYS[name].as_dict(private=False) for name in ("p256", "ed25519")]}


@cache
def validator() -> RealmTokenValidator:
    """With the defaults, a cache among them."""
    return RealmTokenValidator(
        ISSUER,
        audience="orders-api",
        fetch=key_set,
        now=lambda: NOW,
        monotonic=lambda: 0.0,
        leeway_seconds=LEEWAY,
        token_cache_size=cache_size(),
    )


@cache
def client() -> FlaskClient:
    """An application with one protected route."""
    app = Flask(__name__)
    app.add_url_rule("/", view_func=ResourceProtector(validator())(lambda: "ok"))
    return app.test_client()


def accepts(token: str) -> bool:
    """The verdict, reached without HTTP and by a request alike; no exception but our two."""
    try:
        validator().verify(token)
        verdict = 200
    except (TokenRejected, KeysUnavailable) as error:
        verdict = error.status_code
    answer = status(f"Bearer {token}")
    assert answer == verdict or (answer == 400 and verdict == 401)
    return answer == 200


def status(authorization: str) -> int:
    """What a request with this Authorization field is answered; never a 5xx."""
    answer = client().get("/", environ_overrides={"HTTP_AUTHORIZATION": authorization})
    assert answer.status_code in {200, 400, 401}
    assert (answer.status_code == 200) == (answer.text == "ok")
    assert answer.status_code == 200 or "WWW-Authenticate" in answer.headers
    return answer.status_code


# What may be accepted, said once more and simply


def header_is_good(header: bytes, key: str) -> bool:
    """An object of the key's algorithm and `kid`, without extensions, of a type that bearer tokens have."""
    found = as_object(header)
    if (
        found is None
        or len(segment(header)) > 1_024
        or header.count(b"{") + header.count(b"[") > 16
        or {"crit", "b64"} & found.keys()
    ):
        return False
    return (
        key in SIGNS_WITH
        and found.get("alg") in tuple(SIGNS_WITH[key])
        and found.get("kid", key) == key
        and is_jwt(found.get("typ", "JWT"))
    )


def is_jwt(typ: object) -> bool:
    """A media type, without case, with or without its prefix (RFC 7515 section 4.1.9)."""
    return isinstance(typ, str) and typ.lower().removeprefix("application/") in ("jwt", "at+jwt")


def is_at_jwt(typ: object) -> bool:
    """RFC 9068 section 2.1."""
    return isinstance(typ, str) and typ.lower() in ("at+jwt", "application/at+jwt")


def claims_are_good(claims: dict[str, Any], header_type: object) -> bool:
    """What an access token of the realm for this API says of itself."""
    dates = [claims[name] for name in ("nbf", "iat") if name in claims]
    typ = claims.get("typ")
    aud = [claims.get("aud")] if isinstance(claims.get("aud"), str) else claims.get("aud")
    return (
        claims.get("iss") == ISSUER
        and "cnf" not in claims
        and (typ == "Bearer" or typ == "at+jwt" or (typ is None and is_at_jwt(header_type)))
        and (typ == "Bearer" or not {"nonce", "at_hash", "c_hash"} & claims.keys())
        and "iat" in claims
        and is_number(claims.get("exp"))
        and all(map(is_number, dates))
        and claims["exp"] > NOW - LEEWAY
        and all(date <= NOW + LEEWAY for date in dates)
        and isinstance(aud, list)
        and all(isinstance(member, str) for member in aud)
        and "orders-api" in aud
        and isinstance(claims.get("sub"), str)
        and claims["sub"] != ""
        and all(is_scope(claims[name]) for name in ("scope", "scp") if name in claims)
    )


def is_number(value: object) -> bool:
    """A JSON number that is a date."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53


def is_scope(value: object) -> bool:
    """A string, or a list of strings."""
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))


def as_object(raw: bytes) -> dict[str, Any] | None:
    """The JSON object that every parser finds in these bytes; None for anything else."""
    try:
        pairs = json.loads(raw.decode("utf-8"), object_pairs_hook=unique, parse_constant=refuse)
        json.dumps(pairs, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    return pairs if isinstance(pairs, dict) and depth(pairs) <= 32 else None


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A dict without a name lost."""
    if len(dict(pairs)) != len(pairs):
        raise ValueError("twice")
    return dict(pairs)


def refuse(name: str) -> None:
    """NaN is not JSON."""
    raise ValueError(name)


def depth(value: Any) -> int:
    """How many levels there are."""
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if members is None else 1 + max(map(depth, members), default=0)


# What is sent

names = st.sampled_from(
    [*CLAIMS, "alg", "kid", "crit", "b64", "nbf", "scp", "cnf", "nonce", "at_hash", "azp"]
) | st.text(max_size=5)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        [NOW, NOW - LEEWAY, NOW + LEEWAY + 1, NOW + 0.5, "orders-api", ISSUER, "Bearer", "DPoP", "at+jwt", "", "none"]
    )
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=10
) | st.integers(1, 60).map(lambda levels: json.loads("[" * levels + "]" * levels))
keys = st.sampled_from(["p256", "ed25519"])


def headers(key: str) -> dict[str, Any]:
    """The header that the realm writes."""
    return {"alg": ALGORITHMS[key], "typ": "JWT", "kid": key}


def changed(members: dict[str, Any], interesting: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """`members`, of which a few are other values, gone, or new."""
    changes = st.dictionaries(st.sampled_from(interesting) | names, values, max_size=3)
    gone = st.sets(st.sampled_from(sorted(members)), max_size=1)
    return st.builds(
        lambda new, without: {k: v for k, v in {**members, **new}.items() if k not in without}, changes, gone
    )


def encoded(value: Any) -> bytes:
    """JSON as Python writes it: NaN and lone surrogates too."""
    return json.dumps(value).encode()


@examples
@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
def test_any_field_is_answered(field: bytes) -> None:
    """Any bytes at all as Authorization, and as what follows the scheme: 400 or 401."""
    value = field.decode("latin-1")

    assert status(value) in {400, 401}
    assert not accepts(value)


@examples
@given(
    keys.flatmap(
        lambda key: st.tuples(st.just(key), changed(headers(key), ["alg", "kid", "typ", "crit", "b64", "jwk"]))
    )
)
def test_any_header_over_good_claims(case: tuple[str, dict[str, Any]]) -> None:
    """Signed by the realm: accepted exactly where the header is what a realm writes."""
    key, header = case
    raw = encoded(header)

    assert accepts(signed(raw, encoded(CLAIMS), key)) == header_is_good(raw, key)


@examples
@given(
    keys,
    changed(CLAIMS, [*CLAIMS, "nbf", "cnf", "scp", "nonce"]),
    st.sampled_from(["JWT", "at+jwt", "application/AT+jwt"]),
)
def test_any_claims(key: str, claims: dict[str, Any], header_type: str) -> None:
    """Signed by the realm: accepted exactly where the claims are good, whatever type each of them has."""
    raw = encoded(claims)
    token = signed(encoded({**headers(key), "typ": header_type}), raw, key)
    found = as_object(raw)

    assert accepts(token) == (found is not None and len(token) <= 16_384 and claims_are_good(found, header_type))


GOOD_JSON = encoded(CLAIMS)
payloads = (
    st.binary(max_size=300)
    | values.map(encoded)
    | st.builds(
        lambda at, cut, new: GOOD_JSON[:at] + new + GOOD_JSON[at + cut :],
        st.integers(0, len(GOOD_JSON)),
        st.integers(0, 3),
        st.binary(max_size=3) | st.text(string.punctuation + string.whitespace, max_size=3).map(str.encode),
    )
    | st.builds(lambda white: GOOD_JSON + white, st.text(" \n\t\r\x0b\xa0", max_size=4).map(str.encode))
    | st.builds(lambda name, value: GOOD_JSON[:-1] + encoded({name: value}).replace(b"{", b",", 1), names, scalars)
    | st.integers(0, 16_000).map(lambda size: encoded({**CLAIMS, "filler": "x" * size}))
    | st.sampled_from(["utf-8-sig", "utf-16", "utf-32", "latin-1"]).map(
        lambda e: json.dumps({**CLAIMS, "x": "\xe9"}, ensure_ascii=False).encode(e)
    )
)


@examples
@given(keys, payloads)
def test_any_payload(key: str, payload: bytes) -> None:
    """Signed by the realm: accepted exactly where the bytes are JSON that nobody could read differently."""
    token = signed(encoded(headers(key)), payload, key)
    found = as_object(payload)

    assert accepts(token) == (found is not None and len(token) <= 16_384 and claims_are_good(found, "JWT"))


ISSUED = {key: signed(encoded(headers(key)), GOOD_JSON, key) for key in ("p256", "ed25519")}
ALPHABET = string.ascii_letters + string.digits + "-_.=+/ \n\x00\xe9"


@st.composite
def tampered(draw: st.DrawFn) -> str:
    """A token that the realm issued, changed by hand; or one that it did not issue."""
    token = ISSUED[draw(keys)]
    kind = draw(
        st.sampled_from(
            ["character", "last character", "cut", "insert", "parts", "signature", "claims", "attacker", "alg"]
        )
    )
    parts = token.split(".")
    if kind == "character":
        at = draw(st.integers(0, len(token) - 1))
        return token[:at] + draw(st.sampled_from(ALPHABET)) + token[at + 1 :]
    if kind == "last character":
        return token[:-1] + draw(st.sampled_from(ALPHABET))
    if kind == "cut":
        start = draw(st.integers(0, len(token)))
        return token[:start] + token[draw(st.integers(start, len(token))) :]
    if kind == "insert":
        at = draw(st.integers(0, len(token)))
        return token[:at] + draw(st.text(ALPHABET, min_size=1, max_size=4)) + token[at:]
    if kind == "parts":
        pool = [*parts, *ISSUED["p256"].split("."), ""]
        return ".".join(draw(st.lists(st.sampled_from(pool), max_size=6)))
    if kind == "signature":
        return ".".join([*parts[:2], segment(draw(st.binary(max_size=200) | st.binary(min_size=64, max_size=64)))])
    if kind == "claims":
        return ".".join([parts[0], segment(encoded({**CLAIMS, draw(names): draw(values)})), parts[2]])
    if kind == "alg":
        header = {
            **headers("p256"),
            "alg": draw(st.sampled_from(["none", "HS256", "RS256", "ES384", "EdDSA"]) | scalars),
        }
        return ".".join([segment(encoded(header)), *parts[1:]])
    return signed(encoded(draw(changed(headers("p256"), ["kid", "jwk", "jku"]))), GOOD_JSON, "attacker")


@examples
@given(tampered())
def test_what_was_not_issued_is_not_accepted(token: str) -> None:
    """Nothing is, but the very tokens of the realm."""
    assert accepts(token) == (token in ISSUED.values())


@pytest.mark.parametrize("token", ISSUED.values(), ids=ISSUED)
def test_what_was_issued_is_accepted(token: str) -> None:
    """Or the properties would hold for a validator that refuses everything."""
    assert accepts(token)


def test_the_slow_profile_makes_20_000_examples() -> None:
    """Five properties share them."""
    properties = [
        name for name, value in globals().items() if name.startswith("test_") and hasattr(value, "hypothesis")
    ]

    assert len(properties) * settings.get_profile("slow").max_examples == 20_000
