from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from resource_protector.dev import DevRealm
from resource_protector.realm import token_url
from tests.polling import eventually
from tests.processes import clean_environment, running

EXAMPLES = Path(__file__).parent.parent / "examples"
FOLDERS = sorted(path for path in EXAMPLES.iterdir() if path.is_dir() and not path.name.startswith(("_", ".")))


@pytest.fixture
def server(dev_realm: DevRealm) -> Iterator[str]:
    """The address of examples/client_credentials/server.py, as a process."""
    folder = EXAMPLES / "client_credentials"
    with running([sys.executable, "server.py"], folder=folder, ISSUER=dev_realm.issuer, PORT="0") as program:
        yield program.wait_for(r"Running on (http://127\.0\.0\.1:\d+)")[1]


@pytest.fixture(params=["client.py", "client_by_hand.py"])
def program(request: pytest.FixtureRequest) -> str:
    """The client in its short form, and in the long one beside it."""
    name: str = request.param
    return name


def client(program: str, realm: DevRealm, server: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a client of examples/client_credentials to its end."""
    addresses = {
        "ISSUER": realm.issuer,
        "TOKEN_URL": token_url(realm.issuer),
        "API_URL": f"{server}/api/private-scoped",
    }
    return subprocess.run(
        [sys.executable, EXAMPLES / "client_credentials" / program],
        env=clean_environment(addresses | environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_client_credentials(program: str, dev_realm: DevRealm, server: str) -> None:
    """The client gets a token for itself and reads the protected route of the server."""
    result = client(program, dev_realm, server)

    assert result.returncode == 0, result.stderr
    assert "Authorization with a scope named test_api_access is required to see this" in result.stdout
    assert result.stdout.endswith("execution complete!\n")


def test_client_credentials_without_the_scope(program: str, dev_realm: DevRealm, server: str) -> None:
    """Without the scope the token is for nobody here, and the client shows what the server says to that."""
    result = client(program, dev_realm, server, SCOPE="")

    assert result.returncode == 1
    assert "refused: 401" in result.stderr
    assert 'error_description="The access token is not meant for this API"' in result.stderr


def test_client_credentials_with_a_wrong_secret(program: str, dev_realm: DevRealm, server: str) -> None:
    """Where the realm gives no token, the client shows the realm's reason."""
    result = client(program, dev_realm, server, CLIENT_SECRET="wrong")

    assert result.returncode == 1
    assert "no token: " in result.stderr
    assert "unauthorized_client" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("path", "anonymous", "alice"),
    [("/api/public", 200, 200), ("/api/private", 401, 200), ("/api/private-scoped", 401, 403)],
)
def test_the_routes_of_the_server(dev_realm: DevRealm, server: str, path: str, anonymous: int, alice: int) -> None:
    """One route is open, one is for any valid token, one is for the scope."""
    header = {"Authorization": f"Bearer {dev_realm.token(client='web', user='alice')}"}

    assert requests.get(server + path, timeout=10).status_code == anonymous
    assert requests.get(server + path, headers=header, timeout=10).status_code == alice


def test_two_realms(dev_realm: DevRealm) -> None:
    """Either realm's users reach the shared route, one realm's the other; one realm may be down."""
    with DevRealm(EXAMPLES / "keycloak/local-realm.json") as local:
        folder, issuers = EXAMPLES / "two_realms", {"STAFF_ISSUER": dev_realm.issuer, "PARTNERS_ISSUER": local.issuer}
        with running([sys.executable, "server.py"], folder=folder, PORT="0", **issuers) as program:
            address = program.wait_for(r"Running on (http://127\.0\.0\.1:\d+)")[1]

            def get(path: str, token: str = "") -> requests.Response:
                headers = {"Authorization": f"Bearer {token}"} if token else {}
                return requests.get(address + path, headers=headers, timeout=10)

            staff = dev_realm.token(scope="test_api_access")
            partner = local.token(client="local-api", user="bob")
            assert get("/orders").status_code == 401
            assert get("/orders", staff).json()["caller"][0] == dev_realm.issuer
            with local.down():
                assert {issuer: status["loaded"] for issuer, status in get("/ready").json().items()} == {
                    dev_realm.issuer: True,
                    local.issuer: False,
                }
                assert get("/orders", staff).status_code == 200
                assert get("/orders", partner).status_code == 503
            eventually(lambda: get("/orders", partner).status_code == 200)
            assert get("/reports", staff).status_code == 200
            assert get("/reports", partner).status_code == 401


