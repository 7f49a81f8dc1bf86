"""Realm files as small as a test needs them."""

from pathlib import Path
from typing import Any

from resource_protector.dev.issuer import Issuer
from resource_protector.dev.realm_file import read_realm
from resource_protector.dev.token_endpoint import answer_token_request
from tests.keycloak import unverified

URL = "http://127.0.0.1:8080/realms/small"
NOW = 1_800_000_000
LOCAL_REALM_FILE = Path(__file__).parents[2] / "examples/keycloak/local-realm.json"

ALICE: dict[str, Any] = {
    "username": "alice",
    "enabled": True,
    "email": "alice@example.com",
    "emailVerified": True,
    "firstName": "Alice",
    "lastName": "Example",
    "credentials": [{"type": "password", "value": "pass"}],
    "realmRoles": ["default-roles-small"],
}


def client(client_id: str = "api", **members: Any) -> dict[str, Any]:
    """A client that may have tokens for itself and for users."""
    return {
        "clientId": client_id,
        "secret": "s",
        "serviceAccountsEnabled": True,
        "directAccessGrantsEnabled": True,
        **members,
    }


def user(**members: Any) -> dict[str, Any]:
    """Alice, but for some members."""
    return {**ALICE, **members}


def file(*clients: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A realm file with these clients (or one), and Alice."""
    return {"realm": "small", "enabled": True, "clients": list(clients) or [client()], "users": [ALICE], **members}


def issuer(*clients: dict[str, Any], **members: Any) -> Issuer:
    """The issuer of a realm file, standing still in time."""
    return Issuer(read_realm(file(*clients, **members)), URL, lambda: NOW)


def ask(issuer: Issuer, grant_type: str = "client_credentials", **form: str) -> tuple[int, dict[str, Any]]:
    """What the token endpoint answers to the client `api`, or to another one that the form names."""
    asked = {"grant_type": grant_type, "client_id": "api", "client_secret": "s", **form}
    return answer_token_request(issuer, list(asked.items()))


def password(issuer: Issuer, **form: str) -> tuple[int, dict[str, Any]]:
    """What it answers for Alice."""
    return ask(issuer, "password", **{"username": "alice", "password": "pass", **form})


def access_claims(answer: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    """The claims of the access token in a successful answer."""
    status_code, body = answer
    assert status_code == 200, body
    return unverified.claims(body["access_token"])


def mapper(kind: str, **config: str) -> dict[str, Any]:
    """A protocol mapper; in its settings `__` stands for a dot."""
    named = {name.replace("__", "."): value for name, value in config.items()}
    return {"name": "the mapper", "protocol": "openid-connect", "protocolMapper": kind, "config": named}
