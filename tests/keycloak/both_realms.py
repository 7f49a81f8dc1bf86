"""The same realm twice: on a Keycloak and as a dev realm, changed in the same ways."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from resource_protector.dev import DevRealm
from tests.keycloak import comparable, older_versions, realm_file
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.realm import Realm

Ask = Callable[[Realm, dict[str, Any]], requests.Response]
"""A request to a realm about what is in one of its token responses."""


@dataclass(frozen=True)
class BothRealms:
    """The two, each asked by its own address. What they are told is done by the administrator's and the realm's verbs."""

    keycloak: Keycloak
    real: Realm
    dev_realm: DevRealm

    @property
    def twin(self) -> Realm:
        """The dev realm, asked as Keycloak's is."""
        return self.real.at(f"http://127.0.0.1:{self.dev_realm.port}")

    def tokens(self, client: str, **grant: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """A token response of each."""
        return self.real.tokens(client, **grant), self.twin.tokens(client, **grant)

    def ask(self, tokens: tuple[dict[str, Any], dict[str, Any]], ask: Ask) -> list[str]:
        """What differs between the answers to the same request about a token of each."""
        return self.differences(ask(self.real, tokens[0]), ask(self.twin, tokens[1]))

    def differences(self, *answers: requests.Response) -> list[str]:
        """What differs between Keycloak's answer and the dev realm's that is not known of older versions."""
        real, twin = (
            comparable.answer(answer, realm.issuer)
            for answer, realm in zip(answers, (self.real, self.twin), strict=True)
        )
        return older_versions.unexplained(self.keycloak, comparable.differences(real, twin))

    def log_out(self, user: str) -> None:
        """End all sessions of a user."""
        self.keycloak.admin.log_out(self.real.name, user)
        self.dev_realm.log_out(user)

    def end_session(self, real_sid: str, twin_sid: str) -> None:
        """End one session of each."""
        self.keycloak.admin.end_session(self.real.name, real_sid)
        self.dev_realm.end_session(twin_sid)

    def disable_user(self, user: str) -> None:
        """Disable a user."""
        self.keycloak.admin.update_user(self.real.name, user, enabled=False)
        self.dev_realm.disable_user(user)

    def disable_client(self, client: str) -> None:
        """Disable a client."""
        self.keycloak.admin.update_client(self.real.name, client, enabled=False)
        self.dev_realm.disable_client(client)

    def remove_role(self, user: str, role: str, client: str | None = None) -> None:
        """Take a role from a user."""
        self.keycloak.admin.change_role("DELETE", self.real.name, user, role, client)
        self.dev_realm.remove_role(user, role, client)

    def add_role(self, user: str, role: str, client: str | None = None) -> None:
        """Give a user a role."""
        self.keycloak.admin.change_role("POST", self.real.name, user, role, client)
        self.dev_realm.add_role(user, role, client)

    def push_not_before(self) -> None:
        """Declare void what was issued until now, of which Keycloak's console leaves out the current second."""
        self.keycloak.admin.update_realm(self.real.name, notBefore=int(time.time()) + 1)
        self.dev_realm.push_not_before()


@contextmanager
def both_realms(keycloak: Keycloak, representation: dict[str, Any]) -> Iterator[BothRealms]:
    """A realm of the caller's own on Keycloak, with its twin."""
    with (
        keycloak.own_realm(representation) as real,
        DevRealm(realm_file.renamed(representation, real.name)) as dev_realm,
    ):
        yield BothRealms(keycloak, real, dev_realm)


def skip_if_older(keycloak: Keycloak) -> None:
    """Skips a comparison of endpoints that changed much: the dev realm answers as the newest does."""
    if not keycloak.is_at_least("26.7"):
        pytest.skip("until 26.6 the caller of introspection needed not be in `aud`, among other differences")
