"""The validator of one realm's access tokens."""

import base64
import hmac
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from resource_protector import (
    AccessToken,
    InsufficientScope,
    KeysUnavailable,
    RealmTokenValidator,
    Reason,
    TokenRejected,
)
from resource_protector.dev import DevRealm
from resource_protector.jws import MAX_HEADER_CHARACTERS, MAX_TOKEN_CHARACTERS
from resource_protector.scopes import Requirements
from tests.polling import Clock

NOW = 1_800_000_000
ISSUER = "https://sso.example.com/realms/myorg"
CLAIMS = {"iss": ISSUER, "aud": "orders-api", "sub": "alice", "exp": NOW + 300, "iat": NOW, "typ": "Bearer"}
NESTED: list[Any] = json.loads("[" * 33 + "]" * 33)
KEYS: dict[str, Any] = {
    "rsa": RSAKey.generate_key(2048, parameters={"kid": "rsa"}),
    "p256": ECKey.generate_key("P-256", parameters={"kid": "p256"}),
    "p384": ECKey.generate_key("P-384", parameters={"kid": "p384"}),
    "p521": ECKey.generate_key("P-521", parameters={"kid": "p521"}),
    "ed25519": OKPKey.generate_key("Ed25519", parameters={"kid": "ed25519"}),
    "ed448": OKPKey.generate_key("Ed448", parameters={"kid": "ed448"}),
}


