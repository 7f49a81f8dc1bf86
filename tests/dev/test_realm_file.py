from pathlib import Path
from typing import Any

import pytest

from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from resource_protector.dev.realm_file import read_realm
from tests.dev.realms import ALICE, LOCAL_REALM_FILE, client, file, user


def test_the_demo_realm() -> None:
    """The packaged file is the realm of the examples, with its audience."""
    realm = read_realm(DEMO_REALM_FILE)

    assert realm.name == "myorg"
    assert realm.audiences == {"orders-api"}
    assert realm.clients["test_api_client"].secret == "fsQJIcU3Ze3ymaYSA6cxlHVIw0LDIDeY"


def test_a_file_without_client_scopes_has_the_built_in_ones() -> None:
    """Keycloak adds its own client scopes only to a file that brings none."""
    realm = read_realm(LOCAL_REALM_FILE)

    assert {"basic", "roles", "microprofile-jwt", "organization"} <= set(realm.scopes)
    assert realm.clients["local-api"].default_scopes == ("basic", "roles", "profile", "email", "acr", "web-origins")
    assert "phone" in realm.clients["local-api"].optional_scopes


def test_a_file_with_client_scopes_has_only_those_and_offline_access() -> None:
    """A file that brings client scopes of its own has lost the built-in ones but one."""
    realm = read_realm(file(clientScopes=[{"name": "mine"}, {"name": "old", "protocol": "saml"}]))

    assert set(realm.scopes) == {"mine", "offline_access"}
    assert realm.clients["api"].default_scopes == ()
    assert realm.clients["api"].optional_scopes == ("offline_access",)


def test_the_files_own_offline_access_stays() -> None:
    """An `offline_access` in the file is not replaced, and is assigned to nobody who does not name it."""
    realm = read_realm(file(clientScopes=[{"name": "offline_access"}]))

    assert realm.clients["api"].optional_scopes == ()


def test_one_list_of_scopes_replaces_both_defaults() -> None:
    """A client that lists only its optional scopes has no default ones, but for its service account."""
    realm = read_realm(file(client(optionalClientScopes=["email"])))

    assert realm.clients["api"].default_scopes == ("service_account",)
    assert realm.clients["api"].optional_scopes == ("email",)


def test_a_service_account_that_the_file_brings() -> None:
    """Keycloak adds the scope `service_account` only where it makes the account's user, not where the file has him."""
    robot = {"username": "robot", "enabled": True, "serviceAccountClientId": "api", "realmRoles": ["reader"]}
    realm = read_realm(file(users=[robot]))

    assert realm.service_accounts["api"].username == "robot"
    assert realm.service_accounts["api"].roles == {(None, "reader")}
    assert "service_account" not in realm.clients["api"].default_scopes
    assert "service_account" in read_realm(file()).clients["api"].default_scopes


def test_saml_is_left_out() -> None:
    """SAML clients, scopes and the names of SAML scopes are no mistake, and no part of the realm."""
    realm = read_realm(
        file(client(), client("old", protocol="saml"), defaultDefaultClientScopes=["role_list", "email"])
    )

    assert set(realm.clients) == {"api"}
    assert realm.clients["api"].default_scopes == ("email", "service_account")


def test_a_missing_secret_is_made_up() -> None:
    """A confidential client without a secret gets one, as in Keycloak."""
    members = client()
    del members["secret"]
    secret = read_realm(file(members)).clients["api"].secret

    assert secret is not None
    assert len(secret) >= 32


def test_no_secret_is_shown() -> None:
    """A client or user in a log line does not give away what he logs in with."""
    realm = read_realm(DEMO_REALM_FILE)

    assert "orders-api-secret" not in repr(realm.clients["orders-api"])
    assert "password" not in repr(realm.users["alice"])


def test_ids_are_the_same_in_every_run() -> None:
    """A user's id does not change between two readings of the same file, and differs between users."""
    first, second = read_realm(DEMO_REALM_FILE), read_realm(DEMO_REALM_FILE)

    assert first.users["alice"].id == second.users["alice"].id
    assert first.users["alice"].id != first.users["bob"].id


def test_roles_include_roles() -> None:
    """A composite role brings along what is inside it, of the realm and of clients, at any depth."""
    roles = {
        "realm": [
            {"name": "boss", "composites": {"realm": ["worker"], "client": {"api": ["write"]}}},
            {"name": "worker", "composites": {"realm": ["boss", "reader"]}},
            {"name": "reader"},
        ],
        "client": {"api": [{"name": "write", "composites": {"client": {"api": ["read"]}}}, {"name": "read"}]},
    }
    realm = read_realm(file(roles=roles, users=[user(realmRoles=["boss"])]))

    assert realm.users["alice"].roles == {
        (None, "boss"),
        (None, "worker"),
        (None, "reader"),
        ("api", "write"),
        ("api", "read"),
    }


