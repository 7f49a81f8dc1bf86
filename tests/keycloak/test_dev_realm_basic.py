"""HTTP Basic with characters that must be percent-encoded (RFC 6749 section 2.3.1), on both."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from resource_protector.dev import DevRealm
from tests.keycloak import comparable, older_versions
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.realm import Realm

CLIENTS = {
    "percent%41": "50%25 more",
    "plus+plus": "a+b",
    "with a space": "a b",
    "colon:colon": "a:b:c",
    "büro": "schlüssel€",
}
REPRESENTATION: dict[str, Any] = {
    "realm": "basic",
    "enabled": True,
    "clients": [
        {"clientId": client, "secret": secret, "publicClient": False, "serviceAccountsEnabled": True}
        for client, secret in CLIENTS.items()
    ],
}
ENCODINGS: dict[str, Callable[[str], str]] = {
    "percent-encoded": lambda text: quote(text, safe=""),
    "form-encoded": quote_plus,
    "raw": lambda text: text,
}


@pytest.fixture(scope="module")
def both(keycloak: Keycloak) -> Iterator[tuple[Realm, Realm]]:
    """The realm on Keycloak and as a dev realm."""
    with keycloak.own_realm(REPRESENTATION) as realm, DevRealm({**REPRESENTATION, "realm": realm.name}) as dev_realm:
        yield realm, realm.at(f"http://127.0.0.1:{dev_realm.port}")


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_basic(keycloak: Keycloak, both: tuple[Realm, Realm], client: str, encoding: str) -> None:
    """Encoded credentials are accepted; raw ones are decoded all the same, and answered alike by both."""
    encode = ENCODINGS[encoding]
    pair = f"{encode(client)}:{encode(CLIENTS[client])}"
    header = "Basic " + b64encode(pair.encode()).decode()
    by_keycloak, by_dev_realm = (
        comparable.answer(realm.ask({"grant_type": "client_credentials"}, Authorization=header), realm.issuer)
        for realm in both
    )

    assert by_keycloak["status"] == 200 or encoding == "raw"
    assert older_versions.unexplained(keycloak, comparable.differences(by_keycloak, by_dev_realm)) == []


def test_raw_credentials_are_refused_where_decoding_changes_them(both: tuple[Realm, Realm]) -> None:
    """What `requests` and Authlib send for such a client is not what Keycloak reads."""
    header = "Basic " + b64encode(b"plus+plus:a+b").decode()
    statuses = {realm.ask({"grant_type": "client_credentials"}, Authorization=header).status_code for realm in both}

    assert statuses == {401}
