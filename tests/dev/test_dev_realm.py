import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

from resource_protector import RealmTokenValidator
from resource_protector.dev import DEMO_REALM_FILE, DevRealm, TokenRefused
from resource_protector.flask import ResourceProtector
from resource_protector.realm import certs_url
from tests.dev import realms
from tests.dev.realms import LOCAL_REALM_FILE
from tests.keycloak import unverified


def application(require_auth: ResourceProtector) -> Flask:
    """An application with one protected route."""
    app = Flask(__name__)

    @app.get("/")
    @require_auth(None)
    def index() -> ResponseReturnValue:
        return jsonify(ok=True)

    return app


def status(app: Flask, headers: dict[str, str]) -> int:
    """What the protected route answers."""
    return app.test_client().get("/", headers=headers).status_code


def test_it_starts_in_no_time() -> None:
    """From a file to an answer takes well under a second; the best of a few tries, machines being busy."""
    tries = []
    for _ in range(5):
        begun = time.monotonic()
        with DevRealm(DEMO_REALM_FILE) as realm:
            requests.get(certs_url(realm.issuer), timeout=10).raise_for_status()
        tries.append(time.monotonic() - begun)

    assert min(tries) < 0.8


def test_its_life() -> None:
    """Starting and stopping may be done twice; a stopped realm answers nobody and leaves no thread."""
    threads = threading.active_count()
    realm = DevRealm(DEMO_REALM_FILE)
    assert realm.start() is realm
    assert realm.start().port == realm.port != 0
    with realm:
        assert realm.issuer == f"http://127.0.0.1:{realm.port}/realms/myorg"
    realm.stop()

    with pytest.raises(requests.ConnectionError):
        requests.get(certs_url(realm.issuer), timeout=10)
    with pytest.raises(ConnectionError):
        realm.fetch(certs_url(realm.issuer))
    assert threading.active_count() == threads


def test_it_comes_back_where_it_was() -> None:
    """A realm that is started again has its old address and keys."""
    realm = DevRealm(DEMO_REALM_FILE)
    with realm:
        port, certs = realm.port, realm.fetch(certs_url(realm.issuer))
    with realm:
        assert (realm.port, realm.fetch(certs_url(realm.issuer))) == (port, certs)


def test_only_this_machine_can_reach_it(dev_realm: DevRealm) -> None:
    """It listens on the loopback address and on no other."""
    assert dev_realm.issuer.startswith("http://127.0.0.1:")
    with pytest.raises(OSError, match=r".*"), socket.create_connection(("127.0.0.2", dev_realm.port), timeout=10):
        pass


def test_a_port_that_is_taken(dev_realm: DevRealm) -> None:
    """A port in use is one sentence with the way out."""
    with pytest.raises(OSError, match=f"^Port {dev_realm.port} of 127.0.0.1 is not to be had .*0 takes a free one"):
        DevRealm(DEMO_REALM_FILE, port=dev_realm.port).start()


def test_it_has_no_address_before_it_has_a_port() -> None:
    """Without a port there is no issuer, and it says how to get one."""
    realm = DevRealm(DEMO_REALM_FILE)

    assert realm.port == 0
    with pytest.raises(RuntimeError, match="call start"):
        _ = realm.issuer


def test_with_a_port_it_needs_no_socket() -> None:
    """With a port it can be used within the process before, or without, ever listening."""
    realm = DevRealm(DEMO_REALM_FILE, port=8080)
    validator = RealmTokenValidator(realm.issuer, audience="orders-api", fetch=realm.fetch)

    assert validator.verify(realm.mint())["iss"] == "http://127.0.0.1:8080/realms/myorg"
    with realm.down(), pytest.raises(ConnectionError):
        realm.fetch(certs_url(realm.issuer))
    assert realm.fetch(certs_url(realm.issuer))


def test_what_is_in_it(dev_realm: DevRealm) -> None:
    """Name, clients with secrets, users with passwords, and audiences are the file's."""
    assert dev_realm.name == "myorg"
    assert dev_realm.clients["orders-api"].secret == "orders-api-secret"
    assert dev_realm.users["bob"].password == "bob"
    assert dev_realm.audiences == {"orders-api"}


def test_its_clock() -> None:
    """Tokens are of the time that the clock says."""
    assert unverified.claims(DevRealm(DEMO_REALM_FILE, port=8080, now=lambda: 1000.9).mint())["iat"] == 1000


def test_whose_token() -> None:
    """By default it is the first client that may have such a token."""
    realm = DevRealm(DEMO_REALM_FILE, port=8080)

    assert unverified.claims(realm.token())["azp"] == "test_api_client"
    assert unverified.claims(realm.token(user="alice"))["azp"] == "web"
    assert unverified.claims(realm.token("lightweight", "alice"))["azp"] == "lightweight"


