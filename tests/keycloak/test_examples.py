"""`examples/client_credentials` as its readers run it: two processes, and a real Keycloak."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.keycloak import program
from tests.keycloak.realm import Realm
from tests.keycloak.server import free_port

EXAMPLE = Path(__file__).parents[2] / "examples" / "client_credentials"


@pytest.fixture(scope="module")
def api(myorg: Realm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the running example server."""
    port = free_port()
    address = f"http://127.0.0.1:{port}/api"
    log = tmp_path_factory.mktemp("example") / "server.log"
    with program.serving(
        EXAMPLE / "server.py", f"{address}/public", log=log, ISSUER=myorg.issuer, PORT=str(port)
    ) as server:
        yield address
        assert server.is_running, server.last_words()


def test_the_client_is_served(myorg: Realm, api: str) -> None:
    """The client gets a token from Keycloak and the message from the server."""
    finished = program.run(EXAMPLE / "client.py", ISSUER=myorg.issuer, API_URL=f"{api}/private-scoped")

    assert finished.returncode == 0, finished.stderr
    assert "Authorization with a scope named test_api_access is required to see this" in finished.stdout
    assert finished.stdout.endswith("execution complete!\n")


def test_the_client_without_the_scope_is_told_why(myorg: Realm, api: str) -> None:
    """Without the scope the token is for another audience, and the client prints that sentence."""
    finished = program.run(EXAMPLE / "client.py", ISSUER=myorg.issuer, API_URL=f"{api}/private-scoped", SCOPE="")

    assert finished.returncode == 1
    assert "401" in finished.stderr
    assert "The access token is not meant for this API" in finished.stderr


def test_every_route_of_the_server(myorg: Realm, api: str) -> None:
    """Public without a token; private and scoped with one, and 401 without."""
    token = myorg.token("test_api_client", scope="test_api_access")
    routes = ("public", "private", "private-scoped")
    with_token = [
        requests.get(f"{api}/{route}", headers={"Authorization": f"Bearer {token}"}, timeout=30) for route in routes
    ]
    without = [requests.get(f"{api}/{route}", timeout=30) for route in routes]

    assert [answer.status_code for answer in with_token] == [200, 200, 200]
    assert [answer.status_code for answer in without] == [200, 401, 401]
    assert without[1].headers["WWW-Authenticate"] == "Bearer"
