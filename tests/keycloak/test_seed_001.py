"""Seed 001: the tutorial's server with only its validator replaced by ours, its client as printed.

`seed_001/seed_*.txt` is the tutorial's text as it was found, which has lost its indentation. The other files are what is
run: the same lines, indented, with `# changed` beside each line that is not the tutorial's.
"""

import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.keycloak import program, realm_file
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.realm import Realm
from tests.keycloak.server import free_port

SEED = Path(__file__).parent / "seed_001"
MARK = "  # changed"
PROTECTORS = ["server_under_authlib.txt", "server_under_ours.txt"]
SCOPED = '@require_auth("test_api_access")'
SCOPED_BOTH = '@require_auth(["test_api_access", "email"])'


@pytest.fixture(params=PROTECTORS, ids=["Authlib's protector", "our protector"])
def server_text(request: pytest.FixtureRequest) -> str:
    """The text of the server, under either protector."""
    name: str = request.param
    return (SEED / name).read_text("utf-8")


@pytest.fixture(scope="module")
def email_on_request(keycloak: Keycloak) -> Iterator[Realm]:
    """A realm like `myorg` in which the client must ask for the scope `email`, too."""
    representation = realm_file.content(realm_file.MYORG)
    (client,) = [client for client in representation["clients"] if client["clientId"] == "test_api_client"]
    client["defaultClientScopes"].remove("email")
    client["optionalClientScopes"].append("email")
    with keycloak.own_realm(representation) as realm:
        yield realm


def test_at_most_four_lines_of_the_server_are_changed(server_text: str) -> None:
    """Apart from the validator class and its imports, which go, at most four lines differ, and they are marked."""
    differences = list(difflib.ndiff(lines_of("seed_server.txt"), stripped(server_text.replace(MARK, ""))))
    added = [line[2:] for line in differences if line.startswith("+ ")]
    removed = [line[2:] for line in differences if line.startswith("- ")]
    marked = stripped("\n".join(line for line in server_text.splitlines() if line.endswith(MARK)).replace(MARK, ""))

    assert added == marked
    assert len(added) <= 4
    assert all("require_auth" not in line and "APP" not in line for line in removed)


def test_the_client_is_unchanged() -> None:
    """The client's lines are the tutorial's."""
    tutorial = lines_of("seed_client.txt")

    assert lines_of("client.txt") == tutorial


def test_every_route_is_200(server_text: str, myorg: Realm, tmp_path: Path) -> None:
    """With the client's token, every route of the server answers 200; without one, only the public route does."""
    token = myorg.token("test_api_client", scope="test_api_access")
    routes = ("public", "private", "private-scoped")
    with served(server_text, myorg, tmp_path) as api:
        answers = [get(f"{api}/{route}", token) for route in routes]
        without_token = [get(f"{api}/{route}") for route in routes]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert all(set(answer.json()) == {"message"} for answer in answers)
    assert [answer.status_code for answer in without_token] == [200, 401, 401]


def test_the_client_completes(server_text: str, myorg: Realm, tmp_path: Path) -> None:
    """The tutorial's client, with other addresses and nothing else, prints what it promises."""
    client = tmp_path / "client.py"
    with served(server_text, myorg, tmp_path) as api:
        client.write_text(addressed((SEED / "client.txt").read_text("utf-8"), myorg, api))
        finished = program.run(client)

    assert finished.returncode == 0, finished.stderr
    assert "Authorization with a scope named test_api_access is required to see this" in finished.stdout
    assert finished.stdout.endswith("execution complete!\n")


def test_a_list_of_scopes_needs_both(server_text: str, email_on_request: Realm, tmp_path: Path) -> None:
    """`["test_api_access", "email"]` means both, as the tutorial says; a refusal says why, under either protector."""
    grants = ["test_api_access email", "email", "test_api_access", None]
    tokens = [email_on_request.token("test_api_client", scope=scope) for scope in grants]
    assert SCOPED in server_text
    with served(server_text.replace(SCOPED, SCOPED_BOTH), email_on_request, tmp_path) as api:
        answers = [get(f"{api}/private-scoped", token) for token in tokens]

    # Without test_api_access the token is not even meant for this API: that scope brings the audience.
    assert [answer.status_code for answer in answers] == [200, 401, 403, 401]
    assert answers[2].json()["error"] == "insufficient_scope"
    assert 'scope="test_api_access email"' in answers[2].headers["WWW-Authenticate"]
    assert answers[1].json()["error_description"] == "The access token is not meant for this API"
    assert 'error="invalid_token"' in answers[1].headers["WWW-Authenticate"]


@contextmanager
def served(text: str, realm: Realm, folder: Path) -> Iterator[str]:
    """The address of the running server's routes."""
    api = f"http://127.0.0.1:{free_port()}/api"
    server = folder / "server.py"
    server.write_text(addressed(text, realm, api))
    with program.serving(server, f"{api}/public", log=folder / "server.log"):
        yield api


def addressed(text: str, realm: Realm, api: str) -> str:
    """The text with the addresses of this run instead of the tutorial's, and nothing else changed."""
    port = re.search(r":(\d+)/api$", api)
    assert port is not None
    replacements = {
        "http://localhost:8080/realms/myorg": realm.issuer,
        "http://localhost:50100/api": api,
        "port=50100": f"port={port[1]}",
        'host="0.0.0.0"': 'host="127.0.0.1"',
    }
    for old, new in replacements.items():
        text = text.replace(old, new)
    return text


def get(url: str, token: str | None = None) -> requests.Response:
    """The answer to a call with the token, if any."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.get(url, headers=headers, timeout=30)


def lines_of(name: str) -> list[str]:
    """The lines of a file in `seed_001`, as far as they can be compared."""
    return stripped((SEED / name).read_text("utf-8"))


def stripped(text: str) -> list[str]:
    """The lines without indentation, which the tutorial's text has lost, and without blank ones."""
    return [line.strip() for line in text.splitlines() if line.strip()]
