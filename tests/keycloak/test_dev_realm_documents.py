"""The dev realm's discovery and certs beside Keycloak's."""

from base64 import b64decode
from collections.abc import Iterator

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from resource_protector.dev import DevRealm
from tests.keycloak import comparable, realm_file
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.realm import Realm


@pytest.fixture(scope="module")
def twin(myorg: Realm) -> Iterator[Realm]:
    """The dev realm, asked as Keycloak's realm is."""
    with DevRealm(realm_file.MYORG) as dev_realm:
        yield myorg.at(f"http://127.0.0.1:{dev_realm.port}")


def test_discovery_names_the_same_addresses(myorg: Realm, twin: Realm) -> None:
    """What the dev realm's discovery says is what Keycloak's says, or part of it."""
    by_keycloak, by_dev_realm = (
        requests.get(f"{realm.issuer}/.well-known/openid-configuration", timeout=30).json() for realm in (myorg, twin)
    )

    assert {"issuer", "jwks_uri"} <= set(by_dev_realm)
    assert {"token_endpoint", "introspection_endpoint", "userinfo_endpoint"} <= set(by_dev_realm)
    assert {"end_session_endpoint", "revocation_endpoint"} <= set(by_dev_realm)
    for name, value in by_dev_realm.items():
        if isinstance(value, list):
            assert set(value) <= set(by_keycloak[name]), name
        else:
            assert value.replace(twin.issuer, myorg.issuer) == by_keycloak[name], name


def test_the_realm_s_own_page(myorg: Realm, twin: Realm) -> None:
    """At the issuer's address both have the same members, with the key that RS256 signs with."""
    pages = [requests.get(realm.issuer, timeout=30) for realm in (myorg, twin)]
    by_keycloak, by_dev_realm = (
        comparable.answer(page, realm.issuer) for page, realm in zip(pages, (myorg, twin), strict=True)
    )
    for page, realm in zip(pages, (myorg, twin), strict=True):
        token = realm.token("test_api_client")
        pinned = RSAKey.import_key(b64decode(page.json()["public_key"]))

        assert jwt.decode(token, pinned, algorithms=["RS256"]).claims["azp"] == "test_api_client"
    assert [line for line in comparable.differences(by_keycloak, by_dev_realm) if "/public_key:" not in line] == []


def test_the_same_kinds_of_keys_appear(myorg: Realm, twin: Realm) -> None:
    """After the same tokens, both publish keys of the same kinds, one of them for encryption."""
    kinds = []
    for realm in (myorg, twin):
        for client in ("test_api_client", "ps256", "es256", "eddsa"):
            realm.token(client)
        kinds.append({tuple(key.get(name) for name in ("kty", "crv", "alg", "use")) for key in realm.certs()})

    assert kinds[0] == kinds[1]
    assert ("RSA", None, "RSA-OAEP", "enc") in kinds[0]


def test_neither_names_a_secret_part_of_a_key(myorg: Realm, twin: Realm) -> None:
    """No private member of a key is published."""
    members = {member for realm in (myorg, twin) for key in realm.certs() for member in key}

    assert members.isdisjoint({"d", "p", "q", "dp", "dq", "qi", "k"})


def test_an_unknown_realm_is_404_on_both(keycloak: Keycloak, twin: Realm) -> None:
    """A realm that does not exist has neither discovery nor certs nor a token endpoint."""
    statuses = [
        requests.request(method, f"{server}/realms/nowhere/{path}", timeout=30).status_code
        for server in (keycloak.url, twin.server_url)
        for method, path in [
            ("GET", ".well-known/openid-configuration"),
            ("GET", "protocol/openid-connect/certs"),
            ("POST", "protocol/openid-connect/token"),
        ]
    ]

    assert statuses == [404] * 6
