import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resource_protector import after_fork
from resource_protector.dev import DevRealm
from resource_protector.keycloak import KeycloakConnectionError, KeycloakOpenID
from tests.drop_in.drop_ins import API, SECRET, drop_in, outcome, server_url
from tests.drop_in.relay import Certificates, relaying
from tests.keys.provider import answering, dripping, talking
from tests.polling import Clock

# What a realm is asked for by this object, the keys by `introspect`: every setting must reach both.
ASKED = (lambda api, realm: api.introspect(realm.mint()), lambda api, realm: api.certs())
Asked = Callable[[KeycloakOpenID, DevRealm], Any]
UNREACHABLE = "http://keycloak.invalid:8080"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A CA that nobody knows, with a server's and a client's certificate."""
    return Certificates.made_in(tmp_path_factory.mktemp("certificates"))


@pytest.mark.parametrize("tail", ["", "/", "//"])
def test_a_slash_at_the_end_of_server_url_is_nothing(dev_realm: DevRealm, tail: str) -> None:
    """No issuer has a doubled slash."""
    api = KeycloakOpenID(server_url(dev_realm) + tail, dev_realm.name, API)

    assert api.introspect(dev_realm.mint())["active"] is True
    assert api.certs()["keys"]


def test_a_path_in_server_url_is_kept() -> None:
    """A Keycloak with --http-relative-path has it in its issuer."""
    api = KeycloakOpenID("https://sso.example.com/auth/", "my org", API)

    assert api.validator.policy.issuer == "https://sso.example.com/auth/realms/my%20org"


def test_positions_are_the_originals(certificates: Certificates) -> None:
    """All eleven may be given without their names."""
    api = KeycloakOpenID(
        "https://sso.example.com", "myorg", API, SECRET, str(certificates.ca), {"X-A": "1"}, {}, 5, None, 2, 7
    )

    assert (api.realm_name, api.client_id, api.client_secret_key) == ("myorg", API, SECRET)


def test_the_audience_is_the_client_unless_another_is_named(dev_realm: DevRealm) -> None:
    """As Keycloak's own introspection has it; several are any of them."""
    token = dev_realm.mint(aud=["orders-api"])
    made: list[dict[str, Any]] = [
        {"client_id": "orders-api"},
        {"client_id": "web"},
        {"client_id": "web", "audience": "orders-api"},
        {"client_id": "web", "audience": ["x", "orders-api"]},
        {"client_id": "orders-api", "audience": "account"},
    ]

    assert [drop_in(dev_realm, **each).introspect(token)["active"] for each in made] == [True, False, True, True, False]


@pytest.mark.parametrize("audience", [None, "", [], ()])
def test_the_audience_is_never_any(audience: Any) -> None:
    """What would accept the tokens of the whole realm raises, with what to write."""
    with pytest.raises(ValueError, match="name what this API is called in 'aud'"):
        KeycloakOpenID("https://sso.example.com", "myorg", API, audience=audience)
    with pytest.raises(ValueError, match="name what this API is called in 'aud'"):
        KeycloakOpenID("https://sso.example.com", "myorg", "")


