"""The pytest plugin: fixture `dev_realm`, a realm to test protected routes against.

It is loaded into every pytest run of everybody who has the package installed, so it imports nothing
but pytest before the fixture is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from resource_protector.dev import DevRealm

__all__ = ["dev_realm", "pytest_addoption"]

_INI_OPTION = "resource_protector_realm"
# In a suite that forbids sockets the realm has an address all the same; at this port (discard,
# RFC 863) nobody listens, so that a validator that was not given `fetch` fails at once.
_PORT_OF_NOBODY = 9


def pytest_addoption(parser: pytest.Parser) -> None:
    """Make the ini option known."""
    parser.addini(
        _INI_OPTION, "Keycloak realm file for the fixture dev_realm, relative to the rootdir (default: realm myorg)."
    )


@pytest.fixture(scope="session")
def _dev_realm_of_the_session(pytestconfig: pytest.Config) -> Iterator[DevRealm]:
    """One running realm for the whole session; under xdist each worker is a session of its own."""
    from resource_protector.dev import DEMO_REALM_FILE, DevRealm

    named = pytestconfig.getini(_INI_OPTION)
    file = pytestconfig.rootpath / named if named else DEMO_REALM_FILE
    try:
        realm = DevRealm(file)
    except ValueError as error:
        pytest.fail(f"{_INI_OPTION}: {error}", pytrace=False)
    try:
        realm.start()
    except Exception:  # noqa: BLE001 - who forbids sockets does it by an exception of his own
        realm = DevRealm(file, port=_PORT_OF_NOBODY)
    yield realm
    realm.stop()


@pytest.fixture
def dev_realm(_dev_realm_of_the_session: DevRealm) -> Iterator[DevRealm]:
    """A running dev realm; what a test does to it, its keys, faults and counts, is undone after the test."""
    with _dev_realm_of_the_session.undoing_changes():
        # Counting begins anew, whatever straggler of an earlier test asked after its end.
        _dev_realm_of_the_session.requests.clear()
        yield _dev_realm_of_the_session
