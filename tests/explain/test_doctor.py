from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from resource_protector.dev import DevRealm
from resource_protector.explain.diagnosis import Level, Line, as_document, as_text, worst
from resource_protector.explain.doctor import examine
from resource_protector.explain.probe import Answer, Probe
from resource_protector.realm import certs_url, discovery_url, issuer_of, token_url
from tests.explain.conftest import REALM, ScriptedServer

PROBE = Probe(timeout_seconds=5)


@pytest.fixture
def keys(dev_realm: DevRealm) -> list[Any]:
    """Keys that a realm publishes."""
    document = dev_realm.fetch(certs_url(dev_realm.issuer))
    assert isinstance(document, dict)
    return list(document["keys"])


def named(lines: list[Line], name: str) -> Line:
    """The worst line of that name."""
    return max((line for line in lines if line.name == name), key=lambda line: line.level)


def test_a_healthy_realm(dev_realm: DevRealm) -> None:
    """Everything that was looked at is well, and each thing has a line."""
    lines = examine(dev_realm.issuer, PROBE)

    assert worst(lines) is Level.OK, as_text(dev_realm.issuer, lines)
    assert {"transport", "discovery", "issuer", "realm", "certs", "keys", "algorithms", "encryption", "clock"} == {
        line.name for line in lines
    }
    assert "RS256 (RSA, 2048 bits)" in named(lines, "keys").said


@pytest.mark.parametrize(
    ("fault", "name", "said"),
    [
        pytest.param(DevRealm.down, "discovery", "the server is stopped, or host or port are wrong", id="stopped"),
        pytest.param(DevRealm.answer_html, "discovery", "answered 200 with a web page", id="HTML"),
        pytest.param(DevRealm.answer_500, "discovery", "answered 500: the server fails", id="a server error"),
        pytest.param(DevRealm.answer_broken, "discovery", "with something else (application/json)", id="broken JSON"),
        pytest.param(DevRealm.answer_empty, "keys", "publishes no key that could check a token", id="no keys"),
        pytest.param(lambda realm: realm.stall(20), "discovery", "no complete answer from", id="stalled"),
    ],
)
def test_a_fault_is_named(dev_realm: DevRealm, fault: Callable[[DevRealm], Any], name: str, said: str) -> None:
    """What is wrong with the realm is a problem in one line that names its cause."""
    with fault(dev_realm):
        lines = examine(dev_realm.issuer, Probe(timeout_seconds=0.5))

    assert worst(lines) is Level.PROBLEM
    assert said in named(lines, name).said


def test_a_wrong_realm_name(dev_realm: DevRealm) -> None:
    """A realm that does not exist is told from a server that is no Keycloak."""
    lines = examine(issuer_of(f"http://127.0.0.1:{dev_realm.port}", "MyOrg"), PROBE)

    assert named(lines, "realm").said == "this Keycloak has no realm 'MyOrg' (404)"
    assert worst(lines) is Level.PROBLEM


@pytest.mark.parametrize("name", ["myorg", "nobody"])
def test_a_prefix_that_is_not_there(dev_realm: DevRealm, name: str) -> None:
    """The old /auth, which Keycloak has not had since 17, is taken away in what to write."""
    lines = examine(f"http://127.0.0.1:{dev_realm.port}/auth/realms/{name}", PROBE)

    assert "no prefix /auth: none has since 17" in named(lines, "prefix").said
    assert ("it has no realm 'nobody'" in named(lines, "prefix").said) == (name == "nobody")
    assert named(lines, "prefix").cure == f"Write 'http://127.0.0.1:{dev_realm.port}/realms/{name}'."


def test_a_prefix_that_is_missing(scripted: ScriptedServer) -> None:
    """A server with the prefix is asked with it."""
    scripted.say(discovery_url("/auth/realms/odd"), {"issuer": "x"})
    lines = examine(scripted.issuer, PROBE)

    assert named(lines, "prefix").cure == f"Write '{scripted.address}/auth/realms/odd'."


def test_a_disabled_realm(scripted: ScriptedServer, keys: list[Any]) -> None:
    """A disabled realm still publishes everything: only its token endpoint says so."""
    scripted.be_a_realm(keys)
    scripted.say(token_url(REALM), {"error": "access_denied", "error_description": "Realm not enabled"}, status=403)
    lines = examine(scripted.issuer, PROBE)

    assert named(lines, "realm").said.startswith("realm 'odd' is disabled")
    assert "'Enabled'" in str(named(lines, "realm").cure)


