"""`examples/online_to_offline` on a real Keycloak: what is asked of it, and what changes for the callers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.keycloak import unverified
from tests.keycloak.forwarder import Forwarder
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.older_versions import is_up_to
from tests.keycloak.realm import Realm
from tests.migration import programs
from tests.migration.expected import STATUSES

HOUR = 3600
INTROSPECTING = {"python_keycloak_introspect", "authlib_introspection", "flask_oidc"}


class RealKeycloak:
    """A realm of a real Keycloak, behind a forwarder; one of its keys is also in our hands."""

    def __init__(self, realm: Realm, forwarder: Forwarder, key: RSAKey, kid: str) -> None:
        self.realm = realm.at(forwarder.url)
        self._forwarder = forwarder
        self._key = key
        self._kid = kid

    @property
    def requests(self) -> Counter[str]:
        return self._forwarder.requests

    def down(self) -> AbstractContextManager[object]:
        return self._forwarder.down()

    def expired(self) -> str:
        token = self.realm.token("web", user="alice")
        now = int(time.time())
        claims = unverified.claims(token) | {"iat": now - 2 * HOUR, "exp": now - HOUR}
        return jwt.encode(unverified.header(token) | {"kid": self._kid}, claims, self._key)


@pytest.fixture(scope="module")
def provider(keycloak: Keycloak) -> Iterator[RealKeycloak]:
    """A realm of this module's own, with an imported key beside the one that signs."""
    with keycloak.own_realm(programs.realm_content()) as realm, Forwarder(keycloak.url) as forwarder:
        generated = realm.signing_kids()
        key = RSAKey.generate_key(2048)
        private = key.as_pem(private=True).decode()
        keycloak.admin.add_key(realm.name, "rsa", 50, privateKey=private, algorithm="RS256")
        (kid,) = realm.signing_kids() - generated
        yield RealKeycloak(realm, forwarder, key, kid)


@pytest.mark.parametrize("kind", programs.KINDS)
def test_both_programs_answer_as_the_page_says(
    keycloak: Keycloak, provider: RealKeycloak, kind: str, figure: Callable[[str], None]
) -> None:
    """Status by status as on the dev realm; the same bodies; and after the change Keycloak is asked for keys alone."""
    outcome = programs.compare(kind, provider)
    figure(str(outcome))
    served = [name for name, statuses in outcome.statuses.items() if statuses == (200, 200)]

    assert outcome.statuses == expected(keycloak, kind)
    assert [outcome.after[name].body for name in served] == [outcome.before[name].body for name in served]
    assert all(outcome.before[name].asked >= 1 for name in ("good", "forged", "expired", "ID token"))
    assert outcome.requests == {"certs": 2}
    assert [name for name, answer in outcome.after.items() if answer.asked] == ["forged"]


def expected(keycloak: Keycloak, kind: str) -> dict[str, tuple[int, int]]:
    """The table of the page. Older versions introspect for clients that the token does not name."""
    statuses = dict(STATUSES[kind])
    if is_up_to(keycloak, "26.4.7") and kind in INTROSPECTING:
        statuses["other audience"] = (200, 401)
    return statuses
