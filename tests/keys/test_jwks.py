"""One JWKS document, turned into keys that check signatures."""

import base64
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from resource_protector.keys.jwks import VerificationKey, read_jwks

ES256 = ECKey.generate_key("P-256", parameters={"kid": "good", "alg": "ES256", "use": "sig"}).as_dict(private=False)
RSA = RSAKey.generate_key(2048, parameters={"kid": "rsa"}).as_dict(private=False)
NUMBER = int.from_bytes(base64.urlsafe_b64decode(str(RSA["n"]) + "=="))
RSA_1024 = {**RSA, "n": str(RSA["n"])[:171]}
ED25519 = OKPKey.generate_key("Ed25519", parameters={"kid": "ed"}, private=False).as_dict()
ED448 = OKPKey.generate_key("Ed448", parameters={"kid": "ed448", "alg": "EdDSA"}, private=False).as_dict()
X25519 = OKPKey.generate_key("X25519", parameters={"kid": "x"}, private=False).as_dict()
K1 = ECKey.generate_key("secp256k1", parameters={"kid": "k1"}, private=False).as_dict()


def read(*jwks: Any) -> tuple[tuple[VerificationKey, ...], dict[str, str]]:
    """The keys of a document with these members."""
    return read_jwks({"keys": list(jwks)}, {})


@pytest.mark.parametrize(
    ("jwk", "algorithms"),
    [
        pytest.param(RSA, {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}, id="RSA without alg"),
        pytest.param({**RSA, "alg": "PS384"}, {"PS384"}, id="RSA with alg"),
        pytest.param(ES256, {"ES256"}, id="P-256"),
        pytest.param(ED25519, {"EdDSA", "Ed25519"}, id="Ed25519 without alg"),
        pytest.param({**ED25519, "alg": "Ed25519"}, {"EdDSA", "Ed25519"}, id="Ed25519 under its own name"),
        pytest.param(ED448, {"EdDSA", "Ed448"}, id="Ed448 as EdDSA"),
        pytest.param({**RSA, "key_ops": ["verify", "wrapKey"]}, None, id="key_ops with verify"),
        pytest.param({**RSA, "x5c": 5, "x5t": [], "foo": {}}, None, id="odd members that nobody reads"),
    ],
)
def test_a_key_fits_what_its_type_and_alg_allow(jwk: dict[str, Any], algorithms: set[str] | None) -> None:
    """A key is used for its own algorithms only (RFC 8725 section 3.1)."""
    (key,), skipped = read(jwk)

    assert skipped == {}
    assert algorithms is None or set(key.algorithms) == algorithms


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param("a string", id="not an object"),
        pytest.param(None, id="null"),
        pytest.param({}, id="empty"),
        pytest.param({**ES256, "kid": 5}, id="kid is a number"),
        pytest.param({**ES256, "kty": "EC2"}, id="unknown kty"),
        pytest.param({**ES256, "kty": ["EC"]}, id="kty is a list"),
        pytest.param({**ES256, "use": "enc"}, id="use enc"),
        pytest.param({**ES256, "use": None}, id="use null"),
        pytest.param({**ES256, "key_ops": ["sign"]}, id="key_ops without verify"),
        pytest.param({**ES256, "key_ops": "verify"}, id="key_ops is a string"),
        pytest.param({**ES256, "alg": "ES384"}, id="alg of another curve"),
        pytest.param({**ES256, "alg": "RS256"}, id="alg of another type"),
        pytest.param({**RSA, "alg": "RSA-OAEP"}, id="alg of encryption"),
        pytest.param({**ES256, "alg": 5}, id="alg is a number"),
        pytest.param({**ES256, "crv": "P-257"}, id="unknown curve"),
        pytest.param(K1, id="secp256k1"),
        pytest.param(X25519, id="X25519"),
        pytest.param({**ES256, "x": ES256["y"]}, id="a point off the curve"),
        pytest.param({**ES256, "x": "!!!"}, id="not base64"),
        pytest.param({**ES256, "x": 5}, id="x is a number"),
        pytest.param({name: value for name, value in ES256.items() if name != "y"}, id="no y"),
        pytest.param({**ED25519, "x": "AA"}, id="a short Ed25519 key"),
        pytest.param(RSA_1024, id="RSA of 1024 bits"),
        pytest.param({**RSA, "n": "u" * 2000}, id="RSA of 12,000 bits"),
        pytest.param({**RSA, "n": "_" * 1370}, id="RSA a little beyond 8192 bits"),
        pytest.param({**RSA, "e": "AQ"}, id="e = 1"),
        pytest.param({**RSA, "n": 5}, id="n is a number"),
        pytest.param({**RSA, "n": ""}, id="n is blank"),
        pytest.param({**RSA, "d": "AQAB"}, id="a published private key"),
        pytest.param(OctKey.generate_key(256, parameters={"kid": "oct"}).as_dict(), id="oct"),
        pytest.param({"kty": "oct", "k": "", "kid": "empty"}, id="an empty oct key"),
    ],
)
def test_an_odd_key_is_skipped_and_costs_no_other(odd: Any) -> None:
    """joserfc loses the whole set to one of these; here only the odd one is lost, and the log can say why."""
    keys, skipped = read(odd, ES256)

    assert [key.kid for key in keys] == ["good"]
    assert len(skipped) == 1


@pytest.mark.filterwarnings("ignore")  # joserfc's of a short key: in an application it stops nobody
@pytest.mark.parametrize(
    ("bits", "is_used"), [(1024, False), (2047, False), (2048, True), (8192, True), (8193, False), (16_384, False)]
)
def test_an_rsa_key_has_2048_to_8192_bits(bits: int, is_used: bool) -> None:
    """A16, A17: to the bit, and said before the key is imported (RFC 7518 section 3.3)."""
    number = 1 << (bits - 1) | NUMBER & ((1 << bits - 1) - 1)  # odd, of just so many bits
    n = base64.urlsafe_b64encode(number.to_bytes((bits + 7) // 8)).rstrip(b"=").decode()
    keys, skipped = read({**RSA, "n": n})

    assert len(keys) == is_used
    assert skipped == ({} if is_used else {"rsa": f"RSA keys of {bits} bits are not used"})


@pytest.mark.parametrize(
    "document", [None, [], "x", 5, {}, {"keys": None}, {"keys": {}}, {"keys": "x"}, {"Keys": []}], ids=str
)
def test_what_is_no_jwks_is_refused_whole(document: object) -> None:
    """A bad document is no set of keys, not an empty one."""
    with pytest.raises(ValueError, match="not a JWKS"):
        read_jwks(document, {})


def test_an_empty_set_is_a_set() -> None:
    """Keycloak says so honestly when its key providers were deleted."""
    assert read_jwks({"keys": []}, {}) == ((), {})


def test_an_unchanged_key_stays_the_same_object() -> None:
    """What was verified with it stays verified across refreshes; other material under the same kid is another key."""
    (first,), _ = read(ES256)
    known = {first.identity: first}
    changed = ECKey.generate_key("P-256", parameters={"kid": "good", "alg": "ES256"}, private=False).as_dict()

    assert read_jwks({"keys": [{**ES256, "x5c": ["new certificate"]}]}, known)[0] == (first,)
    assert read_jwks({"keys": [changed]}, known)[0] != (first,)


def test_the_same_key_twice_is_one_key() -> None:
    """A duplicate costs nothing, not even a second verification."""
    keys, _ = read(ES256, dict(ES256))

    assert len(keys) == 1
