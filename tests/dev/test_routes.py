import base64
import http.client
import logging
import socket

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from resource_protector.dev import DevRealm
from resource_protector.realm import (
    certs_url,
    discovery_url,
    introspection_url,
    logout_url,
    revocation_url,
    token_url,
    userinfo_url,
)


def ask(realm: DevRealm, method: str, target: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Status and body; the target goes over the wire as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", realm.port, timeout=10)
    connection.request(method, target, body)
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


@pytest.mark.parametrize(
    ("method", "target", "status_code", "error"),
    [
        ("GET", "/realms/nope/protocol/openid-connect/certs", 404, b"Realm does not exist"),
        ("GET", "/realms/MYORG/protocol/openid-connect/certs", 404, b"Realm does not exist"),
        ("GET", "/realms/myorg/protocol/openid-connect/nope", 404, b"HTTP 404 Not Found"),
        ("GET", "/realms/myorg/.well-known/nope", 404, b"HTTP 404 Not Found"),
        ("GET", "/auth/realms/myorg/protocol/openid-connect/certs", 404, b"Unable to find matching target"),
        ("GET", "/realms/myorg//protocol/openid-connect/certs", 400, b"missingNormalization"),
        ("GET", "//realms/myorg/protocol/openid-connect/certs", 400, b"missingNormalization"),
        ("GET", "/realms/myorg/protocol/openid-connect/token", 405, b"HTTP 405 Method Not Allowed"),
        ("PUT", "/realms/myorg/protocol/openid-connect/token", 405, b"HTTP 405 Method Not Allowed"),
        ("POST", "/realms/myorg/protocol/openid-connect/certs", 405, b"HTTP 405 Method Not Allowed"),
        ("GET", "/realms/myorg/protocol/openid-connect/token/introspect", 405, b"HTTP 405 Method Not Allowed"),
        ("GET", "/realms/myorg/protocol/openid-connect/revoke", 405, b"HTTP 405 Method Not Allowed"),
        ("PUT", "/realms/myorg/protocol/openid-connect/userinfo", 405, b"HTTP 405 Method Not Allowed"),
        ("PUT", "/realms/myorg/protocol/openid-connect/logout", 405, b"HTTP 405 Method Not Allowed"),
        ("POST", "/realms/myorg", 405, b"HTTP 405 Method Not Allowed"),
        ("GET", "/realms/myorg", 200, b'{"realm": "myorg", "public_key"'),
        ("GET", "/realms/myorg/", 200, b'{"realm": "myorg", "public_key"'),
        ("HEAD", "/realms/myorg", 200, b""),
        ("HEAD", "/realms/myorg/protocol/openid-connect/token", 405, b""),
        ("HEAD", "/realms/myorg/protocol/openid-connect/certs", 200, b""),
        ("GET", "/realms/myorg/protocol/openid-connect/certs/", 200, b'{"keys"'),
        ("GET", "/realms/myorg/protocol/openid-connect/certs?a=//", 200, b'{"keys"'),
        ("GET", "/realms/my%6frg/protocol/openid-connect/certs", 200, b'{"keys"'),
        ("GET", "/realms/myorg/.well-known/openid-configuration", 200, b'{"issuer"'),
    ],
)
def test_an_address(dev_realm: DevRealm, method: str, target: str, status_code: int, error: bytes) -> None:
    """Each address is answered with Keycloak's status and words."""
    status, body = ask(dev_realm, method, target)

    assert status == status_code
    assert error in body


def test_discovery(dev_realm: DevRealm) -> None:
    """The discovery document names the issuer verbatim, and only endpoints that are there."""
    document = requests.get(discovery_url(dev_realm.issuer), timeout=10).json()

    assert document["issuer"] == dev_realm.issuer
    assert document["jwks_uri"] == certs_url(dev_realm.issuer)
    assert document["token_endpoint"] == token_url(dev_realm.issuer)
    assert {name: value for name, value in document.items() if name.endswith("_endpoint")} == {
        "token_endpoint": token_url(dev_realm.issuer),
        "introspection_endpoint": introspection_url(dev_realm.issuer),
        "userinfo_endpoint": userinfo_url(dev_realm.issuer),
        "end_session_endpoint": logout_url(dev_realm.issuer),
        "revocation_endpoint": revocation_url(dev_realm.issuer),
    }
    assert document["grant_types_supported"] == ["client_credentials", "password", "refresh_token"]


def test_the_realm_s_own_page(dev_realm: DevRealm) -> None:
    """The page at the issuer's address holds the key that RS256 signs with, whatever the realm signs with now."""
    token = dev_realm.token()
    dev_realm.rotate(alg="ES256")
    page = dev_realm.fetch(dev_realm.issuer)
    assert isinstance(page, dict)
    key = RSAKey.import_key(base64.b64decode(page.pop("public_key")))

    assert jwt.decode(token, key, algorithms=["RS256"]).claims["iss"] == dev_realm.issuer
    assert page == {
        "realm": "myorg",
        "token-service": f"{dev_realm.issuer}/protocol/openid-connect",
        "account-service": f"{dev_realm.issuer}/account",
        "tokens-not-before": 0,
    }


def test_requests_are_counted(dev_realm: DevRealm) -> None:
    """Each endpoint counts what it sees, also what it refuses; anything else is not counted."""
    requests.get(certs_url(dev_realm.issuer), timeout=10)
    dev_realm.fetch(certs_url(dev_realm.issuer))
    requests.post(token_url(dev_realm.issuer), timeout=10)
    requests.get(discovery_url(dev_realm.issuer), timeout=10)
    requests.post(introspection_url(dev_realm.issuer), timeout=10)
    requests.get(userinfo_url(dev_realm.issuer), timeout=10)
    requests.get(logout_url(dev_realm.issuer), timeout=10)
    requests.post(revocation_url(dev_realm.issuer), timeout=10)
    requests.get(dev_realm.issuer, timeout=10)
    requests.get(f"{dev_realm.issuer}/nothing", timeout=10)

    assert dev_realm.requests == {
        "certs": 2,
        "token": 1,
        "discovery": 1,
        "introspection": 1,
        "userinfo": 1,
        "logout": 1,
        "revocation": 1,
        "realm": 1,
    }
    dev_realm.requests.clear()
    assert dev_realm.requests["certs"] == 0


def test_the_host_header_changes_nothing(dev_realm: DevRealm) -> None:
    """Whatever host a request names, the issuer stays the same."""
    response = requests.get(discovery_url(dev_realm.issuer), headers={"Host": "evil.example"}, timeout=10)

    assert response.json()["issuer"] == dev_realm.issuer


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST /realms/myorg/protocol/openid-connect/token HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /realms/myorg/protocol/openid-connect/token HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
        b"",
    ],
)
def test_garbage_does_no_harm(dev_realm: DevRealm, raw: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """What is no HTTP, or breaks off, neither stops the server nor makes a line in the log."""
    with socket.create_connection(("127.0.0.1", dev_realm.port), timeout=10) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass

    assert requests.get(certs_url(dev_realm.issuer), timeout=10).status_code == 200
    assert [record for record in caplog.records if record.levelno >= logging.INFO] == []


def test_requests_make_no_noise(dev_realm: DevRealm, capfd: pytest.CaptureFixture[str]) -> None:
    """A request leaves nothing on the terminal."""
    requests.get(certs_url(dev_realm.issuer), timeout=10)

    assert capfd.readouterr() == ("", "")
