import time
from typing import get_args

import pytest

from resource_protector import RealmTokenValidator, Reason, TokenRejected
from resource_protector.dev import DevRealm, Wrong
from tests.dev import realms
from tests.dev.realms import LOCAL_REALM_FILE
from tests.keycloak import unverified

REASONS: dict[Wrong, set[Reason]] = {
    "expired": {Reason.EXPIRED},
    "not_yet_valid": {Reason.NOT_YET_VALID},
    "audience": {Reason.AUDIENCE},
    "issuer": {Reason.ISSUER},
    "id_token": {Reason.TOKEN_TYPE},
    "id_token_without_typ": {Reason.TOKEN_TYPE},
    "refresh_token": {Reason.ALGORITHM},
    "key": {Reason.SIGNATURE},
    "unknown_key": {Reason.UNKNOWN_KEY},
    "signature": {Reason.SIGNATURE},
    # A token without a signature may be called malformed before its algorithm is looked at.
    "alg_none": {Reason.ALGORITHM},
    "lightweight": {Reason.LIGHTWEIGHT},
}


@pytest.fixture
def validator(dev_realm: DevRealm) -> RealmTokenValidator:
    """A validator of the realm for the audience of its file."""
    return RealmTokenValidator(dev_realm.issuer, audience="orders-api")


def test_a_minted_token_is_valid(dev_realm: DevRealm, validator: RealmTokenValidator) -> None:
    """Without any argument it is a valid token for the audience of the file, shaped like Keycloak's."""
    minted = validator.verify(dev_realm.mint())
    issued = validator.verify(dev_realm.token(scope="test_api_access"))

    assert minted.audience == ("orders-api",)
    assert set(minted) == set(issued)
    assert unverified.header(dev_realm.mint()) == unverified.header(dev_realm.token())


def test_any_claim_can_be_given(dev_realm: DevRealm, validator: RealmTokenValidator) -> None:
    """A claim that is given replaces the token's own; a role test needs no user in a file."""
    token = validator.verify(
        dev_realm.mint(scope="orders:read", sub="alice", realm_access={"roles": ["admin"]}, groups=["/staff"])
    )

    assert token["sub"] == "alice"
    assert token["realm_access"] == {"roles": ["admin"]}
    assert token["scope"] == "orders:read"
    assert token["groups"] == ["/staff"]


def test_a_claim_can_be_left_out(dev_realm: DevRealm) -> None:
    """None takes a claim away."""
    assert "sub" not in unverified.claims(dev_realm.mint(sub=None))


@pytest.mark.parametrize("wrong", get_args(Wrong))
def test_every_way_to_be_wrong(dev_realm: DevRealm, validator: RealmTokenValidator, wrong: Wrong) -> None:
    """Each wrong token is refused for its own reason and no other."""
    with pytest.raises(TokenRejected) as raised:
        validator.verify(dev_realm.mint(wrong))

    assert raised.value.reason in REASONS[wrong]


@pytest.mark.parametrize("wrong", ["signature", "key", "unknown_key"])
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_wrong_signatures_of_other_algorithms(dev_realm: DevRealm, wrong: Wrong, algorithm: str) -> None:
    """Wrong signatures and keys are of the algorithm that the realm uses."""
    dev_realm.rotate(alg=algorithm)
    validator = RealmTokenValidator(dev_realm.issuer, audience="orders-api")

    assert validator.verify(dev_realm.mint())
    with pytest.raises(TokenRejected) as raised:
        validator.verify(dev_realm.mint(wrong))
    assert raised.value.reason in REASONS[wrong]


def test_what_a_wrong_token_looks_like(dev_realm: DevRealm) -> None:
    """Wrong tokens look as Keycloak's do: type, algorithm, and what tells them apart."""
    id_token, untyped = (unverified.claims(dev_realm.mint(wrong)) for wrong in ("id_token", "id_token_without_typ"))
    refresh = dev_realm.mint("refresh_token")

    assert unverified.claims(dev_realm.mint("not_yet_valid"))["nbf"] > time.time() + 3000
    assert (id_token["typ"], id_token["aud"]) == ("ID", "orders-api")
    assert "typ" not in untyped
    assert "at_hash" in untyped
    assert (unverified.header(refresh)["alg"], unverified.claims(refresh)["typ"]) == ("HS512", "Refresh")
    assert dev_realm.mint("alg_none").endswith(".")
    assert "aud" not in unverified.claims(dev_realm.mint("lightweight"))


def test_a_wrong_token_with_claims(dev_realm: DevRealm) -> None:
    """Claims may be given for a wrong token too, and have the last word."""
    claims = unverified.claims(dev_realm.mint("expired", scope="orders:read"))

    assert claims["scope"] == "orders:read"
    assert claims["exp"] - claims["iat"] == 3600


def test_an_unknown_way_to_be_wrong(dev_realm: DevRealm) -> None:
    """A misspelt `wrong` says what there is, instead of minting a valid token."""
    with pytest.raises(ValueError, match=r"mint\(wrong='expird'\) is not known: write one of expired, not_yet_valid"):
        dev_realm.mint("expird")  # type: ignore[arg-type]  # the mistake under test


@pytest.mark.parametrize(
    ("file", "audience"),
    [
        pytest.param(LOCAL_REALM_FILE, "local-api", id="a realm without a service account"),
        pytest.param({"realm": "empty", "enabled": True}, None, id="a realm with nothing in it"),
        pytest.param(
            realms.file(realms.client(protocolMappers=[realms.mapper("oidc-audience-mapper")])),
            None,
            id="an audience mapper that names none",
        ),
        pytest.param(
            realms.file(roles={"client": {"b": [{"name": "r"}], "a": [{"name": "r"}], "c": []}}), ["a", "b"], id="roles"
        ),
    ],
)
def test_other_realms(file: object, audience: object) -> None:
    """Every realm can mint; `aud` is what its audience mappers and client roles can give."""
    claims = unverified.claims(DevRealm(file, port=8080).mint(scope="x"))  # type: ignore[arg-type]  # a path or a file

    assert claims.get("aud") == audience
    assert claims["scope"] == "x"
    assert claims["sub"]
    assert claims["typ"] == "Bearer"


def test_bearer(dev_realm: DevRealm) -> None:
    """The header of a given token, or of one that is minted."""
    assert dev_realm.bearer("abc") == {"Authorization": "Bearer abc"}
    minted = dev_realm.bearer(wrong="expired", scope="x")["Authorization"].removeprefix("Bearer ")
    assert unverified.claims(minted)["scope"] == "x"
