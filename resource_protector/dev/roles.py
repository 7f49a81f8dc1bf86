"""The roles of a realm, and what each of them includes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from resource_protector.dev.built_in import BUILT_IN_CLIENT_ROLES
from resource_protector.dev.realm_json import JsonObject
from resource_protector.dev.realm_model import Role

__all__ = ["RoleBook", "read_roles"]


class RoleBook:
    """Which roles a role brings along (a composite role includes others, which may include more)."""

    def __init__(self) -> None:
        self._included: dict[Role, set[Role]] = {}

    def add(self, role: Role, includes: Iterable[Role] = ()) -> None:
        """Note that `role` exists and includes others."""
        self._included.setdefault(role, set()).update(includes)

    def __iter__(self) -> Iterator[Role]:
        return iter(self._included)

    def __contains__(self, role: Role) -> bool:
        return role in self._included

    def with_included(self, roles: Iterable[Role]) -> frozenset[Role]:
        """`roles` and everything inside them."""
        found: set[Role] = set()
        pending = list(roles)
        while pending:
            role = pending.pop()
            if role not in found:
                found.add(role)
                pending.extend(self._included.get(role, ()))
        return frozenset(found)


def read_roles(file: JsonObject, default_role: str) -> RoleBook:
    """The roles of a realm file, with those that Keycloak adds to every realm."""
    book = RoleBook()
    for client, built_in in BUILT_IN_CLIENT_ROLES.items():
        for name, included in built_in.items():
            book.add((client, name), [(client, inner) for inner in included])
    roles = file.object("roles")
    for entry in roles.objects("realm"):
        book.add((None, entry.required_text("name")), _composites(entry))
    clients = roles.object("client")
    for client in clients:
        for entry in clients.objects(client):
            book.add((client, entry.required_text("name")), _composites(entry))
    if (None, default_role) not in book:
        account: list[Role] = [("account", "view-profile"), ("account", "manage-account")]
        book.add((None, default_role), [(None, "offline_access"), (None, "uma_authorization"), *account])
    return book


def _composites(entry: JsonObject) -> list[Role]:
    composites = entry.object("composites")
    included: list[Role] = [(None, name) for name in composites.names("realm")]
    by_client = composites.object("client")
    for client in by_client:
        included += [(client, name) for name in by_client.names(client)]
    return included