def test_another_provider_has_no_line_about_its_realm(scripted: ScriptedServer, keys: list[Any]) -> None:
    """Where nobody answers at Keycloak's token endpoint, nothing is said about it; odd key addresses are."""
    scripted.be_a_realm(keys, jwks_uri=f"{scripted.address}/jwks")
    scripted.say("/jwks", {"keys": keys})
    del scripted.answers[token_url(REALM)]
    lines = examine(scripted.issuer, PROBE)

    assert "realm" not in {line.name for line in lines}
    assert worst(lines) is Level.WARNING
    assert (
        named(lines, "certs").cure == f"Write jwks_uri='{scripted.address}/jwks', or RealmTokenValidator.discover(...)."
    )


def test_a_hostname_split(scripted: ScriptedServer, keys: list[Any]) -> None:
    """Where the realm calls itself by another name, both are named, and what to write for each."""
    scripted.be_a_realm(keys, issuer="https://sso.example.com/realms/odd")
    lines = examine(scripted.issuer, PROBE)

    assert "calls itself 'https://sso.example.com/realms/odd' (hostname split)" in named(lines, "issuer").said
    assert "RealmTokenValidator('https://sso.example.com/realms/odd', jwks_uri='http://" in str(
        named(lines, "issuer").cure
    )


def test_an_issuer_that_follows_the_request(scripted: ScriptedServer, keys: list[Any]) -> None:
    """On this machine that is development, and said; anywhere else it is a warning."""
    scripted.be_a_realm(keys, issuer="http://{host}/realms/odd")
    here = examine(scripted.issuer, PROBE)
    elsewhere = examine("http://keycloak:8080/realms/odd", Elsewhere(scripted), allow_insecure_http=True)

    assert named(here, "hostname").level is Level.OK
    assert named(elsewhere, "hostname").level is Level.WARNING
    assert "--hostname http://keycloak:8080" in str(named(elsewhere, "hostname").cure)


class Elsewhere(Probe):
    """Asks a scripted server in place of a host that this machine cannot reach."""

    def __init__(self, server: ScriptedServer) -> None:
        super().__init__()
        self._server = server

    def get(self, url: str, *, host: str | None = None) -> Answer:
        return super().get(url.replace("http://keycloak:8080", self._server.address), host=host or "keycloak:8080")

    def post_nothing(self, url: str) -> Answer:
        return super().post_nothing(url.replace("http://keycloak:8080", self._server.address))


@pytest.mark.parametrize(
    ("ahead", "level", "said"),
    [
        pytest.param(0, Level.OK, "within a few seconds", id="equal"),
        pytest.param(15, Level.WARNING, "ahead of this machine's", id="15 s ahead"),
        pytest.param(-100, Level.PROBLEM, "behind this machine's", id="100 s behind"),
    ],
)
def test_the_clock_is_measured(
    scripted: ScriptedServer, keys: list[Any], ahead: float, level: Level, said: str
) -> None:
    """The Date header tells the offset, and beyond the leeway it is a problem."""
    scripted.be_a_realm(keys, headers={"Date": formatdate(time.time() + ahead, usegmt=True)})
    clock = named(examine(scripted.issuer, PROBE), "clock")

    assert clock.level is level
    assert said in clock.said


@pytest.mark.parametrize("date", [None, "yesterday"])
def test_a_clock_that_nobody_shows(scripted: ScriptedServer, keys: list[Any], date: str | None) -> None:
    """Keycloak itself sends no Date: that is said, and no problem."""
    scripted.be_a_realm(keys, headers={} if date is None else {"Date": date})
    clock = named(examine(scripted.issuer, PROBE), "clock")

    assert (clock.level, clock.said.partition(":")[0]) == (Level.OK, "not measured")


@pytest.mark.parametrize(
    ("issuer", "name", "said"),
    [
        pytest.param(
            "http://127.0.0.1:1/realms/myorg/", "issuer", "write 'http://127.0.0.1:1/realms/myorg'", id="slash"
        ),
        pytest.param("http://sso.invalid/realms/a", "transport", "plain http", id="plain http"),
        pytest.param("http://sso.invalid/realms/a", "discovery", "no such host", id="no such host"),
        pytest.param("https://127.0.0.1:1/realms/a", "discovery", "nothing listens at 127.0.0.1:1", id="nobody"),
    ],
)
def test_an_address_that_cannot_work(issuer: str, name: str, said: str) -> None:
    """What is wrong with the address is said before anything is asked, or instead of an answer."""
    lines = examine(issuer, PROBE)

    assert named(lines, name).level is Level.PROBLEM
    assert said in named(lines, name).said