def test_service_to_service() -> None:
    """One service calls another with a token of its own; without token exchange it says so in its log, and 503."""
    folder = EXAMPLES / "service_to_service"
    with DevRealm(folder / "shop-realm.json") as realm:
        settings = {"ISSUER": realm.issuer, "PORT": "0"}
        with running([sys.executable, "stock.py"], folder=folder, **settings) as stock:
            settings["STOCK_URL"] = stock.wait_for(r"Running on (http://127\.0\.0\.1:\d+)")[1]
            with running([sys.executable, "orders.py"], folder=folder, **settings) as orders:
                settings["ORDERS_URL"] = orders.wait_for(r"Running on (http://127\.0\.0\.1:\d+)")[1]
                with running([sys.executable, "caller.py"], folder=folder, **settings) as caller:
                    status = caller.process.wait(30)
                    caller.wait_for("/my-reservations.*")
                orders.wait_for("unsupported_grant_type")

    assert status == 0, caller.output
    assert '/in-stock 200 {"asked_by":"orders-api","stock":{"book":3}}' in caller.output
    assert "/my-reservations 503" in caller.output


def test_testing_your_routes(tmp_path: Path) -> None:
    """The suite of examples/testing_your_routes passes, as its reader would run it, from a folder of its own."""
    folder = shutil.copytree(EXAMPLES / "testing_your_routes", tmp_path / "example")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"],
        cwd=folder,
        env=clean_environment({}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert result.returncode == 0, result.stdout + result.stderr


def test_third_party_credentials(dev_realm: DevRealm) -> None:
    """Each customer has limits and a count of its own; one that is withdrawn is out at once where the realm is asked."""
    folder, settings = (
        EXAMPLES / "third_party_credentials",
        {"ORDERS_LIMIT": "2 per minute", "DEFAULT_LIMIT": "3 per minute"},
    )
    settings |= {"ISSUER": dev_realm.issuer, "PORT": "0", "INTROSPECTION_SECONDS": "0.1"}
    with running([sys.executable, "api.py"], folder=folder, **settings) as program:
        address = program.wait_for(r"Running on (http://127\.0\.0\.1:\d+)")[1]
        acme, other = (dev_realm.mint(client_id=name, scope="test_api_access") for name in ("acme", "other"))

        def get(path: str, token: str = "") -> requests.Response:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            return requests.get(address + path, headers=headers, timeout=10)

        assert [get("/orders", acme).status_code for _ in range(3)] == [200, 200, 429]
        assert get("/usage", acme).json() == {"customer": "acme", "calls": 2}
        assert [get("/usage", acme).status_code for _ in range(3)] == [200, 200, 429]
        assert [get("/usage").status_code for _ in range(5)] == [401] * 5
        assert [get("/health").status_code for _ in range(5)] == [200] * 5
        unscoped = dev_realm.mint(client_id="unscoped", scope="")
        assert [get("/orders", unscoped).status_code for _ in range(3)] == [403] * 3
        assert (get("/orders", other).status_code, get("/usage", other).status_code) == (200, 200)
        withdrawn = dev_realm.token(client="test_api_client", scope="test_api_access")
        with dev_realm.disable_client("test_api_client"):
            assert get("/payouts", withdrawn).status_code == 401
            assert get("/orders", withdrawn).status_code == 200


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_example_explains_itself(folder: Path) -> None:
    """Each folder has a README that fits on a screen."""
    lines = (folder / "README.md").read_text().splitlines()

    assert lines[0].startswith("# ")