def test_the_default_role_is_the_files_own() -> None:
    """An export names its default role and what it includes; that replaces Keycloak's."""
    roles = {"realm": [{"name": "everybody", "composites": {"realm": ["reader"]}}]}
    realm = read_realm(file(roles=roles, defaultRole={"name": "everybody"}))

    assert realm.service_accounts["api"].roles == {(None, "everybody"), (None, "reader")}


def test_groups_bring_roles() -> None:
    """A user has the roles of his groups and of the groups around them."""
    inner = {"name": "night", "clientRoles": {"api": ["write"]}}
    groups = [
        {"name": "staff", "realmRoles": ["worker"], "subGroups": [inner]},
        {"name": "guests", "realmRoles": ["guest"]},
    ]
    realm = read_realm(file(groups=groups, users=[user(realmRoles=[], groups=["staff/night"])]))

    assert realm.users["alice"].roles == {(None, "worker"), ("api", "write")}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("\xff", "is not JSON"),
        ("[]", "must be a JSON object, not list"),
        ("null", "must be a JSON object, not null"),
        ("{}", "lacks 'realm'"),
        ('{"realm": " "}', "lacks 'realm'"),
        ('{"realm": 1}', "'realm' of the realm file 'realm.json' must be a string, not int"),
    ],
)
def test_files_that_are_none(tmp_path: Path, text: str, complaint: str) -> None:
    """What is no realm file is refused in one sentence."""
    path = tmp_path / "realm.json"
    path.write_text(text, encoding="latin-1")

    with pytest.raises(ValueError, match=complaint) as raised:
        DevRealm(path)
    assert "\n" not in str(raised.value)


def test_no_file(tmp_path: Path) -> None:
    """A path where nothing is, or a folder, is a ValueError like the others."""
    with pytest.raises(ValueError, match=r"missing.json' cannot be read \(No such file or directory\): write the path"):
        DevRealm(tmp_path / "missing.json")
    with pytest.raises(ValueError, match="cannot be read"):
        DevRealm(str(tmp_path))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(file(client(defaultClientScopes=["nope"])), "client 'api' the client scope 'nope'", id="scope"),
        pytest.param(file(client(optionalClientScopes=["nope"])), "which does not exist", id="optional scope"),
        pytest.param(
            file(defaultDefaultClientScopes=["nope"]), "gives the realm the client scope 'nope'", id="default"
        ),
        pytest.param(file(clientScopes=[{}]), r"'clientScopes\[0\]' of the realm file lacks 'name'", id="no name"),
        pytest.param(file(client(), client()), "two clients named 'api'", id="client twice"),
        pytest.param(file(users=[ALICE, ALICE]), "two users named 'alice'", id="user twice"),
        pytest.param(file(users=[{"serviceAccountClientId": "x", "username": "x"}]), "client 'x'", id="whose account"),
        pytest.param(file(users=[user(groups=["/none"])]), "group '/none', which does not exist", id="group"),
        pytest.param(file({}), r"'clients\[0\]' of the realm file lacks 'clientId'", id="client without id"),
        pytest.param(
            file(client(publicClient="yes")), "'publicClient' of .* must be true or false, not str", id="flag"
        ),
        pytest.param(file(client(redirectUris="x")), "'redirectUris' of .* must be a list of strings", id="names"),
        pytest.param(file(client(redirectUris=[1])), "must be a list of strings", id="name of a wrong type"),
        pytest.param(file(clients={}, users={"a": 1}), "'users' of the realm file must be a list", id="objects"),
        pytest.param(file(clients=["api"]), r"'clients\[0\]' of .* must be a JSON object, not str", id="object"),
        pytest.param(file(roles=[1]), "'roles' of the realm file must be a JSON object, not list", id="inner object"),
        pytest.param(file(accessTokenLifespan=-1), "a whole number of seconds, 0 or more", id="negative"),
        pytest.param(file(accessTokenLifespan=True), "a whole number of seconds", id="bool for a number"),
        pytest.param(file(accessTokenLifespan=1.5), "a whole number of seconds", id="fraction"),
        pytest.param(file(defaultSignatureAlgorithm="HS256"), "names the signature algorithm 'HS256'", id="symmetric"),
        pytest.param(
            file(client(attributes={"access.token.signed.response.alg": "none"})),
            "client 'api' .* 'none'",
            id="alg none",
        ),
        pytest.param(file(client(protocolMappers=[{"name": "x"}])), "lacks 'protocolMapper'", id="mapper"),
    ],
)
def test_contradictions(content: dict[str, Any], complaint: str) -> None:
    """A realm file that contradicts itself is refused in one sentence that names the place."""
    with pytest.raises(ValueError, match=complaint) as raised:
        DevRealm(content)
    assert "\n" not in str(raised.value)
