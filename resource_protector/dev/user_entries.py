"""The users of a realm file, with those behind the service accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from uuid import NAMESPACE_URL, uuid5

from resource_protector.dev.realm_json import JsonObject
from resource_protector.dev.realm_model import Client, Role, User
from resource_protector.dev.roles import RoleBook

__all__ = ["read_users"]


def read_users(
    file: JsonObject, realm_name: str, book: RoleBook, clients: Mapping[str, Client], default_role: str
) -> tuple[dict[str, User], dict[str, User]]:
    """The users by name, and the users of service accounts by client id."""
    groups = dict(_group_roles(file, "", frozenset()))
    users: dict[str, User] = {}
    service_accounts: dict[str, User] = {}
    for entry in file.objects("users"):
        user = _user(entry, realm_name, book, groups)
        if user.username in users:
            raise ValueError(f"The realm file has two users named {user.username!r}: remove or rename one.")
        users[user.username] = user
        if user.service_account_of is not None:
            if user.service_account_of not in clients:
                raise ValueError(
                    f"User {user.username!r} of the realm file is the service account of client "
                    f"{user.service_account_of!r}, which does not exist: add the client or remove the user."
                )
            service_accounts[user.service_account_of] = user
    for client_id, client in clients.items():
        if client.service_account and client_id not in service_accounts:
            username = f"service-account-{client_id}".lower()
            service_accounts[client_id] = User(
                _id(realm_name, username),
                username,
                service_account_of=client_id,
                assigned_roles=frozenset({(None, default_role)}),
                roles=book.with_included([(None, default_role)]),
            )
    return users, service_accounts


def _user(entry: JsonObject, realm_name: str, book: RoleBook, groups: Mapping[str, frozenset[Role]]) -> User:
    username = entry.required_text("username").lower()
    roles = set(_role_mappings(entry))
    for path in entry.names("groups"):
        path = path if path.startswith("/") else f"/{path}"
        if path not in groups:
            raise ValueError(
                f"User {username!r} of the realm file is in the group {path!r}, which does not exist: "
                "add it to 'groups' or take it out of the user."
            )
        roles |= groups[path]
    attributes = entry.object("attributes")
    email = entry.text("email")
    return User(
        id=entry.text("id") or _id(realm_name, username),
        username=username,
        enabled=entry.flag("enabled", False),
        email=email.lower() if email else None,
        email_verified=entry.flag("emailVerified", False),
        first_name=entry.text("firstName"),
        last_name=entry.text("lastName"),
        password=_password(entry),
        created_at_milliseconds=entry.seconds("createdTimestamp", 0),
        required_actions=entry.names("requiredActions"),
        service_account_of=entry.text("serviceAccountClientId"),
        attributes=MappingProxyType({name: attributes.names(name) for name in attributes}),
        assigned_roles=frozenset(roles),
        roles=book.with_included(roles),
    )


def _password(entry: JsonObject) -> str | None:
    """The password, if the file has it in clear (an export of a live realm has only its hash)."""
    for credential in entry.objects("credentials"):
        if credential.text("type") == "password":
            return credential.text("value")
    return None


def _role_mappings(entry: JsonObject) -> Iterator[Role]:
    yield from ((None, name) for name in entry.names("realmRoles"))
    by_client = entry.object("clientRoles")
    for client in by_client:
        yield from ((client, name) for name in by_client.names(client))


def _group_roles(parent: JsonObject, path: str, inherited: frozenset[Role]) -> Iterator[tuple[str, frozenset[Role]]]:
    """Each group's path, with its own roles and those of the groups around it."""
    for entry in parent.objects("subGroups" if path else "groups"):
        own_path = f"{path}/{entry.required_text('name')}"
        roles = inherited | frozenset(_role_mappings(entry))
        yield own_path, roles
        yield from _group_roles(entry, own_path, roles)


def _id(realm_name: str, username: str) -> str:
    """An id that is the same in every run, so that a test may keep a user's `sub`."""
    return str(uuid5(NAMESPACE_URL, f"realm:{realm_name}/user:{username}"))
