"""Every asymmetric algorithm that a realm can be set to."""

from typing import Any

import pytest

from resource_protector import RealmTokenValidator, Reason, TokenRejected
from tests.keycloak import realm_file, unverified
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.realm import Realm

RSA = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
ECDSA = ["ES256", "ES384", "ES512"]


@pytest.mark.parametrize(("client", "algorithm"), [("ps256", "PS256"), ("es256", "ES256"), ("eddsa", "EdDSA")])
def test_a_key_that_appears_on_first_use_is_accepted_at_once(own_myorg: Realm, client: str, algorithm: str) -> None:
    """The realm makes the key with the first such token; an API that loaded its keys before accepts that token."""
    validator = RealmTokenValidator(own_myorg.issuer, audience="orders-api")
    validator.verify(own_myorg.token("test_api_client", scope="test_api_access"))
    known = own_myorg.signing_kids()

    token = own_myorg.token(client, scope="test_api_access")

    header = unverified.header(token)
    assert header["alg"] == algorithm
    assert header["kid"] not in known
    assert validator.verify(token)


def test_every_algorithm_that_a_client_can_be_set_to(keycloak: Keycloak) -> None:
    """RS, PS and ES in every size, and EdDSA on both curves: accepted, and only where the policy allows them."""
    clients = [client(algorithm) for algorithm in (*RSA, *ECDSA, "EdDSA")]
    with keycloak.own_realm({"realm": "algorithms", "enabled": True, "clients": clients}) as realm:
        tokens = [realm.token(algorithm) for algorithm in (*RSA, *ECDSA, "EdDSA")]
        keycloak.admin.add_key(realm.name, "eddsa-generated", 200, eddsaEllipticCurveKey="Ed448")
        tokens.append(realm.token("EdDSA"))
        curves = {key["crv"] for key in realm.certs() if key["kty"] == "OKP"}
        everything = RealmTokenValidator(realm.issuer, audience="orders-api")
        elliptic_only = RealmTokenValidator(realm.issuer, audience="orders-api", algorithms=["ES256"])

        assert [unverified.header(token)["alg"] for token in tokens] == [*RSA, *ECDSA, "EdDSA", "EdDSA"]
        assert curves == {"Ed25519", "Ed448"}
        assert len({unverified.header(token)["kid"] for token in tokens[-2:]}) == 2
        for token in tokens:
            assert everything.verify(token)
            if unverified.header(token)["alg"] == "ES256":
                assert elliptic_only.verify(token)
            else:
                with pytest.raises(TokenRejected) as refused:
                    elliptic_only.verify(token)
                assert refused.value.reason is Reason.ALGORITHM


def client(algorithm: str) -> dict[str, Any]:
    """A client whose access tokens are signed by that algorithm, which is also its name."""
    return {
        "clientId": algorithm,
        "secret": "secret",
        "publicClient": False,
        "serviceAccountsEnabled": True,
        "attributes": {"access.token.signed.response.alg": algorithm},
        "protocolMappers": [realm_file.AUDIENCE_MAPPER],
    }
