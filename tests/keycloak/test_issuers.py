"""Whose tokens are accepted: what the realm calls itself, and by which address it is asked."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from resource_protector import KeysUnavailable, RealmTokenValidator, Reason, TokenRejected
from resource_protector.realm import issuer_of
from tests.keycloak import application, realm_file, unverified
from tests.keycloak.admin import Admin
from tests.keycloak.keycloak import REALM_FILES, Keycloak, temporary_folder
from tests.keycloak.realm import Realm
from tests.keycloak.server import ADMIN_PASSWORD, ADMIN_USERNAME, KeycloakServer

PUBLIC_ADDRESS = "https://sso.example.com"
PUBLIC_ISSUER = f"{PUBLIC_ADDRESS}/realms/myorg"
CALLER = {"clientId": "caller", "secret": "s", "publicClient": False, "serviceAccountsEnabled": True}


@pytest.fixture(scope="module")
def split(own_keycloak: Keycloak) -> Iterator[Realm]:
    """`myorg` on a server whose public address is not the one it is asked on."""
    original = own_keycloak.server
    assert original is not None
    options = ["--hostname", PUBLIC_ADDRESS, "--hostname-backchannel-dynamic", "true"]
    if not own_keycloak.is_at_least("25.0.0"):
        options = ["--hostname-url", PUBLIC_ADDRESS, "--hostname-strict-backchannel", "false"]
    with temporary_folder() as folder:
        home = original.without_data(folder / "split")
        with KeycloakServer(home, REALM_FILES, options=options) as server:
            admin = Admin(server.url, ADMIN_USERNAME, ADMIN_PASSWORD)
            yield Keycloak(server.url, admin, own_keycloak.version, server).realm(realm_file.MYORG)


def test_the_split_s_discovery_names_the_public_issuer(split: Realm) -> None:
    """Asked on the internal address, the realm names its public issuer, and internal addresses for its keys."""
    document = requests.get(f"{split.issuer}/.well-known/openid-configuration", timeout=30).json()

    assert document["issuer"] == PUBLIC_ISSUER
    assert document["jwks_uri"].startswith(split.issuer)


def test_discovery_on_the_internal_address_with_the_public_issuer(split: Realm) -> None:
    """The caller names the issuer that he trusts; the address is only where to ask."""
    validator = RealmTokenValidator.discover(split.issuer, issuer=PUBLIC_ISSUER, audience="orders-api")
    token = split.token("test_api_client", scope="test_api_access")

    assert validator.verify(token).issuer == PUBLIC_ISSUER


def test_the_readme_s_program_for_a_split(split: Realm, tmp_path: Path) -> None:
    """The Python block of `examples/keycloak/README.md`, with this server's addresses, accepts its tokens."""
    (block,) = re.findall(r"```python\n(.*?)```", (realm_file.FOLDER / "README.md").read_text("utf-8"), re.DOTALL)
    text = block.replace("http://keycloak:8080/realms/myorg", split.issuer)
    text = text.replace("http://localhost:8080/realms/myorg", PUBLIC_ISSUER)
    program = tmp_path / "program.py"
    program.write_text(text)
    validator = runpy.run_path(str(program))["validator"]
    token = validator.verify(split.token("test_api_client", scope="test_api_access"))

    assert "localhost" not in text
    assert token.issuer == PUBLIC_ISSUER


def test_the_keys_address_can_be_given_instead(split: Realm) -> None:
    """`jwks_uri=` on the internal address does the same without discovery."""
    certs = f"{split.issuer}/protocol/openid-connect/certs"
    validator = RealmTokenValidator(PUBLIC_ISSUER, jwks_uri=certs, audience="orders-api")

    assert validator.verify(split.token("test_api_client", scope="test_api_access"))


def test_discovery_refuses_an_issuer_that_nobody_named(split: Realm, caplog: pytest.LogCaptureFixture) -> None:
    """Without `issuer=`, keys are unavailable, the log names both issuers, and tokens are refused."""
    validator = RealmTokenValidator.discover(split.issuer, audience="orders-api")
    app = application.make(validator)
    token = split.token("test_api_client", scope="test_api_access")
    with pytest.raises(KeysUnavailable):
        validator.keys.reload()

    assert PUBLIC_ISSUER in caplog.text
    assert split.issuer in caplog.text
    # Its own tokens name the public issuer, which can only be refused: no key is needed for that.
    assert application.ask(app, token).status_code == 401


