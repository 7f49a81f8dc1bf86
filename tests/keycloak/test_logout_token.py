"""The token that Keycloak sends to a client's own server when a user logs out (OpenID Connect Back-Channel Logout)."""

import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest

from resource_protector import RealmTokenValidator, Reason, TokenRejected
from tests.keycloak import unverified
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.realm import Realm


class Listener:
    """A server that keeps the logout tokens that it is sent."""

    def __init__(self) -> None:
        self.tokens: queue.Queue[str] = queue.Queue()
        tokens = self.tokens

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode("ascii")
                self.send_response(200)
                self.end_headers()
                tokens.put(parse_qs(body)["logout_token"][0])

            def log_message(self, *_: object) -> None:
                """Nothing: the test says what matters."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/logout"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def start(self) -> None:
        """Starts to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def listener(own_keycloak: Keycloak) -> Iterator[Listener]:
    """A listening server, on the machine on which Keycloak runs."""
    listening = Listener()
    listening.start()
    yield listening
    listening.stop()


def test_a_logout_token_is_not_an_access_token(own_keycloak: Keycloak, own_myorg: Realm, listener: Listener) -> None:
    """A logout token is signed by the access tokens' key, and refused by its type, also where its audience fits."""
    own_keycloak.admin.update_client(
        own_myorg.name,
        "web",
        attributes={"backchannel.logout.url": listener.url, "backchannel.logout.session.required": "true"},
    )
    response = own_myorg.tokens("web", user="alice", scope="openid")
    logged_out = own_myorg.logout("web", response["refresh_token"])
    token = listener.tokens.get(timeout=30)
    validator = RealmTokenValidator(own_myorg.issuer, audience=["web", "orders-api"])
    with pytest.raises(TokenRejected) as refused:
        validator.verify(token)

    assert logged_out.status_code == 204
    assert unverified.claims(token)["aud"] == "web"
    assert unverified.header(token)["kid"] == unverified.header(response["access_token"])["kid"]
    assert refused.value.reason is Reason.TOKEN_TYPE
    # Nobody can know of the logout offline: the access token from before stays good until it expires.
    assert validator.verify(response["access_token"])