def test_a_refused_token() -> None:
    """What the token endpoint refuses is an exception with Keycloak's words."""
    with pytest.raises(TokenRefused, match="invalid_scope: Invalid scopes: nope") as raised:
        DevRealm(DEMO_REALM_FILE, port=8080).token(scope="nope")

    assert raised.value.status_code == 400
    assert raised.value.error == "invalid_scope"
    assert raised.value.description == "Invalid scopes: nope"


@pytest.mark.parametrize(
    ("file", "client", "user", "complaint"),
    [
        (DEMO_REALM_FILE, "nobody", None, "no client 'nobody': write one of dpop, eddsa"),
        (DEMO_REALM_FILE, None, "eve", "no user 'eve': write one of alice, bob"),
        (LOCAL_REALM_FILE, None, None, "'serviceAccountsEnabled': true in the realm file"),
        ({"realm": "empty"}, None, "eve", "'directAccessGrantsEnabled': true in the realm file"),
        ({"realm": "empty"}, "api", None, "write one of those that you add to the realm file"),
        (realms.file(users=[realms.user(credentials=[])]), None, "alice", "has no password that can be read"),
    ],
)
def test_names_that_are_not_there(file: Path, client: str | None, user: str | None, complaint: str) -> None:
    """A name that the file does not have, or a token that nobody can have, says what to write."""
    with pytest.raises(ValueError, match=complaint):
        DevRealm(file, port=8080).token(client, user)


def test_it_protects_an_application_of_another_realm(dev_realm: DevRealm) -> None:
    """Within the block the application accepts the dev realm's tokens; all else that it demands stays."""
    require_auth = ResourceProtector(
        "https://sso.example.com/realms/myorg", audience="my-api", required_claims=("sub", "azp")
    )
    app = application(require_auth)
    with dev_realm.protects(require_auth) as realm:
        assert realm.audiences == {"my-api"}
        headers = realm.bearer()

        assert status(app, headers) == 200
        assert status(app, realm.bearer(aud="orders-api")) == 401
        assert status(app, realm.bearer(azp=None)) == 401
    assert dev_realm.audiences == {"orders-api"}
    assert status(app, headers) == 401


def test_an_application_that_is_configured_later(dev_realm: DevRealm) -> None:
    """With init_app the audience is not known before a request, so the test names it."""
    require_auth = ResourceProtector()
    app = application(require_auth)
    app.config.update(
        RESOURCE_PROTECTOR_ISSUER="https://sso.example.com/realms/x", RESOURCE_PROTECTOR_AUDIENCE="my-api"
    )
    require_auth.init_app(app)

    with dev_realm.protects(require_auth, audience="my-api"):
        assert status(app, dev_realm.bearer()) == 200
        assert status(app, dev_realm.bearer(aud="orders-api")) == 401


def test_an_application_without_a_validator(dev_realm: DevRealm) -> None:
    """A protector that never got a validator is given one for the audiences of the file."""
    require_auth = ResourceProtector()
    app = application(require_auth)

    with dev_realm.protects(require_auth):
        assert status(app, dev_realm.bearer()) == 200
        assert status(app, dev_realm.bearer(wrong="audience")) == 401


def test_an_application_for_every_audience(dev_realm: DevRealm) -> None:
    """An application that does not check the audience gets tokens with those of the file."""
    require_auth = ResourceProtector("https://sso.example.com/realms/myorg", audience=None)

    with dev_realm.protects(require_auth):
        assert dev_realm.audiences == {"orders-api"}


def test_a_protector_of_another_make(dev_realm: DevRealm) -> None:
    """Anything with `replaced_by` can be protected."""
    made = []

    class Other:
        @contextmanager
        def replaced_by(self, make: object) -> Iterator[None]:
            made.append(make(None))  # type: ignore[operator]  # what `protects` passes
            yield

    with dev_realm.protects(Other()):
        assert made[0].verify(dev_realm.mint())


def test_protecting_without_a_socket(dev_realm: DevRealm) -> None:
    """With `fetch`, or in a realm that never listened, the application gets its keys within the process."""
    require_auth = ResourceProtector("https://sso.example.com/realms/myorg", audience="orders-api")
    app = application(require_auth)
    quiet = DevRealm(DEMO_REALM_FILE, port=9)

    with quiet.protects(require_auth):
        assert status(app, quiet.bearer()) == 200
    with dev_realm.protects(require_auth, fetch=dev_realm.fetch), dev_realm.down():
        assert status(app, dev_realm.bearer()) == 503


def test_changes_are_undone_also_without_a_socket() -> None:
    """A realm that never listened does not begin to when its changes are undone."""
    realm = DevRealm(DEMO_REALM_FILE, port=9)
    with realm.undoing_changes():
        realm.down()

    assert realm.fetch(certs_url(realm.issuer))
    with pytest.raises(requests.ConnectionError):
        requests.get(certs_url(realm.issuer), timeout=10)