@pytest.mark.parametrize("asked", ASKED, ids=["keys", "endpoint"])
def test_a_ca_of_ones_own_is_honoured(
    dev_realm: DevRealm, certificates: Certificates, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its path the server is trusted, also beside another one in the environment; without it, it is not."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.client[0]))
    with relaying(server_url(dev_realm), certificates.context()) as relay:
        trusted = made(dev_realm, relay.url, verify=str(certificates.ca))
        untrusted = made(dev_realm, relay.url)
        answer, error = asked(trusted, dev_realm), outcome(asked, untrusted, dev_realm)

    assert answer.get("active") or answer["keys"]
    assert isinstance(error, KeycloakConnectionError)
    assert [seen.method for seen in relay.seen] == ["GET"]


@pytest.mark.parametrize("asked", ASKED, ids=["keys", "endpoint"])
def test_the_ca_of_the_environment_counts(
    dev_realm: DevRealm, certificates: Certificates, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQUESTS_CA_BUNDLE is honoured as by the original, as long as no path is given."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.ca))
    with relaying(server_url(dev_realm), certificates.context()) as relay:
        answer = asked(made(dev_realm, relay.url), dev_realm)

    assert answer.get("active") or answer["keys"]


def test_verify_false_is_refused() -> None:
    """Without a proven server anybody could sign tokens; the sentence says what to write."""
    with pytest.raises(ValueError, match=r"verify='/path/to/ca\.pem'"):
        KeycloakOpenID("https://sso.example.com", "myorg", API, verify=False)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param(
            {"verify": "/nowhere/ca.pem"}, "verify names '/nowhere/ca.pem', and there is no", id="no CA there"
        ),
        pytest.param({"verify": None}, "verify is None: write True, or the path", id="verify=None"),
        pytest.param({"verify": 1}, "verify is 1: write True, or the path", id="verify=1"),
        pytest.param({"verify": ""}, "verify is '': write True, or the path", id="verify=''"),
        pytest.param({"cert": "/nowhere/c.pem"}, "cert names '/nowhere/c.pem'", id="no certificate there"),
        pytest.param({"cert": 7}, "cert is 7: write the path", id="cert=7"),
        pytest.param({"timeout": 0}, "timeout is 0: write a number of seconds", id="timeout=0"),
        pytest.param({"timeout": "5"}, "timeout is '5': write a number", id="timeout='5'"),
        pytest.param({"max_retries": -1}, "max_retries is -1: write a whole number of at least 0", id="max_retries=-1"),
        pytest.param({"pool_maxsize": 0}, "pool_maxsize is 0: write a whole number of at least 1", id="pool_maxsize=0"),
        pytest.param({"shadow": "both"}, "shadow is 'both': write 'online', 'offline' or None", id="shadow"),
        pytest.param({"server_url": "http://keycloak:8080/"}, "allow_insecure_http=True", id="plain http"),
        pytest.param({"server_url": "keycloak"}, "server_url 'keycloak' has no scheme", id="no scheme"),
        pytest.param({"realm_name": ""}, "names no realm", id="no realm"),
        pytest.param({"issuer": "https://sso.example.com/realms/myorg/"}, "ends in a slash", id="issuer with a slash"),
    ],
)
def test_a_mistake_is_said_at_once(options: dict[str, Any], sentence: str) -> None:
    """A configuration that cannot work raises where it is written, and not on a request."""
    arguments = {"server_url": "https://sso.example.com", "realm_name": "myorg", "client_id": API, **options}
    with pytest.raises(ValueError, match=sentence):
        KeycloakOpenID(**arguments)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("client_secret", "client_secret_key="),
        ("session", "custom_headers="),
        ("introspection_endpoint", "server_url="),
        ("audiance", "did you mean 'audience'?"),
        ("xyz", "there are server_url, realm_name"),
    ],
)
def test_an_unknown_keyword_is_refused(name: str, advice: str) -> None:
    """With the one that was probably meant."""
    given: dict[str, Any] = {name: "x"}
    with pytest.raises(TypeError, match=name) as raised:
        KeycloakOpenID("https://sso.example.com", "myorg", API, **given)

    assert advice in str(raised.value)


@pytest.mark.parametrize("asked", ASKED, ids=["keys", "endpoint"])
@pytest.mark.parametrize("as_tuple", [True, False], ids=["two files", "one file"])
def test_a_client_certificate_is_shown(
    dev_realm: DevRealm, certificates: Certificates, asked: Asked, as_tuple: bool, tmp_path: Path
) -> None:
    """A server that wants one answers with it, and not without."""
    certificate, key = map(str, certificates.client)
    both = tmp_path / "both.pem"
    both.write_text(Path(certificate).read_text() + Path(key).read_text())
    with relaying(server_url(dev_realm), certificates.context(asks_for_client=True)) as relay:
        shown = made(
            dev_realm, relay.url, verify=str(certificates.ca), cert=(certificate, key) if as_tuple else str(both)
        )
        hidden = made(dev_realm, relay.url, verify=str(certificates.ca))
        answer, error = asked(shown, dev_realm), outcome(asked, hidden, dev_realm)

    assert answer.get("active") or answer["keys"]
    assert isinstance(error, KeycloakConnectionError)


@pytest.mark.parametrize("asked", ASKED, ids=["keys", "endpoint"])
def test_a_proxy_is_used(dev_realm: DevRealm, asked: Asked) -> None:
    """A server that only the proxy can reach is asked through it."""
    with relaying(server_url(dev_realm)) as proxy:
        api = made(dev_realm, UNREACHABLE, proxies={"http": proxy.url}, allow_insecure_http=True)
        answer = asked(api, dev_realm)

    assert answer.get("active") or answer["keys"]
    assert [seen.target for seen in proxy.seen] == [f"{UNREACHABLE}/realms/myorg/protocol/openid-connect/certs"]


