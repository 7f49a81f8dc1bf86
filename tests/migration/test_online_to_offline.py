from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from resource_protector.dev import DevRealm
from tests.keycloak import realm_file
from tests.keycloak.realm import Realm
from tests.migration import programs
from tests.migration.expected import STATUSES
from tests.migration.programs import Outcome

Run = Callable[[str], Outcome]


class Dev:
    """The dev realm as a provider of the programs."""

    def __init__(self, dev: DevRealm) -> None:
        content = programs.realm_content()
        server_url = dev.issuer.removesuffix(f"/realms/{dev.name}")
        self.realm = Realm(server_url, dev.name, realm_file.secrets(content), realm_file.passwords(content))
        self._dev = dev

    @property
    def requests(self) -> Counter[str]:
        return self._dev.requests

    def down(self) -> AbstractContextManager[object]:
        return self._dev.down()

    def expired(self) -> str:
        return self._dev.mint("expired")


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Runs both programs of a kind, once."""
    with DevRealm(programs.realm_content()) as dev:
        yield functools.cache(lambda kind: programs.compare(kind, Dev(dev)))


@pytest.mark.parametrize("kind", programs.KINDS)
def test_every_request_is_answered_as_it_was(
    run: Run, kind: str, record_property: Callable[[str, object], None]
) -> None:
    """The table of both columns is the one that is kept: a change of any answer is seen."""
    outcome = run(kind)
    record_property("migration_table", str(outcome))

    assert outcome.statuses == STATUSES[kind]


@pytest.mark.parametrize("kind", programs.KINDS)
def test_the_readers_of_the_result_stay_as_they_are(run: Run, kind: str) -> None:
    """Where both programs serve a request, they answer the same to the byte: subject, names, roles."""
    outcome = run(kind)
    served = [name for name, statuses in outcome.statuses.items() if statuses == (200, 200)]

    assert "good" in served
    assert [outcome.after[name].body for name in served] == [outcome.before[name].body for name in served]


@pytest.mark.parametrize("kind", programs.KINDS)
def test_the_provider_is_asked_for_keys_and_for_nothing_else(run: Run, kind: str) -> None:
    """Before, one request or more for every token that looks like one; after, the keys, and once more for a forgery."""
    outcome = run(kind)
    with_token = ["good", "good, on the scoped route", "scope missing", "forged", "expired", "ID token"]

    assert all(outcome.before[name].asked >= 1 for name in with_token)
    assert outcome.requests == {"certs": 2}
    assert [name for name, answer in outcome.after.items() if answer.asked] == ["forged"]


@pytest.mark.parametrize("kind", programs.KINDS)
def test_the_page_names_every_difference(kind: str) -> None:
    """The page's table of a kind is exactly what differs in the table that the programs are held to."""
    differing = {name: pair for name, pair in STATUSES[kind].items() if pair[0] != pair[1]}

    assert programs.differences_on_the_page(kind) == differing


@pytest.mark.parametrize("kind", programs.KINDS)
def test_the_change_is_a_handful_of_lines(kind: str) -> None:
    """At most five lines are new; all else is deleted or as it was."""
    assert 1 <= len(programs.added_lines(kind)) <= 5
