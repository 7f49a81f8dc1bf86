"""Two realms of one Keycloak beside each other, of which one is deleted and made again."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests

from resource_protector import MultiRealmValidator, RealmTokenValidator
from tests.keycloak import application, realm_file, unverified
from tests.keycloak.admin import Admin
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.polling import poll
from tests.keycloak.realm import Realm
from tests.polling import Clock

MAX_AGE_SECONDS = 60
MAX_STALE_SECONDS = 120
LONGEST_RETRY_SECONDS = 30
STEP_SECONDS = 10


class TwoRealms:
    """An application that accepts the tokens of two realms, on a clock of its own for the age of keys."""

    def __init__(self, admin: Admin, doomed: Realm, other: Realm) -> None:
        self.admin = admin
        self.doomed = doomed
        self.other = other
        self.clock = Clock()
        self.validator = MultiRealmValidator(
            *(
                RealmTokenValidator(
                    realm.issuer,
                    audience="orders-api",
                    max_age_seconds=MAX_AGE_SECONDS,
                    max_stale_seconds=MAX_STALE_SECONDS,
                    monotonic=self.clock,
                )
                for realm in (doomed, other)
            )
        )
        self._app = application.make(self.validator)
        self.retry_after: list[str | None] = []
        self.other_answers: list[int] = []
        self._other_tokens = [token_of(other)]

    def ask(self, token: str) -> int:
        """The application's answer to a token of the doomed realm; the other realm's tokens are asked with it."""
        self.other_answers += [application.ask(self._app, other).status_code for other in self._other_tokens]
        answer = application.ask(self._app, token)
        if answer.status_code == 503:
            self.retry_after.append(answer.headers.get("Retry-After"))
        return answer.status_code

    def rotate(self, realm: Realm, priority: int) -> str:
        """A token of a new key."""
        self.admin.add_key(realm.name, "rsa-generated", priority, algorithm="RS256", keySize="2048")
        return token_of(realm)

    def rotate_other(self, priority: int) -> None:
        """From now on the other realm's tokens are also those of a new key, which is to be accepted at once."""
        self._other_tokens.append(self.rotate(self.other, priority))

    def delete(self) -> None:
        """Delete the doomed realm."""
        self.admin.delete_realm(self.doomed.name)

    def make_again(self) -> None:
        """A realm of the same name with the same clients, and with keys of its own."""
        self.admin.create_realm(realm_file.renamed(realm_file.content(realm_file.MYORG), self.doomed.name))

    def advance(self, seconds: float, token: str) -> int:
        """The answer after so many seconds; what it has started is over when this returns."""
        self.clock.advance(seconds)
        answer = self.ask(token)
        poll(self._is_settled, seconds=30, what="the end of the refreshes")
        return answer

    def _is_settled(self) -> bool:
        return all((status["next_attempt_seconds"] or 0) > 0 for status in self.validator.status().values())


@pytest.fixture
def two(keycloak: Keycloak) -> Iterator[TwoRealms]:
    """Two realms of the test's own."""
    with ExitStack() as stack:
        content = realm_file.content(realm_file.MYORG)
        doomed, other = (stack.enter_context(keycloak.own_realm(content)) for _ in range(2))
        yield TwoRealms(keycloak.admin, doomed, other)


def token_of(realm: Realm) -> str:
    """An access token for this API."""
    return realm.token("test_api_client", scope="test_api_access")


def test_a_deleted_realm_ends_at_its_stale_limit_and_touches_no_other(two: TwoRealms) -> None:
    """J7, J8, J10, J18: deleted, known keys go on for their time, unknown ones 503; the other realm rotates meanwhile."""
    known = token_of(two.doomed)
    before = two.ask(known)
    kids = [set(status["key_ids"]) for status in two.validator.status().values()]
    published = [two.doomed.signing_kids(), two.other.signing_kids()]
    unknown = two.rotate(two.doomed, 200)
    two.delete()
    certs = requests.get(f"{two.doomed.issuer}/protocol/openid-connect/certs", timeout=30).status_code
    two.rotate_other(200)
    at_once = {"known": two.ask(known), "unknown": two.ask(unknown)}
    status_at_once = two.validator.status()

    steps = range(STEP_SECONDS, MAX_AGE_SECONDS + MAX_STALE_SECONDS + 5 * STEP_SECONDS, STEP_SECONDS)
    by_age = {age: (two.advance(STEP_SECONDS, known), two.ask(unknown)) for age in steps}
    two.rotate_other(300)
    beyond = two.ask(known)
    status_beyond = two.validator.status()

    two.make_again()
    new = token_of(two.doomed)
    after = {
        "new": two.advance(LONGEST_RETRY_SECONDS, new),
        "known": two.ask(known),
        "unknown": two.ask(unknown),
        "rotated": two.advance(STEP_SECONDS, two.rotate(two.doomed, 200)),
    }

    assert before == 200
    assert kids == published
    assert kids[0].isdisjoint(kids[1])
    assert certs == 404
    assert at_once == {"known": 200, "unknown": 503}
    assert "answered 404" in str(status_at_once[two.doomed.issuer]["last_error"])
    limit = MAX_AGE_SECONDS + MAX_STALE_SECONDS
    assert by_age == {age: (200 if age < limit else 503, 503) for age in steps}
    assert beyond == 503
    assert all(1 <= int(seconds or 0) <= LONGEST_RETRY_SECONDS for seconds in two.retry_after)
    assert status_beyond[two.doomed.issuer]["is_stale"]
    assert not status_beyond[two.other.issuer]["is_stale"]
    assert status_beyond[two.other.issuer]["last_error"] is None
    assert two.other.signing_kids() == set(status_beyond[two.other.issuer]["key_ids"])
    assert set(two.other_answers) == {200}
    assert unverified.header(new)["kid"] not in published[0] | {unverified.header(unknown)["kid"]}
    assert after == {"new": 200, "known": 401, "unknown": 401, "rotated": 200}


def test_a_realm_made_again_within_the_stale_limit_ends_its_old_keys(two: TwoRealms) -> None:
    """J5, J18: the first load of the new realm ends what the deleted one had signed, though it would have served longer."""
    known = token_of(two.doomed)
    before = two.ask(known)
    two.delete()
    while_deleted = two.advance(MAX_AGE_SECONDS, known)
    failed = two.validator.status()[two.doomed.issuer]["last_error"]
    two.make_again()
    until_noticed = two.advance(LONGEST_RETRY_SECONDS, known)

    after = {"new": two.ask(token_of(two.doomed)), "known": two.ask(known)}

    assert (before, while_deleted, until_noticed) == (200, 200, 200)
    assert "answered 404" in str(failed)
    assert after == {"new": 200, "known": 401}
    assert set(two.other_answers) == {200}
