"""The realm files of `examples/keycloak`, and variants of them under other names."""

import copy
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "examples" / "keycloak"
MYORG = FOLDER / "myorg-realm.json"
LOCAL = FOLDER / "local-realm.json"
# What the three clicks in the README of that folder make.
AUDIENCE_MAPPER = {
    "name": "audience",
    "protocol": "openid-connect",
    "protocolMapper": "oidc-audience-mapper",
    "config": {"access.token.claim": "true", "included.custom.audience": "orders-api"},
}


def content(file: Path) -> dict[str, Any]:
    """The file's realm representation."""
    return dict(json.loads(file.read_text("utf-8")))


def renamed(representation: dict[str, Any], name: str) -> dict[str, Any]:
    """The same realm under another name; its default role, which is named after the realm, follows."""
    renamed_realm = copy.deepcopy(representation)
    old, new = f"default-roles-{representation['realm']}", f"default-roles-{name}"
    renamed_realm["realm"] = name
    for user in renamed_realm.get("users", []):
        user["realmRoles"] = [new if role == old else role for role in user.get("realmRoles", [])]
    return renamed_realm


def secrets(representation: dict[str, Any]) -> dict[str, str | None]:
    """The secret of each client; None for a public one."""
    return {client["clientId"]: client.get("secret") for client in representation["clients"]}


def passwords(representation: dict[str, Any]) -> dict[str, str]:
    """The password of each user who has one."""
    return {
        user["username"]: user["credentials"][0]["value"]
        for user in representation.get("users", [])
        if user.get("credentials")
    }
