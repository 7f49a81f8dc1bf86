import pytest

from resource_protector import RealmTokenValidator, Reason, TokenRejected
from resource_protector.dev import DevRealm
from resource_protector.dev.algorithms import ALGORITHMS
from resource_protector.dev.key_ring import KeyRing, OldKey
from tests.keycloak import unverified


def kid(token: str) -> str:
    """The key id of a token."""
    return str(unverified.header(token)["kid"])


@pytest.fixture
def ring() -> KeyRing:
    """The keys of a new realm."""
    return KeyRing()


def test_the_certs_have_a_key_for_signatures_and_one_for_encryption(ring: KeyRing) -> None:
    """As in Keycloak, the first key is one that no signature may be checked with; nothing private is shown."""
    encryption, signature = ring.certs()["keys"]

    assert (encryption["use"], encryption["alg"], encryption["kty"]) == ("enc", "RSA-OAEP", "RSA")
    assert (signature["use"], signature["alg"], signature["kid"]) == ("sig", "RS256", ring.signing_key().kid)
    assert sorted(signature) == ["alg", "e", "kid", "kty", "n", "use"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_for_every_algorithm(ring: KeyRing, algorithm: str) -> None:
    """Every asymmetric algorithm of Keycloak gets a key when it is asked for, and keeps it."""
    key = ring.signing_key(algorithm)

    assert key.algorithm == algorithm
    assert ring.signing_key(algorithm) is key
    assert {"d", "p", "q"}.isdisjoint(key.public())


@pytest.mark.parametrize(
    ("old", "published", "signs_again"), [("keep", True, True), ("passive", True, False), ("withdraw", False, False)]
)
def test_what_becomes_of_the_old_key(ring: KeyRing, old: OldKey, published: bool, signs_again: bool) -> None:
    """The old key is kept active, only published, or gone; which shows when the new one is withdrawn."""
    before = ring.signing_key().kid
    new = ring.rotate(old)

    assert ring.signing_key().kid == new
    assert (before in ring.key_ids) is published
    ring.withdraw(new)
    assert (ring.signing_key().kid == before) is signs_again


def test_rotating_to_another_algorithm(ring: KeyRing) -> None:
    """After a rotation the realm signs with the new key, whatever its algorithm."""
    ring.rotate(algorithm="ES256")

    assert ring.signing_key().algorithm == "ES256"
    assert len(ring.key_ids) == 2


def test_rotating_when_every_key_is_gone(ring: KeyRing) -> None:
    """With all keys withdrawn the certs are without a signing key, until the next token makes one or a rotation does."""
    ring.withdraw(ring.signing_key().kid)

    assert [key["use"] for key in ring.certs()["keys"]] == ["enc"]
    for old in ("keep", "passive", "withdraw"):
        ring.withdraw(ring.rotate(old))
    assert ring.signing_key().kid in ring.key_ids


def test_mistakes_are_named(ring: KeyRing) -> None:
    """A wrong word, algorithm or key id says what there is."""
    with pytest.raises(ValueError, match="write 'keep', 'passive' or 'withdraw'"):
        ring.rotate("drop")  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(ValueError, match="write one of RS256, RS384"):
        ring.rotate(algorithm="HS256")
    with pytest.raises(ValueError, match=f"no signing key 'x': write one of {ring.signing_key().kid}"):
        ring.withdraw("x")


def test_rotation_seen_by_a_validator(dev_realm: DevRealm) -> None:
    """Through all three steps of a rotation: the new token is good at once, the old one until its key is withdrawn."""
    validator = RealmTokenValidator(dev_realm.issuer, audience="orders-api")
    old = dev_realm.mint()
    validator.verify(old)
    dev_realm.rotate(old="passive")

    assert validator.verify(dev_realm.mint())
    assert validator.verify(old)
    dev_realm.withdraw(kid(old))
    validator.keys.reload()
    with pytest.raises(TokenRejected) as raised:
        validator.verify(old)
    assert raised.value.reason is Reason.UNKNOWN_KEY


def test_a_change_can_be_undone(dev_realm: DevRealm) -> None:
    """Keys made, rotated and withdrawn within a block are as before after it; so are the counts."""
    before = kid(dev_realm.mint())
    dev_realm.requests["token"] = 3
    with dev_realm.undoing_changes():
        dev_realm.rotate(old="withdraw", alg="PS256")
        dev_realm.requests.clear()

    assert kid(dev_realm.mint()) == before
    assert dev_realm.requests == {"token": 3}