@pytest.mark.parametrize("asked", ASKED, ids=["keys", "endpoint"])
def test_a_proxy_of_the_environment_is_used_and_not_for_this_machine(
    dev_realm: DevRealm, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by the original, for the world outside."""
    with relaying(server_url(dev_realm)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        asked(drop_in(dev_realm), dev_realm)
        before = len(proxy.seen)
        asked(made(dev_realm, UNREACHABLE, allow_insecure_http=True), dev_realm)

    assert (before, len(proxy.seen)) == (0, 1)


@pytest.mark.parametrize("asked", ASKED, ids=["keys", "endpoint"])
def test_headers_of_ones_own_arrive(dev_realm: DevRealm, asked: Asked) -> None:
    """At every address, beside those that HTTP needs."""
    with relaying(server_url(dev_realm)) as relay:
        api = made(dev_realm, relay.url, custom_headers={"X-Tenant": "north", "Content-Type": "text/plain"})
        asked(api, dev_realm)
        outcome(api.token, "alice", "alice")

    assert [seen.headers["X-Tenant"] for seen in relay.seen] == ["north", "north"]
    assert relay.seen[1].headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("asked", ASKED, ids=["keys", "endpoint"])
def test_the_timeout_bounds_a_call(dev_realm: DevRealm, asked: Asked) -> None:
    """A realm that says nothing costs the timeout once, whatever max_retries is."""
    api = drop_in(dev_realm, timeout=0.4, max_retries=9)
    with dev_realm.stall(30):
        started = time.monotonic()
        error = outcome(asked, api, dev_realm)
        took = time.monotonic() - started

    assert isinstance(error, KeycloakConnectionError)
    assert 0.3 < took < 3


def test_the_timeout_bounds_an_answer_that_drips() -> None:
    """A byte now and then keeps no call alive."""
    with talking(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b" ")) as url:
        api = KeycloakOpenID(url.removesuffix("/certs"), "myorg", API, timeout=0.3)
        started = time.monotonic()
        error = outcome(api.certs)
        took = time.monotonic() - started

    assert isinstance(error, KeycloakConnectionError)
    assert took < 3


@pytest.mark.parametrize(("timeout", "seconds"), [(60, 5), (None, 5), (2, 2), (7, 5)])
def test_loading_keys_takes_no_longer_than_the_timeout(timeout: Any, seconds: float) -> None:
    """Nor than five seconds, which is what a request waits for at most."""
    options: dict[str, Any] = {"timeout": timeout}
    api = KeycloakOpenID("https://sso.example.com", "myorg", API, **options)
    longer = KeycloakOpenID("https://sso.example.com", "myorg", API, timeout_seconds=20, **options)

    assert api.validator._timing.timeout_seconds == seconds
    assert longer.validator._timing.timeout_seconds == 20


@pytest.mark.parametrize(("max_retries", "connections"), [(0, 1), (1, 2), (3, 4)])
def test_a_broken_connection_is_tried_again(max_retries: int, connections: int) -> None:
    """`max_retries` times, also a POST: a kept connection may have been closed by the server."""
    seen: list[int] = []

    def hang_up(connection: Any, stopped: threading.Event) -> None:
        seen.append(len(connection.recv(65_536)))

    with talking(hang_up) as url:
        api = KeycloakOpenID(url.removesuffix("/certs"), "myorg", API, max_retries=max_retries)
        error = outcome(api.token, "alice", "alice")

    assert isinstance(error, KeycloakConnectionError)
    assert len(seen) == connections


def test_a_redirect_is_not_followed(dev_realm: DevRealm) -> None:
    """It would take the secret to wherever it points."""
    with relaying(server_url(dev_realm)) as elsewhere:
        answer = answering(
            f"HTTP/1.1 307 Temporary Redirect\nLocation: {elsewhere.url}/\nContent-Length: 0\nConnection: close"
        )
        with talking(answer) as url:
            error = outcome(KeycloakOpenID(url.removesuffix("/certs"), "myorg", API, SECRET).token, "a", "b")

    assert error.response_code == 307
    assert elsewhere.seen == []


def test_an_internal_address_beside_the_public_issuer(dev_realm: DevRealm) -> None:
    """Tokens say the public address, the keys are at the internal one."""
    internal = server_url(dev_realm)
    public = "https://sso.example.com/realms/myorg"
    api = KeycloakOpenID(internal, dev_realm.name, API, issuer=public)

    assert api.introspect(dev_realm.mint(iss=public))["active"] is True
    assert api.introspect(dev_realm.mint())["active"] is False


def test_the_validators_options_are_handed_on(dev_realm: DevRealm) -> None:
    """Clock, leeway and whatever else; and `fetch`, with which no socket is needed."""
    token = dev_realm.mint(exp=1_000, iat=1, groups=["/staff"])
    api = drop_in(dev_realm, now=Clock(1_100), leeway_seconds=120, required_claims=["groups"], fetch=dev_realm.fetch)

    assert api.introspect(token)["groups"] == ["/staff"]
    assert drop_in(dev_realm, now=Clock(1_100)).introspect(token) == {"active": False}
    assert api.introspect(dev_realm.mint(exp=2_000, iat=1)) == {"active": False}


def test_a_forked_child_has_connections_of_its_own(dev_realm: DevRealm) -> None:
    """Two processes that read from one socket would read each other's answers: the child begins with none."""
    api = drop_in(dev_realm)
    connection = api._realm._connection
    before = connection._session
    connection.renew_after_fork()  # what is called in every child

    assert connection in after_fork._renewed
    assert connection._session is not before
    assert api.certs()["keys"]


def made(realm: DevRealm, address: str, **options: Any) -> KeycloakOpenID:
    """A drop-in that asks `address` and expects the realm's own issuer."""
    return KeycloakOpenID(address, realm.name, API, SECRET, issuer=realm.issuer, **options)
