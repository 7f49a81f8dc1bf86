"""Keycloak's Admin API, as far as the tests use it."""

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import requests

TIMEOUT_SECONDS = 30.0
# An admin token lives 60 s; it is renewed well before that.
RENEW_AFTER_SECONDS = 40.0

Json = dict[str, Any]


class Admin:
    """The administrator of one server. Realms, clients and users are named; ids are looked up where the API wants them.

    Every method raises requests.HTTPError, with Keycloak's own words, when the server refuses.
    """

    def __init__(
        self, url: str, username: str, password: str, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.url = url
        self._credentials = {"username": username, "password": password}
        self._monotonic = monotonic
        self._session = requests.Session()
        self._token_until = -1.0

    def version(self) -> str:
        """The server's own word for its version, such as 26.7.4."""
        version: str = self._call("GET", "serverinfo").json()["systemInfo"]["version"]
        return version

    def mapper_names(self) -> list[str]:
        """The names of the protocol mappers for OpenID Connect, as the console lists them."""
        mappers = self._call("GET", "serverinfo").json()["protocolMapperTypes"]["openid-connect"]
        return [str(mapper["name"]) for mapper in mappers]

    def realm_exists(self, realm: str) -> bool:
        """Whether the server has a realm of that name."""
        return any(known["realm"] == realm for known in self._call("GET", "realms").json())

    def create_realm(self, representation: Mapping[str, Any]) -> None:
        """Imports one realm, given as a realm file's content."""
        self._call("POST", "realms", json=representation)

    def delete_realm(self, realm: str) -> None:
        """Removes a realm with everything in it."""
        self._call("DELETE", self._realm(realm))

    def update_realm(self, realm: str, **changes: Any) -> None:
        """Changes members of the realm's representation, such as `enabled=False`."""
        self._call("PUT", self._realm(realm), json={"realm": realm, **changes})

    def update_client(self, realm: str, client_id: str, **changes: Any) -> None:
        """Changes members of a client's representation; attributes are added to the ones it has."""
        client = self.client(realm, client_id)
        attributes = client.get("attributes", {}) | changes.pop("attributes", {})
        self._call(
            "PUT", self._realm(realm, "clients", client["id"]), json={**client, **changes, "attributes": attributes}
        )

    def client(self, realm: str, client_id: str) -> Json:
        """A client's representation."""
        (client,) = self._call("GET", self._realm(realm, "clients"), params={"clientId": client_id}).json()
        return dict(client)

    def update_user(self, realm: str, username: str, **changes: Any) -> None:
        """Changes members of a user's representation, such as `enabled=False`."""
        user = self._user(realm, username)
        self._call("PUT", self._realm(realm, "users", user["id"]), json={**user, **changes})

    def log_out(self, realm: str, username: str) -> None:
        """Ends all sessions of a user."""
        self._call("POST", self._realm(realm, "users", self._user(realm, username)["id"], "logout"))

    def end_session(self, realm: str, sid: str) -> None:
        """Ends one session."""
        self._call("DELETE", self._realm(realm, "sessions", sid))

    def change_role(self, method: str, realm: str, username: str, role: str, client_id: str | None = None) -> None:
        """Gives a user a role (`POST`) or takes it away (`DELETE`)."""
        owner = ["clients", self.client(realm, client_id)["id"]] if client_id else []
        representation = self._call("GET", self._realm(realm, *owner, "roles", role)).json()
        user = self._user(realm, username)["id"]
        path = self._realm(realm, "users", user, "role-mappings", *(owner or ["realm"]))
        self._call(method, path, json=[representation])

    def _user(self, realm: str, username: str) -> Json:
        parameters = {"username": username, "exact": "true"}
        (user,) = self._call("GET", self._realm(realm, "users"), params=parameters).json()
        return dict(user)

    def add_scope(self, realm: str, scope: str) -> None:
        """Adds an empty client scope that is named in the token when granted."""
        attributes = {"include.in.token.scope": "true"}
        representation = {"name": scope, "protocol": "openid-connect", "attributes": attributes}
        self._call("POST", self._realm(realm, "client-scopes"), json=representation)

    def give_scope(self, realm: str, client_id: str, scope: str) -> None:
        """Adds a client scope to a client, as an optional one."""
        client = self.client(realm, client_id)["id"]
        path = self._realm(realm, "clients", client, "optional-client-scopes", self._scope_id(realm, scope))
        self._call("PUT", path)

    def add_mapper_to_scope(self, realm: str, scope: str, mapper: Mapping[str, Any]) -> None:
        """Adds a protocol mapper to a client scope."""
        scope_id = self._scope_id(realm, scope)
        self._call("POST", self._realm(realm, "client-scopes", scope_id, "protocol-mappers", "models"), json=mapper)

    def _scope_id(self, realm: str, scope: str) -> str:
        scopes = self._call("GET", self._realm(realm, "client-scopes")).json()
        (scope_id,) = [known["id"] for known in scopes if known["name"] == scope]
        return str(scope_id)

    def active_keys(self, realm: str) -> dict[str, str]:
        """The `kid` of the key that signs, by algorithm."""
        active: dict[str, str] = self._call("GET", self._realm(realm, "keys")).json()["active"]
        return active

    def key_providers(self, realm: str) -> list[Json]:
        """The components that hold the realm's keys."""
        parameters = {"type": "org.keycloak.keys.KeyProvider"}
        return [dict(found) for found in self._call("GET", self._realm(realm, "components"), params=parameters).json()]

    def provider_of_key(self, realm: str, kid: str) -> Json:
        """The component that holds the key."""
        keys = self._call("GET", self._realm(realm, "keys")).json()["keys"]
        (provider_id,) = [key["providerId"] for key in keys if key["kid"] == kid]
        return dict(self._call("GET", self._realm(realm, "components", provider_id)).json())

    def add_key(self, realm: str, provider: str, priority: int, **config: str) -> None:
        """Adds a generated key, such as `add_key(realm, "rsa-generated", 200, algorithm="RS256")`."""
        settings = {"priority": str(priority), "enabled": "true", "active": "true", **config}
        component = {
            "name": f"{provider} {priority}",
            "providerId": provider,
            "providerType": "org.keycloak.keys.KeyProvider",
            "parentId": self._call("GET", self._realm(realm)).json()["id"],  # the id, not the name
            "config": {name: [value] for name, value in settings.items()},
        }
        self._call("POST", self._realm(realm, "components"), json=component)

    def update_key_provider(self, realm: str, provider: Json, **config: str) -> None:
        """Changes a key's settings, such as `active="false"` (passive)."""
        changed = {**provider, "config": provider["config"] | {name: [value] for name, value in config.items()}}
        self._call("PUT", self._realm(realm, "components", provider["id"]), json=changed)

    def delete_key_provider(self, realm: str, provider: Json) -> None:
        """Removes a key."""
        self._call("DELETE", self._realm(realm, "components", provider["id"]))

    @staticmethod
    def _realm(realm: str, *path: str) -> str:
        return "/".join(["realms", *(quote(part, safe="") for part in (realm, *path))])

    def _call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        if self._monotonic() > self._token_until:
            self._renew()
        answer = self._session.request(method, f"{self.url}/admin/{path}", timeout=TIMEOUT_SECONDS, **arguments)
        if answer.status_code == 401:  # a restarted server may have forgotten the session behind the token
            self._renew()
            answer = self._session.request(method, f"{self.url}/admin/{path}", timeout=TIMEOUT_SECONDS, **arguments)
        return _checked(answer)

    def _renew(self) -> None:
        asked_at = self._monotonic()
        form = {"grant_type": "password", "client_id": "admin-cli", **self._credentials}
        answer = _checked(
            requests.post(f"{self.url}/realms/master/protocol/openid-connect/token", data=form, timeout=TIMEOUT_SECONDS)
        )
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        self._token_until = asked_at + RENEW_AFTER_SECONDS


def _checked(answer: requests.Response) -> requests.Response:
    if not answer.ok:
        raise requests.HTTPError(
            f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}", response=answer
        )
    return answer
