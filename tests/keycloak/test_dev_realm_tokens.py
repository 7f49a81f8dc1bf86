"""The dev realm's tokens against Keycloak's, claim by claim. Where they differ, the dev realm is wrong."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from resource_protector.dev import DevRealm
from tests.keycloak import comparable, older_versions, realm_file
from tests.keycloak.keycloak import REALM_FILES, Keycloak
from tests.keycloak.realm import Realm

Pair = tuple[Realm, Realm]

SCOPES = [
    None,
    "openid",
    "offline_access",
    "openid offline_access",
    "openid profile email",
    "test_api_access",
    "openid test_api_access",
    "openid openid",
    "no_such_scope",
    "",
]


def requests_of(file: Path) -> Iterator[Any]:
    """Every client of a file, for itself and for every user."""
    content = realm_file.content(file)
    for client in realm_file.secrets(content):
        for user in (None, *realm_file.passwords(content)):
            yield pytest.param(file, client, user, id=f"{content['realm']}: {client} for {user or 'itself'}")


@pytest.fixture(scope="module")
def pairs(keycloak: Keycloak) -> Iterator[dict[Path, Pair]]:
    """Keycloak's realm and the dev realm, of each file."""
    with ExitStack() as running:
        yield {
            file: (keycloak.realm(file), beside(keycloak.realm(file), running.enter_context(DevRealm(file))))
            for file in REALM_FILES
        }


def beside(realm: Realm, dev_realm: DevRealm) -> Realm:
    """The dev realm, asked as Keycloak's is."""
    twin = realm.at(f"http://127.0.0.1:{dev_realm.port}")
    assert twin.issuer == dev_realm.issuer
    return twin


@pytest.mark.parametrize(("file", "client", "user"), [row for file in REALM_FILES for row in requests_of(file)])
def test_tokens(keycloak: Keycloak, pairs: dict[Path, Pair], file: Path, client: str, user: str | None) -> None:
    """Client credentials, password and refresh grants, with every scope: the same answer, or the same refusal."""
    if client == "dpop" and not older_versions.binds_tokens(keycloak):
        client = "test_api_client"  # there is nothing to compare with, and the other rows compare the rest
    found = {
        scope: older_versions.unexplained(keycloak, differences_of(pairs[file], client=client, user=user, scope=scope))
        for scope in SCOPES
    }

    assert found == {scope: [] for scope in SCOPES}


def differences_of(pair: Pair, *, client: str, user: str | None, scope: str | None) -> list[str]:
    """What differs between the two answers, and between the answers to a refresh if there is one."""
    answers = [realm.ask(realm.grant(client, user=user, scope=scope)) for realm in pair]
    lines = compared(pair, answers)
    if all("refresh_token" in answer.json() for answer in answers):
        refreshes = [
            realm.ask(realm.refresh(client, answer.json()["refresh_token"]))
            for realm, answer in zip(pair, answers, strict=True)
        ]
        lines += [f"refreshed: {line}" for line in compared(pair, refreshes)]
    return lines


def compared(pair: Pair, answers: list[requests.Response]) -> list[str]:
    """What differs between Keycloak's answer and the dev realm's."""
    by_keycloak, by_dev_realm = (
        comparable.answer(answer, realm.issuer) for realm, answer in zip(pair, answers, strict=True)
    )
    return comparable.differences(by_keycloak, by_dev_realm)