def test_localhost_and_127_0_0_1_are_two_issuers(myorg: Realm) -> None:
    """In start-dev, `iss` follows the address of the token request: the first day's trap, refused as `issuer`."""
    by_name = myorg.at(myorg.server_url.replace("127.0.0.1", "localhost"))
    token = by_name.token("test_api_client", scope="test_api_access")
    validator = RealmTokenValidator(myorg.issuer, audience="orders-api")
    with pytest.raises(TokenRejected) as refused:
        validator.verify(token)

    assert refused.value.reason is Reason.ISSUER
    assert (refused.value.finding.expected, refused.value.finding.actual) == (myorg.issuer, by_name.issuer)
    assert RealmTokenValidator(by_name.issuer, audience="orders-api").verify(token)


def test_a_foreign_host_header_gives_another_issuer(myorg: Realm) -> None:
    """Whoever asks for a token under a foreign `Host` gets one that no API accepts."""
    token = myorg.token("test_api_client", scope="test_api_access", Host="evil.example")
    validator = RealmTokenValidator(myorg.issuer, audience="orders-api")
    with pytest.raises(TokenRejected) as refused:
        validator.verify(token)

    assert unverified.claims(token)["iss"] == "http://evil.example/realms/myorg"
    assert refused.value.reason is Reason.ISSUER


def test_another_realm_of_the_same_server_is_another_issuer(myorg: Realm, local: Realm) -> None:
    """A token of the realm next door is refused as `issuer`, without a look at any key."""
    token = local.token("local-api", user="alice")
    validator = RealmTokenValidator(myorg.issuer, audience="local-api")
    with pytest.raises(TokenRejected) as refused:
        validator.verify(token)

    assert refused.value.reason is Reason.ISSUER


@pytest.mark.parametrize(
    ("name", "encoded"),
    [("my org", "my%20org"), ("büro", "b%C3%BCro"), ("o'hara", "o'hara"), ("50%", "50%25"), ("a.b~c_d-e", "a.b~c_d-e")],
)
def test_a_realm_whose_name_is_percent_encoded(keycloak: Keycloak, name: str, encoded: str) -> None:
    """The issuer of a realm is its name percent-encoded, as `issuer_of` writes it, and its tokens are accepted."""
    representation = {"realm": name, "enabled": True, "clients": [CALLER]}
    with keycloak.own_realm(representation, name) as realm:
        issuer = issuer_of(keycloak.url, name)
        token = realm.token("caller")
        validator = RealmTokenValidator(issuer, audience="account")

        assert issuer == f"{keycloak.url}/realms/{encoded}"
        assert validator.verify(token)["iss"] == issuer
        assert RealmTokenValidator.discover(issuer, audience="account").verify(token)


def test_a_disabled_realm_issues_nothing_and_still_serves_its_keys(keycloak: Keycloak, own_myorg: Realm) -> None:
    """A token from before stays good until it expires; its realm refuses to give another."""
    token = own_myorg.token("test_api_client", scope="test_api_access")
    keycloak.admin.update_realm(own_myorg.name, enabled=False)
    refusal = own_myorg.ask(own_myorg.grant("test_api_client"))
    validator = RealmTokenValidator(own_myorg.issuer, audience="orders-api")

    assert refusal.status_code == 403
    assert refusal.json() == {"error": "access_denied", "error_description": "Realm not enabled"}
    assert validator.verify(token)


@pytest.mark.parametrize("discover", [False, True], ids=["certs", "discovery"])
def test_an_unknown_realm_is_503(keycloak: Keycloak, own_myorg: Realm, discover: bool) -> None:
    """A realm that is gone, or was never there, means that nobody can say: 503, never 401."""
    token = own_myorg.token("test_api_client", scope="test_api_access")
    with keycloak.own_realm({"realm": "gone", "enabled": True, "clients": [CALLER]}) as gone:
        orphan = gone.token("caller")
    make = RealmTokenValidator.discover if discover else RealmTokenValidator
    validator = make(gone.issuer, audience="account")
    answer = application.ask(application.make(validator), orphan)

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    # The realm next door is refused by its name, also while this one cannot be asked.
    assert application.ask(application.make(validator), token).status_code == 401