def test_plain_http_that_is_meant_to_be() -> None:
    """--allow-insecure-http makes a warning of it."""
    lines = examine("http://sso.invalid/realms/a", PROBE, allow_insecure_http=True)

    assert named(lines, "transport").level is Level.WARNING


def test_no_tls(dev_realm: DevRealm) -> None:
    """https to a port that speaks http is a matter of certificates or TLS."""
    lines = examine(issuer_of(f"https://127.0.0.1:{dev_realm.port}", "myorg"), PROBE)

    assert "speaks no TLS" in named(lines, "discovery").said


@pytest.mark.parametrize(
    ("status", "headers", "body", "said"),
    [
        pytest.param(
            302, {"Location": "https://login.example/\x1b[2J"}, b"", "points to 'https://login", id="redirect"
        ),
        pytest.param(401, {}, b"", "answered 401 and no discovery document", id="401"),
        pytest.param(404, {}, b"<html>", "does not sound like a Keycloak", id="404"),
        pytest.param(200, {}, b"[]", "with something else (no type)", id="a list"),
        pytest.param(200, {}, b"[" * 100_000, "with something else (no type)", id="nested too deep"),
    ],
)
def test_an_odd_answer(scripted: ScriptedServer, status: int, headers: dict[str, str], body: bytes, said: str) -> None:
    """Whatever answers, its kind is said in printable characters."""
    scripted.answers[discovery_url(REALM)] = (status, headers, body)
    lines = examine(scripted.issuer, PROBE)

    assert said in named(lines, "discovery").said
    assert all(line.isprintable() for line in as_text(scripted.issuer, lines).splitlines())


def test_an_issuer_that_is_no_keycloak(scripted: ScriptedServer) -> None:
    """Another provider's issuer, without /realms/, has no other spelling to try."""
    lines = examine(f"{scripted.address}/oauth2/default", PROBE)

    assert "does not sound like a Keycloak" in named(lines, "discovery").said


@pytest.mark.parametrize(
    ("jwks_uri", "certs", "said"),
    [
        pytest.param("ftp://x/", {"keys": []}, "no usable address of the keys", id="a bad address"),
        pytest.param(None, {"error": "x"}, "answered 200 and no keys", id="no keys"),
        pytest.param("http://127.0.0.1:1/certs", {"keys": []}, "nothing listens", id="nobody there"),
    ],
)
def test_keys_that_cannot_be_had(scripted: ScriptedServer, jwks_uri: str | None, certs: object, said: str) -> None:
    """Without keys no token can be checked, and why there are none is said."""
    scripted.be_a_realm([], jwks_uri=jwks_uri)
    scripted.say(certs_url(REALM), certs)
    line = named(examine(scripted.issuer, PROBE), "certs")

    assert line.level is Level.PROBLEM
    assert said in line.said


def test_a_slow_answer(dev_realm: DevRealm) -> None:
    """What takes longer than a request would wait for is a warning."""
    with dev_realm.stall(1.05):
        lines = examine(dev_realm.issuer, PROBE)

    assert named(lines, "certs").level is Level.WARNING
    assert "slow" in named(lines, "certs").said


def test_odd_keys(scripted: ScriptedServer, keys: list[Any]) -> None:
    """Keys that are not used are listed with why, and what the others sign is listed with size or curve."""
    curve = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "ed"}
    secret = {"kty": "oct", "kid": "se\x1bcret", "k": "AAAA"}
    scripted.be_a_realm([*keys, curve, secret, "no key"])
    lines = examine(scripted.issuer, PROBE)

    assert "any algorithm (Ed25519)" in next(line.said for line in lines if line.name == "keys")
    assert [line.level for line in lines if line.name == "keys"] == [Level.OK, Level.WARNING, Level.WARNING]
    assert "\x1b" not in as_text(scripted.issuer, lines)


def test_keys_that_are_no_list(scripted: ScriptedServer) -> None:
    """A document whose 'keys' is no list is no key set."""
    scripted.be_a_realm([])
    scripted.say(certs_url(REALM), {"keys": {}})

    assert "no list 'keys'" in named(examine(scripted.issuer, PROBE), "keys").said


def test_the_document_for_programs(dev_realm: DevRealm) -> None:
    """The same lines, with their levels as words."""
    document = as_document(dev_realm.issuer, examine(dev_realm.issuer, PROBE))

    assert document["worst"] == "ok"
    assert {line["level"] for line in document["lines"]} == {"ok"}
