"""What `doctor` says of real servers, well and unwell."""

import pytest

from resource_protector.explain.diagnosis import Level, Line, as_text, worst
from resource_protector.explain.doctor import examine
from resource_protector.explain.probe import Probe
from resource_protector.realm import issuer_of
from tests.keycloak import realm_file
from tests.keycloak.keycloak import Keycloak, temporary_folder
from tests.keycloak.realm import Realm
from tests.keycloak.server import KeycloakServer, free_port

PROBE = Probe(timeout_seconds=30)
PUBLIC_ADDRESS = "https://sso.example.com"


def named(lines: list[Line], name: str) -> Line:
    """The line of that name."""
    return next(line for line in lines if line.name == name)


def test_a_healthy_realm(myorg: Realm) -> None:
    """Nothing is wrong, and what is worth knowing of a start-dev is said."""
    lines = examine(myorg.issuer, PROBE)

    assert worst(lines) is Level.OK, as_text(myorg.issuer, lines)
    assert named(lines, "issuer").said == f"tokens will say '{myorg.issuer}'"
    assert "RS256 (RSA, 2048 bits)" in named(lines, "keys").said
    assert "1 more to encrypt with" in named(lines, "encryption").said
    assert "start-dev" in named(lines, "hostname").said


def test_a_disabled_realm(keycloak: Keycloak, own_myorg: Realm) -> None:
    """It serves its documents and keys as before, and is found out all the same."""
    keycloak.admin.update_realm(own_myorg.name, enabled=False)
    line = named(examine(own_myorg.issuer, PROBE), "realm")

    assert line.level is Level.PROBLEM
    assert line.said.startswith(f"realm '{own_myorg.name}' is disabled")


@pytest.mark.parametrize("name", ["nobody", "MyOrg"])
def test_a_wrong_realm_name(keycloak: Keycloak, name: str) -> None:
    """The server is a Keycloak, and it has no realm of that spelling."""
    lines = examine(issuer_of(keycloak.url, name), PROBE)

    assert named(lines, "realm").said == f"this Keycloak has no realm '{name}' (404)"


def test_the_old_prefix(keycloak: Keycloak) -> None:
    """An address with /auth, as it was before 17, is corrected."""
    line = named(examine(f"{keycloak.url}/auth/realms/myorg", PROBE), "prefix")

    assert line.cure == f"Write '{keycloak.url}/realms/myorg'."


def test_a_stopped_server() -> None:
    """Nobody listens: the server is stopped, or the port is wrong."""
    lines = examine(issuer_of(f"http://127.0.0.1:{free_port()}", "myorg"), PROBE)

    assert "the server is stopped" in named(lines, "discovery").said


def test_the_admin_console_is_no_realm(keycloak: Keycloak) -> None:
    """An address of the same server that is no realm's is told from a realm that is missing."""
    lines = examine(f"{keycloak.url}/admin", PROBE)

    assert worst(lines) is Level.PROBLEM
    assert {line.name for line in lines} == {"transport", "discovery"}


def test_a_hostname_split(own_keycloak: Keycloak) -> None:
    """Asked on its internal address, the server names its public one: both are said, and what to write."""
    original = own_keycloak.server
    assert original is not None
    options = ["--hostname", PUBLIC_ADDRESS, "--hostname-backchannel-dynamic", "true"]
    if not own_keycloak.is_at_least("25.0.0"):
        options = ["--hostname-url", PUBLIC_ADDRESS, "--hostname-strict-backchannel", "false"]
    with temporary_folder() as folder:
        home = original.without_data(folder / "split")
        with KeycloakServer(home, (realm_file.MYORG,), options=options) as server:
            issuer = issuer_of(server.url, "myorg")
            lines = examine(issuer, PROBE)

    line = named(lines, "issuer")
    assert line.level is Level.PROBLEM
    assert f"calls itself '{PUBLIC_ADDRESS}/realms/myorg' (hostname split)" in line.said
    assert f"jwks_uri='{issuer}/protocol/openid-connect/certs'" in str(line.cure)