def segment(value: Any) -> str:
    """base64url of bytes, or of JSON."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(
    key: str = "rsa", alg: str = "RS256", *, header: dict[str, Any] | None = None, payload: Any = CLAIMS, **claims: Any
) -> str:
    """A token as a realm would sign it, with whatever header and payload."""
    head = segment({"alg": alg, "kid": key, "typ": "JWT", **(header or {})})
    body = segment({**payload, **claims} if isinstance(payload, dict) else payload)
    signature = JWSRegistry.algorithms[alg].sign(f"{head}.{body}".encode(), KEYS[key])
    return f"{head}.{body}.{segment(signature)}"


def jwks(*names: str, **members: Any) -> dict[str, Any]:
    """The key set of these keys."""
    return {"keys": [{**KEYS[name].as_dict(private=False), **members} for name in names or KEYS]}


def make(document: object = None, **options: Any) -> RealmTokenValidator:
    """A validator with the options under test."""
    options = {"now": lambda: NOW, "fetch": lambda url: document or jwks(), "audience": "orders-api", **options}
    return RealmTokenValidator(ISSUER, **options)


def reason(validator: RealmTokenValidator, token: Any) -> Reason | None:
    """Why a token is refused; None where it is accepted."""
    try:
        validator.verify(token)
    except TokenRejected as error:
        return error.reason
    return None


@pytest.fixture(params=[0, 4096], ids=["cache off", "cache on"])
def validator(request: pytest.FixtureRequest) -> RealmTokenValidator:
    """A validator with the defaults."""
    return make(token_cache_size=request.param)


# What is accepted


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        *(("rsa", alg) for alg in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
        *(("p256", "ES256"), ("p384", "ES384"), ("p521", "ES512")),
        *(("ed25519", "EdDSA"), ("ed25519", "Ed25519"), ("ed448", "EdDSA"), ("ed448", "Ed448")),
    ],
)
def test_every_asymmetric_algorithm_is_verified(validator: RealmTokenValidator, key: str, alg: str) -> None:
    """Whatever a realm can be set to; and the claims come back as an AccessToken."""
    token = validator.verify(sign(key, alg))

    assert token == CLAIMS
    assert type(token) is AccessToken
    assert validator.verify(sign(key, alg)) == CLAIMS


def test_a_token_without_kid_is_tried_against_the_keys_that_fit(validator: RealmTokenValidator) -> None:
    """RFC 7515 section 4.1.4: kid is a hint, and optional."""
    token = sign("p384", "ES384", header={"kid": "x"}).split(".")
    head = segment({"alg": "ES384", "typ": "JWT"})
    signature = JWSRegistry.algorithms["ES384"].sign(f"{head}.{token[1]}".encode(), KEYS["p384"])

    assert validator.verify(f"{head}.{token[1]}.{segment(signature)}") == CLAIMS


def test_keys_under_one_kid_are_all_tried() -> None:
    """A duplicate kid is two keys, not a mistake that costs one of them."""
    document = {"keys": [{**KEYS[name].as_dict(private=False), "kid": "same"} for name in ("p256", "rsa")]}

    assert reason(make(document), sign("rsa", header={"kid": "same"})) is None


@pytest.mark.parametrize(("others", "expected"), [(3, None), (4, Reason.SIGNATURE)])
@pytest.mark.parametrize("kid", [None, "same"], ids=["no kid", "one kid for all"])
def test_a_token_is_tried_with_four_keys_at_most(others: int, expected: Reason | None, kid: str | None) -> None:
    """Each try costs a verification: the fourth key that fits is tried, the fifth is not."""
    document = {"keys": [*FOUR_OTHERS[:others], KEYS["rsa"].as_dict(private=False)]}
    document = {"keys": [{**key, "kid": kid or f"key-{number}"} for number, key in enumerate(document["keys"])]}
    head, body = segment({"alg": "RS256", "typ": "JWT", **({"kid": kid} if kid else {})}), segment(CLAIMS)
    signature = segment(JWSRegistry.algorithms["RS256"].sign(f"{head}.{body}".encode(), KEYS["rsa"]))

    assert reason(make(document), f"{head}.{body}.{signature}") is expected


FOUR_OTHERS = [RSAKey.generate_key(2048, private=False).as_dict() for _ in range(4)]


def test_a_token_that_names_its_issuer_late_is_worth_a_reload() -> None:
    """J6: other material under its `kid`: it was issued for somebody of another issuer, whose name it says first."""
    payload = {"act": {"iss": "https://other.example.com", "sub": "x"}, "roles": ["x" * 40] * 60, **CLAIMS}
    documents = [{"keys": [{**FOUR_OTHERS[0], "kid": "rsa"}]}, jwks("rsa")]
    validator = make(fetch=lambda url: documents.pop(0))
    validator.keys.reload()

    assert reason(validator, sign(payload=payload)) is None


@pytest.mark.parametrize("size", [0, 4096], ids=["cache off", "cache on"])
@pytest.mark.parametrize(
    ("before", "after", "token", "expected"),
    [
        pytest.param({"kid": "old"}, {"kid": "new"}, {"kid": "new"}, None, id="a new name"),
        pytest.param({"kid": "old"}, {"kid": "new"}, {"kid": "old"}, Reason.UNKNOWN_KEY, id="its old name"),
        pytest.param({"alg": "RS256"}, {"alg": "PS256"}, {}, Reason.ALGORITHM, id="another algorithm"),
        pytest.param({"alg": "PS256"}, {"alg": "RS256"}, {}, None, id="this algorithm"),
        pytest.param({}, {"alg": "PS256"}, {}, Reason.ALGORITHM, id="fewer algorithms"),
        pytest.param({"alg": "PS256"}, {}, {}, None, id="more algorithms"),
    ],
)
def test_a_key_is_its_name_and_its_algorithms_too(
    size: int, before: dict[str, Any], after: dict[str, Any], token: dict[str, Any], expected: Reason | None
) -> None:
    """The realm publishes the same material under another `kid` or `alg`: that is another key, at the next load."""
    documents = [jwks("rsa", **before)]
    validator = make(fetch=lambda url: documents[-1], token_cache_size=size)
    text = sign(header=token)
    if expected is not None:
        assert reason(validator, text) is None
    validator.keys.reload()
    documents.append(jwks("rsa", **after))
    validator.keys.reload()

    assert reason(validator, text) is expected


def test_the_same_token_gives_the_same_instance() -> None:
    """One read-only instance serves every request that brings the token."""
    validator = make()

    assert validator.verify(sign("ed25519", "EdDSA")) is validator.verify(sign("ed25519", "EdDSA"))


# What is refused


def hs256(secret: bytes, **header: Any) -> str:
    """A token whose MAC is over `secret`."""
    head, body = segment({"alg": "HS256", "kid": "rsa", "typ": "JWT", **header}), segment(CLAIMS)
    signature = hmac.digest(secret, f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{segment(signature)}"


def with_header(**header: Any) -> Callable[[], str]:
    """A good token with further members in its header."""
    return lambda: sign(header=header)


def resigned(header: Any) -> str:
    """A good signature over any header, in whatever JSON."""
    head, body = segment(header), segment(CLAIMS)
    return f"{head}.{body}." + segment(JWSRegistry.algorithms["RS256"].sign(f"{head}.{body}".encode(), KEYS["rsa"]))


def altered(part: int, change: Callable[[str], str]) -> Callable[[], str]:
    """A good token with one part changed afterwards."""

    def alter() -> str:
        parts = sign().split(".")
        parts[part] = change(parts[part])
        return ".".join(parts)

    return alter


REFUSED = [
    *(
        pytest.param(lambda alg=alg: resigned({"alg": alg, "kid": "rsa"}), Reason.ALGORITHM, id=f"alg {alg!r}")
        for alg in ("none", "None", "nOnE", "", 5, ["RS256"], None, {"a": 1}, "HS256", "RS265", "rs256", "RSA-OAEP")
    ),
    pytest.param(lambda: resigned({"kid": "rsa"}), Reason.ALGORITHM, id="no alg"),
    pytest.param(lambda: f"{segment({'alg': 'none'})}.{segment(CLAIMS)}.", Reason.ALGORITHM, id="alg none, unsigned"),
    pytest.param(lambda: hs256(KEYS["rsa"].as_pem(private=False)), Reason.ALGORITHM, id="HS256 over the PEM"),
    pytest.param(lambda: hs256(KEYS["rsa"].as_der(private=False)), Reason.ALGORITHM, id="HS256 over the DER"),
    pytest.param(lambda: sign("p256", "ES256", header={"alg": "ES384"}), Reason.ALGORITHM, id="another curve's alg"),
    pytest.param(lambda: sign(header={"alg": "ES256"}), Reason.ALGORITHM, id="another type's alg"),
    pytest.param(lambda: sign(header={"alg": "RS384"}), Reason.SIGNATURE, id="another digest's alg"),
    pytest.param(lambda: sign(header={"kid": "other"}), Reason.UNKNOWN_KEY, id="unknown kid"),
    pytest.param(lambda: sign(header={"kid": "../../etc/passwd"}), Reason.UNKNOWN_KEY, id="kid is a path"),
    pytest.param(lambda: sign(header={"kid": "' OR 1=1 --\x00"}), Reason.UNKNOWN_KEY, id="kid is SQL and NUL"),
    pytest.param(lambda: sign(header={"kid": ""}), Reason.UNKNOWN_KEY, id="kid is blank"),
    *(pytest.param(with_header(kid=kid), Reason.MALFORMED, id=f"kid {kid!r}") for kid in (5, ["rsa"], {"a": 1}, None)),
    *(
        pytest.param(with_header(crit=crit), Reason.MALFORMED, id=f"crit {crit!r}")
        for crit in (["exp"], [], "exp", [5], ["b64"], None, {"a": 1})
    ),
    pytest.param(with_header(b64=False), Reason.MALFORMED, id="b64 false"),
    pytest.param(with_header(b64=True, crit=["b64"]), Reason.MALFORMED, id="b64 true"),
    pytest.param(with_header(typ=5), Reason.MALFORMED, id="typ is a number"),
    pytest.param(
        lambda: sign(header={"jwk": RSAKey.generate_key(2048).as_dict(private=False), "kid": "x"}),
        Reason.UNKNOWN_KEY,
        id="jwk",
    ),
    pytest.param(altered(2, lambda s: ""), Reason.SIGNATURE, id="empty signature"),
    pytest.param(altered(2, lambda s: segment(bytes(200))), Reason.SIGNATURE, id="short signature"),
    pytest.param(altered(2, lambda s: "A" * len(s)), Reason.SIGNATURE, id="another signature"),
    pytest.param(altered(1, lambda s: segment({**CLAIMS, "sub": "bob"})), Reason.SIGNATURE, id="other claims"),
    pytest.param(
        lambda: sign("p256", "ES256").rsplit(".", 1)[0] + "." + segment(bytes(64)), Reason.SIGNATURE, id="r = s = 0"
    ),
    pytest.param(
        lambda: sign("p256", "ES256").rsplit(".", 1)[0] + "." + segment(b"\xff" * 64),
        Reason.SIGNATURE,
        id="r, s of the largest",
    ),
    pytest.param(
        lambda: sign("p256", "ES256").rsplit(".", 1)[0] + "." + segment(bytes(71)),
        Reason.SIGNATURE,
        id="ECDSA of a wrong length",
    ),
    pytest.param(
        lambda: sign("ed25519", "EdDSA").rsplit(".", 1)[0] + "." + segment(bytes(5)),
        Reason.SIGNATURE,
        id="EdDSA of a wrong length",
    ),
    pytest.param(lambda: sign(payload=b"[]"), Reason.MALFORMED, id="payload is a list"),
    pytest.param(lambda: sign(payload=b"\xff"), Reason.MALFORMED, id="payload is not UTF-8"),
    pytest.param(lambda: sign(payload=b'{"a":1,"a":2}'), Reason.MALFORMED, id="a claim twice"),
    pytest.param(lambda: sign(payload=b'{"exp":NaN}'), Reason.MALFORMED, id="NaN"),
    pytest.param(
        lambda: sign(
            payload=b'{"exp":1e400}',
        ),
        Reason.MISSING_CLAIM,
        id="1e400 and no issuer",
    ),
    pytest.param(lambda: sign(x=NESTED), Reason.MALFORMED, id="nested too deep"),
    pytest.param(lambda: resigned(b"[]"), Reason.MALFORMED, id="header is a list"),
    pytest.param(lambda: resigned(b'{"alg":"RS256","alg":"RS256"}'), Reason.MALFORMED, id="alg twice"),
    pytest.param(
        lambda: resigned(b'\xef\xbb\xbf{"alg":"RS256"}'), Reason.MALFORMED, id="header with a byte order mark"
    ),
    pytest.param(
        lambda: resigned({"alg": "RS256", "x": "y" * MAX_HEADER_CHARACTERS}), Reason.MALFORMED, id="header too long"
    ),
    pytest.param(lambda: "a" * (MAX_TOKEN_CHARACTERS + 1), Reason.MALFORMED, id="token too long"),
    pytest.param(lambda: sign(x="y" * MAX_TOKEN_CHARACTERS), Reason.MALFORMED, id="good token too long"),
    pytest.param(lambda: "." * 10_000, Reason.MALFORMED, id="10,000 dots"),
    pytest.param(lambda: "", Reason.MALFORMED, id="nothing"),
    pytest.param(lambda: "abc", Reason.MALFORMED, id="1 part"),
    pytest.param(lambda: ".".join(sign().split(".")[:2]), Reason.MALFORMED, id="2 parts"),
    pytest.param(lambda: sign() + ".x", Reason.MALFORMED, id="4 parts"),
    pytest.param(lambda: "a.b.c.d.e", Reason.MALFORMED, id="5 parts, a JWE"),
    pytest.param(lambda: sign() + "\n", Reason.MALFORMED, id="a newline at the end"),
    pytest.param(lambda: sign() + "=", Reason.MALFORMED, id="padding"),
    pytest.param(lambda: sign() + "\u00e9", Reason.MALFORMED, id="not ASCII"),
    pytest.param(lambda: sign().replace("-", "+").replace("_", "/") + "+", Reason.MALFORMED, id="the other alphabet"),
    pytest.param(lambda: json.dumps({"payload": "x", "signatures": []}), Reason.MALFORMED, id="JSON serialization"),
    pytest.param(lambda: None, Reason.MALFORMED, id="None"),
    pytest.param(lambda: sign().encode(), Reason.MALFORMED, id="bytes"),
    pytest.param(lambda: sign(iss="https://sso.example.com/realms/other"), Reason.ISSUER, id="another issuer"),
    pytest.param(lambda: sign(exp=NOW - 31), Reason.EXPIRED, id="expired"),
    pytest.param(lambda: sign(aud="account"), Reason.AUDIENCE, id="another audience"),
    pytest.param(lambda: sign(typ="ID"), Reason.TOKEN_TYPE, id="an ID token"),
]


@pytest.mark.parametrize(("token", "expected"), REFUSED)
def test_a_bad_token_is_refused_for_its_reason(
    validator: RealmTokenValidator, token: Callable[[], Any], expected: Reason
) -> None:
    """TokenRejected, and nothing else; the second time as the first."""
    bad = token()

    assert reason(validator, bad) is expected
    assert reason(validator, bad) is expected


def test_a_token_without_a_signature_is_not_worth_a_question() -> None:
    """No key can have made it: the realm is asked neither for the first keys nor for others."""
    asked: list[str] = []

    def fetch(url: str) -> object:
        asked.append(url)
        return jwks()

    validator = make(fetch=fetch)
    unsigned = sign().rsplit(".", 1)[0] + "."

    assert reason(validator, unsigned) is Reason.SIGNATURE
    assert not asked
    validator.verify(sign())
    assert reason(validator, unsigned) is Reason.SIGNATURE
    assert len(asked) == 1


def test_another_issuers_token_is_not_worth_a_reload_however_its_key_was_looked_for() -> None:
    """A31: also where the keys at hand named its `kid` no more after a load, and where no key fits its algorithm."""
    other: dict[str, Any] = {"iss": "https://sso.example.com/realms/other"}
    head, body = segment({"alg": "ES256", "typ": "JWT"}), segment({**CLAIMS, **other})
    documents, clock = [jwks("rsa"), jwks("p384"), jwks("p384")], Clock()
    validator = make(fetch=lambda url: documents.pop(0), monotonic=clock)
    validator.keys.reload()

    assert reason(validator, f"{head}.{body}.{segment(bytes(64))}") is Reason.ISSUER
    assert len(documents) == 2

    clock.advance(3600)
    assert reason(validator, sign(**other)) is Reason.ISSUER  # its kid was known before the load that this makes
    assert len(documents) == 1


@pytest.mark.parametrize(
    ("token", "cause", "said"),
    [
        (lambda: resigned(b'{"alg":"RS256","SECRET"}'), json.JSONDecodeError, "JSONDecodeError"),
        (lambda: resigned(b'{"alg":"RS256","a":"\xffSECRET"}'), UnicodeDecodeError, "UnicodeDecodeError"),
        (lambda: resigned(b'{"alg":"RS256","a":"\\ud800SECRET"}'), UnicodeEncodeError, "UnicodeEncodeError"),
        (lambda: "SEC!RET0." + sign().split(".", 1)[1], ValueError, "Error"),
        (lambda: sign()[:-4] + "A!AA", ValueError, "Error"),
        (lambda: f"{segment({'alg': 'RS256', 'kid': 'x'})}.SEC!RET0.AAAA", ValueError, "Error"),
        (lambda: sign(payload=b'{"sub":"SECRET"'), json.JSONDecodeError, "JSONDecodeError"),
        (lambda: sign(payload=b"\xffSECRET"), UnicodeDecodeError, "UnicodeDecodeError"),
    ],
    ids=[
        "header",
        "header not UTF-8",
        "header with half a pair",
        "no base64url",
        "signature",
        "issuer",
        "payload",
        "not UTF-8",
    ],
)
def test_what_a_parser_says_of_a_token_goes_no_further(
    token: Callable[[], str], cause: type[Exception], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Its sentence may quote the token: the log has the kind of error; whoever debugs finds the error as `__cause__`."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(TokenRejected) as refused:
        make().verify(token())

    assert refused.value.finding.actual == said
    assert isinstance(refused.value.__cause__, cause)
    assert "SECRET" not in caplog.text


def test_every_spelling_but_one_is_refused(validator: RealmTokenValidator) -> None:
    """Slack bits in the last character would give one signature 16 spellings, and flush the cache with them."""
    token = sign()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    accepted = [last for last in alphabet if reason(validator, token[:-1] + last) is None]

    assert accepted == [token[-1]]


@pytest.mark.parametrize(
    "members",
    [{"use": "enc"}, {"key_ops": ["sign"]}, {"alg": "PS256"}, {"alg": "RSA-OAEP"}],
    ids=str,
)
def test_a_key_is_not_used_for_what_it_is_not_meant_for(members: dict[str, Any]) -> None:
    """The material is right, and the JWK says no."""
    assert reason(make({"keys": [{**jwks("rsa", **members)["keys"][0]}, *jwks("p256")["keys"]]}), sign()) in {
        Reason.UNKNOWN_KEY,
        Reason.ALGORITHM,
    }


def test_an_oct_key_in_the_set_verifies_nothing() -> None:
    """A4: a symmetric key in a public document is known to everybody."""
    secret = b"secret-secret-secret-secret-secret"
    document = {"keys": [*jwks("p256")["keys"], {"kty": "oct", "kid": "rsa", "k": segment(secret), "alg": "HS256"}]}

    assert reason(make(document), hs256(secret)) is Reason.ALGORITHM


def test_algorithms_can_be_narrowed() -> None:
    """algorithms= is what this API accepts of what the realm can do."""
    validator = make(algorithms=["ES256"])

    assert reason(validator, sign("p256", "ES256")) is None
    assert reason(validator, sign()) is Reason.ALGORITHM


@given(st.text() | st.binary().map(lambda raw: segment(raw)) | st.lists(st.binary().map(segment)).map(".".join))
def test_any_text_is_refused_without_another_exception(text: str) -> None:
    """Nothing that a client sends raises anything but TokenRejected."""
    assert reason(PLAIN, text) is not None


@given(
    st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "b64", "x"]),
        st.none() | st.text() | st.integers() | st.lists(st.text()),
    )
)
def test_any_header_is_refused_without_another_exception(header: dict[str, Any]) -> None:
    """A header of any shape, over a payload and a signature of any bytes."""
    assert reason(PLAIN, f"{segment(header)}.{segment(CLAIMS)}.{segment(b'x')}") is not None


PLAIN = make()


# Time


@pytest.mark.parametrize("size", [0, 4096])
def test_a_token_ends_at_the_same_instant_cached_or_not(size: int) -> None:
    """J20: exp plus leeway, to the second; and nbf before it."""
    clock = Clock(NOW)
    validator = make(now=clock, token_cache_size=size)
    token = sign(nbf=NOW, exp=NOW + 300)
    assert reason(validator, token) is None

    clock.seconds = NOW + 329.9
    assert reason(validator, token) is None
    clock.seconds = NOW + 330
    assert reason(validator, token) is Reason.EXPIRED
    clock.seconds = NOW - 30
    assert reason(validator, token) is None
    clock.seconds = NOW - 30.1
    assert reason(validator, token) is Reason.NOT_YET_VALID


@pytest.mark.parametrize("size", [0, 4096])
@pytest.mark.parametrize(
    ("dates", "begins"),
    [
        pytest.param({"iat": NOW}, NOW, id="iat alone"),
        pytest.param({"iat": NOW - 1000, "nbf": NOW}, NOW, id="nbf after iat"),
        pytest.param({"iat": NOW, "nbf": NOW - 1000}, NOW, id="iat after nbf"),
    ],
)
def test_a_clock_that_goes_back_ends_a_cached_token_too(size: int, dates: dict[str, Any], begins: int) -> None:
    """J17, J20: a token that was accepted is not yet valid before the later of its dates, cached or not."""
    clock = Clock(NOW)
    validator = make(now=clock, token_cache_size=size)
    token = sign(**dates)
    assert reason(validator, token) is None

    clock.seconds = begins - 30
    assert reason(validator, token) is None
    clock.seconds = begins - 30.1
    assert reason(validator, token) is Reason.NOT_YET_VALID


def test_no_text_is_taken_for_a_token_that_was_seen_before() -> None:
    """What the cache keeps a token under is its own: neither another token nor any text that somebody makes up meets it."""
    validator = make()
    tokens = {str(number): sign("ed25519", "EdDSA", jti=str(number)) for number in range(3_000)}
    for jti, token in tokens.items():
        assert validator.verify(token)["jti"] == jti

    assert all(validator.verify(token)["jti"] == jti for jti, token in tokens.items())
    assert {reason(validator, f"made up {number}") for number in range(40_000)} == {Reason.MALFORMED}


def test_the_leeway_can_be_chosen() -> None:
    """leeway_seconds, on exp, nbf and iat alike."""
    validator = make(leeway_seconds=0)

    assert reason(validator, sign(exp=NOW)) is Reason.EXPIRED
    assert reason(validator, sign(iat=NOW + 1)) is Reason.NOT_YET_VALID


def test_the_cache_is_bounded() -> None:
    """The oldest entry goes; what was dropped is verified again."""
    validator = make(token_cache_size=2)
    first = sign("ed25519", "EdDSA", jti="1")
    kept = validator.verify(first)
    assert validator.verify(first) is kept
    for jti in "23":
        validator.verify(sign("ed25519", "EdDSA", jti=jti))

    assert validator.verify(first) is not kept


# Configuration


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"audience": ""}, "blank string"),
        ({"audience": []}, "audience is empty"),
        ({"jwks_uri": "sso/certs"}, "jwks_uri 'sso/certs' has no scheme"),
        ({"jwks_uri": "http://keycloak:8080/certs"}, "allow_insecure_http=True"),
        ({"algorithms": ["HS256"]}, "'HS256'"),
        ({"leeway_seconds": float("nan")}, "leeway_seconds"),
        ({"token_cache_size": -1}, "token_cache_size"),
        ({"token_cache_size": 1.5}, "token_cache_size"),
        ({"max_document_bytes": 0, "fetch": None}, "max_document_bytes"),
        ({"realm": 'my "realm"'}, "cannot be sent in a challenge"),
        ({"now": 5}, "now is 5"),
        ({"monotonic": None}, "monotonic is None"),
        ({"fetch": "x"}, "fetch is 'x'"),
        ({"session": "a session"}, "pass one of them"),
        ({"max_age_seconds": 0}, "max_age_seconds"),
    ],
    ids=str,
)
def test_a_wrong_configuration_is_refused_at_construction(options: dict[str, Any], advice: str) -> None:
    """ValueError, before any request, in a sentence that says what to write."""
    with pytest.raises(ValueError, match=r".") as refused:
        make(**options)

    assert advice in str(refused.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("leeway", "leeway_seconds"),
        ("cooldown", "cooldown_seconds"),
        ("jwks_url", "jwks_uri"),
        ("zzz", "there are issuer"),
    ],
)
def test_an_unknown_keyword_is_refused_with_the_one_that_was_meant(name: str, meant: str) -> None:
    """TypeError, as for any callable, and a suggestion."""
    with pytest.raises(TypeError, match=meant):
        make(**{name: 5})


def test_an_audience_has_to_be_chosen(caplog: pytest.LogCaptureFixture) -> None:
    """There is no default; None is a choice, and logs one warning."""
    with pytest.raises(TypeError, match="audience"):
        RealmTokenValidator(ISSUER)  # type: ignore[call-arg]  # that is the point
    validator = make(audience=None)

    assert reason(validator, sign(aud="whatever")) is None
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_claims_options_of_authlib_are_refused() -> None:
    """They would silently check nothing here."""
    validator = make()

    with pytest.raises(TypeError, match="required_claims="):
        validator.claims_options = {"exp": {"essential": True}}
    assert validator.claims_options == {}


def test_the_same_policy_for_another_issuer() -> None:
    """with_issuer keeps everything but the issuer and where its keys are."""
    other = make(leeway_seconds=5, realm="orders").with_issuer(
        "https://sso.example.com/realms/test", fetch=lambda u: jwks()
    )

    assert reason(other, sign(iss="https://sso.example.com/realms/test")) is None
    assert reason(other, sign()) is Reason.ISSUER
    assert (other.policy.leeway_seconds, other.realm) == (5, "orders")
    assert repr(other) == "<RealmTokenValidator https://sso.example.com/realms/test audience=['orders-api']>"


def test_discover_takes_the_address_from_the_provider() -> None:
    """jwks_uri is what discovery is for."""
    with pytest.raises(ValueError, match="leave it out"):
        RealmTokenValidator.discover(ISSUER, audience="a", jwks_uri="https://sso.example.com/certs")
    with pytest.raises(ValueError, match="url"):
        RealmTokenValidator.discover("http://keycloak:8080/realms/myorg", issuer=ISSUER, audience="a")


# The refusal itself


def test_a_refusal_carries_data_and_names_the_realm() -> None:
    """reason, finding, status, description and challenge, for programs; no value of the token on the wire."""
    with pytest.raises(TokenRejected) as refused:
        make(realm="orders").verify(sign(aud="billing-api"))
    error = refused.value

    assert (error.reason, error.status_code) == (Reason.AUDIENCE, 401)
    assert (error.finding.claim, error.finding.expected, error.finding.actual) == ("aud", ["orders-api"], "billing-api")
    assert error.challenge == (
        'Bearer realm="orders", error="invalid_token", error_description="The access token is not meant for this API"'
    )


def test_a_route_for_another_issuer_is_a_refusal_and_not_a_missing_scope() -> None:
    """Requirements(issuer=): TokenRejected with 401, as for any token of another issuer; a missing role is 403."""
    validator = make()
    token = validator.verify(sign())
    with pytest.raises(TokenRejected) as refused:
        validator.require(token, Requirements.of("a", issuer="https://sso.example.com/realms/other"))
    with pytest.raises(InsufficientScope) as lacking:
        validator.require(token, Requirements.of(roles="a", issuer=ISSUER))

    assert type(refused.value) is TokenRejected
    assert (refused.value.reason, refused.value.status_code) == (Reason.ISSUER, 401)
    assert (lacking.value.reason, lacking.value.status_code) == (Reason.INSUFFICIENT_ROLE, 403)


def test_unavailable_keys_carry_their_cause() -> None:
    """Whoever catches it can see what the fetch raised."""

    def fetch(url: str) -> object:
        raise RuntimeError("the fetch of my own")

    with pytest.raises(KeysUnavailable) as unavailable:
        make(fetch=fetch).verify(sign())

    assert unavailable.value.reason is Reason.KEYS_UNAVAILABLE
    assert "the fetch of my own" in str(unavailable.value.__cause__)


def test_the_dev_realms_tokens_pass(dev_realm: DevRealm) -> None:
    """The embedded issuer and the validator agree, over HTTP."""
    validator = RealmTokenValidator(dev_realm.issuer, audience="orders-api")

    assert validator.verify(dev_realm.token(scope="test_api_access")).client_id == "test_api_client"
    assert validator.verify(dev_realm.token(user="alice", scope="test_api_access")).username == "alice"
