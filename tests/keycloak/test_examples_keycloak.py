"""`examples/keycloak/README.md` names pages and switches as the admin console does."""

import re
import zipfile

import pytest

from tests.keycloak import realm_file
from tests.keycloak.keycloak import Keycloak

MESSAGES = "theme/keycloak.v2/admin/messages/messages_en.properties"
# What is bold in the README without being a name in the console.
EMPHASIS = {"the token request"}


@pytest.fixture
def console_labels(own_keycloak: Keycloak) -> set[str]:
    """Every text of the admin console, and the names of the protocol mappers, which the server adds."""
    assert own_keycloak.server is not None
    (jar,) = own_keycloak.server.home.glob("lib/lib/main/org.keycloak.keycloak-admin-ui-*.jar")
    with zipfile.ZipFile(jar) as archive:
        lines = archive.read(MESSAGES).decode("utf-8").splitlines()
    return {line.partition("=")[2] for line in lines} | set(own_keycloak.admin.mapper_names())


def test_the_names_in_the_readme_are_the_console_s(own_keycloak: Keycloak, console_labels: set[str]) -> None:
    """Every bold name is a text of the console, from Keycloak 26 on."""
    readme = (realm_file.FOLDER / "README.md").read_text("utf-8")
    named = {re.sub(r"\s+", " ", name) for name in re.findall(r"\*\*([^*]+)\*\*", readme)} - EMPHASIS
    unknown = named - console_labels

    assert named
    assert not own_keycloak.is_at_least("26.0.0") or unknown == set()
