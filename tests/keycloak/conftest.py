"""One Keycloak for the whole session, started when the first test asks for it.

These tests run only when this folder, or something in it, is named: `pytest tests/keycloak`. A plain `pytest` never
collects them, so it needs neither Java nor a minute. What the environment may say:

- `KEYCLOAK_VERSION`: which version to fetch and start (26.7.4).
- `KEYCLOAK_URL`: the address of a running server to use instead, with `KEYCLOAK_ADMIN_USERNAME` and
  `KEYCLOAK_ADMIN_PASSWORD` (admin, admin). The realms of `examples/keycloak` are imported if it lacks them, and removed
  again. It is neither killed nor started with other options, so a few tests are skipped.
- `KEYCLOAK_REQUIRED=1`: what would be skipped for want of Java, Maven or a server of our own fails.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.keycloak import realm_file
from tests.keycloak.distribution import KeycloakUnavailable
from tests.keycloak.keycloak import Keycloak, running
from tests.keycloak.realm import Realm

FOLDER = Path(__file__).parent
RAN_ON = "keycloak_version"
FIGURE = "keycloak_figure"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves this folder out unless one of pytest's arguments lies in it."""
    asked_for = (Path(config.invocation_params.dir, argument.split("::")[0]).resolve() for argument in config.args)
    return None if any(path.is_relative_to(FOLDER) for path in asked_for) else True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names the Keycloak and how many tests ran on it, and prints what they have measured."""
    counts: dict[str, int] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            version = dict(report.user_properties).get(RAN_ON)
            if version and report.when == "call":
                counts[str(version)] = counts.get(str(version), 0) + 1
                for figure in (value for name, value in report.user_properties if name == FIGURE):
                    terminalreporter.write_line(f"{report.nodeid.rpartition('/')[2]}: {figure}")
    for version, count in counts.items():
        terminalreporter.write_line(f"Keycloak {version}: {count} tests ran on it")


@pytest.fixture(scope="session")
def keycloak() -> Iterator[Keycloak]:
    """The running server, with the realms of `examples/keycloak`."""
    try:
        with running() as server:
            yield server
    except KeycloakUnavailable as error:
        skip_unless_required(str(error))


@pytest.fixture(autouse=True)
def _remember_the_version(request: pytest.FixtureRequest) -> None:
    if "keycloak" in request.fixturenames:
        version = request.getfixturevalue("keycloak").version
        request.node.user_properties.append((RAN_ON, version))


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Takes a line for the end of the terminal's report."""
    return lambda line: record_property(FIGURE, line)


@pytest.fixture(scope="session")
def own_keycloak(keycloak: Keycloak) -> Keycloak:
    """The running server, if it is ours to kill and to start again."""
    if keycloak.server is None:
        skip_unless_required("KEYCLOAK_URL names a server that this suite may not kill: unset it to run this test too")
    return keycloak


@pytest.fixture(scope="session")
def myorg(keycloak: Keycloak) -> Realm:
    """The realm `myorg`, as imported."""
    return keycloak.realm(realm_file.MYORG)


@pytest.fixture(scope="session")
def local(keycloak: Keycloak) -> Realm:
    """The realm `local`, as imported."""
    return keycloak.realm(realm_file.LOCAL)


@pytest.fixture
def own_myorg(keycloak: Keycloak) -> Iterator[Realm]:
    """A realm like `myorg`, fresh and this test's own."""
    with keycloak.own_realm(realm_file.content(realm_file.MYORG)) as realm:
        yield realm


def skip_unless_required(reason: str) -> NoReturn:
    """Skips the test, or fails it where `KEYCLOAK_REQUIRED` says that nothing may be skipped."""
    if os.environ.get("KEYCLOAK_REQUIRED", "0") not in ("", "0"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
