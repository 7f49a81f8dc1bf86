"""Key rotation as an operator does it, in three steps, under traffic."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask.testing import FlaskClient

from resource_protector import RealmTokenValidator
from tests.keycloak import application, unverified
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.polling import poll
from tests.keycloak.realm import Realm


class Traffic:
    """Requests tokens without a pause, calls the application with each at once, and remembers every answer."""

    def __init__(self, realm: Realm, app: FlaskClient) -> None:
        self._realm = realm
        self._app = app
        self._done = threading.Event()
        self.answers: list[tuple[str, int]] = []
        self.failure: Exception | None = None

    @contextmanager
    def flowing(self) -> Iterator["Traffic"]:
        """Lets it flow beside the block."""
        thread = threading.Thread(target=self._flow)
        thread.start()
        try:
            yield self
        finally:
            self._done.set()
            thread.join()
        if self.failure is not None:
            raise self.failure

    def reaches(self, kid: str, count: int = 10) -> None:
        """Waits until that many more tokens signed by the key were answered."""
        wanted = self._count(kid) + count
        poll(
            lambda: self.failure is not None or self._count(kid) >= wanted,
            seconds=30,
            what=f"{wanted} calls with tokens of {kid}",
        )

    def _count(self, kid: str) -> int:
        return sum(1 for signed_by, _ in list(self.answers) if signed_by == kid)

    def _flow(self) -> None:
        try:
            while not self._done.is_set():
                token = self._realm.token("test_api_client", scope="test_api_access")
                answer = application.ask(self._app, token)
                self.answers.append((unverified.header(token)["kid"], answer.status_code))
        except Exception as error:  # noqa: BLE001 - raised again in the test's own thread
            self.failure = error


def test_a_rotation_gives_not_one_wrong_answer(keycloak: Keycloak, own_myorg: Realm) -> None:
    """New key, old key passive, old key removed: every fresh token is 200, and the old key's until it is gone."""
    realm, admin = own_myorg, keycloak.admin
    validator = RealmTokenValidator(realm.issuer, audience="orders-api")
    app = application.make(validator)
    held = realm.token("test_api_client", scope="test_api_access")
    old = unverified.header(held)["kid"]

    with Traffic(realm, app).flowing() as traffic:
        traffic.reaches(old)

        admin.add_key(realm.name, "rsa-generated", 200, algorithm="RS256", keySize="2048")
        new = admin.active_keys(realm.name)["RS256"]
        traffic.reaches(new)
        after_new_key = application.ask(app, held).status_code
        published_after_new_key = realm.signing_kids()

        provider = admin.provider_of_key(realm.name, old)
        admin.update_key_provider(realm.name, provider, active="false")
        traffic.reaches(new)
        validator.keys.reload()
        after_passive = application.ask(app, held).status_code
        published_after_passive = realm.signing_kids()

        admin.delete_key_provider(realm.name, provider)
        traffic.reaches(new)
        before_reload = application.ask(app, held).status_code
        validator.keys.reload()
        after_removal = application.ask(app, held)
        traffic.reaches(new)
        published_after_removal = realm.signing_kids()

    assert old != new
    assert {status for _, status in traffic.answers} == {200}
    assert {kid for kid, _ in traffic.answers} == {old, new}
    assert {old, new} <= published_after_new_key
    assert {old, new} <= published_after_passive
    assert old not in published_after_removal
    assert (after_new_key, after_passive, before_reload) == (200, 200, 200)
    assert after_removal.status_code == 401
    assert after_removal.json == {
        "error": "invalid_token",
        "error_description": "The signature of the access token could not be verified",
    }


def test_a_realm_that_lost_all_its_keys_is_followed(keycloak: Keycloak, own_myorg: Realm) -> None:
    """When every signing key is deleted, the next token, signed by a fallback key, is accepted at once."""
    realm, admin = own_myorg, keycloak.admin
    app = application.make(RealmTokenValidator(realm.issuer, audience="orders-api"))
    first = realm.token("test_api_client", scope="test_api_access")
    before = application.ask(app, first).status_code
    for provider in admin.key_providers(realm.name):
        if provider["providerId"].startswith("rsa"):
            admin.delete_key_provider(realm.name, provider)
    published = realm.certs()
    while_empty = application.ask(app, first).status_code

    fallback = realm.token("test_api_client", scope="test_api_access")

    assert published == []
    assert (before, while_empty) == (200, 200)
    assert unverified.header(fallback)["kid"] != unverified.header(first)["kid"]
    assert application.ask(app, fallback).status_code == 200
