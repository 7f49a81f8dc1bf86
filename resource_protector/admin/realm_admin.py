"""The admin interface of one realm, by python-keycloak, with sentences for what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from requests.exceptions import SSLError, Timeout

from resource_protector.realm import is_loopback

from .errors import AdminError, Gone, Refused

try:
    from keycloak import KeycloakAdmin
    from keycloak.exceptions import KeycloakConnectionError, KeycloakError
except ImportError as error:
    raise ImportError(
        "Credentials are managed by python-keycloak, which is missing: pip install 'resource-protector[admin]'."
    ) from error

__all__ = ["RealmAdmin"]

Json = dict[str, Any]


class RealmAdmin:
    """Reads and changes the clients and client scopes of one realm.

    `address` is the realm's address, such as https://sso.example.com/realms/myorg, `access_token` that of a service
    account with the role `manage-clients` of the client `realm-management`. Every method raises AdminError.
    """

    def __init__(self, address: str, access_token: str, *, timeout_seconds: int = 15) -> None:
        server, _, realm = address.rpartition("/realms/")
        self._url = f"{server}/admin/realms/{realm}"
        self._timeout_seconds = timeout_seconds
        # python-keycloak puts the realm's name into addresses as it is: the encoded one is what it needs.
        self._admin = KeycloakAdmin(
            server_url=f"{server}/",
            realm_name=realm,
            token={"access_token": access_token, "expires_in": 60},
            timeout=timeout_seconds,
            max_retries=0,  # it would repeat a POST whose answer got lost, and take what that has made for another's
        )
        # A proxy of the environment knows nothing of this machine, and must not be sent its tokens.
        # python-keycloak has no other way to its session.
        self._admin.connection._s.trust_env = not is_loopback(urlsplit(address).hostname or "")

    def has_client(self, name: str) -> bool:
        """Whether there is a client of that id."""
        with self._asking():
            return self._admin.get_client_id(name) is not None

    def client(self, name: str) -> Json | None:
        """The client of that id, with its secret, or None."""
        with self._asking():
            client_id = self._admin.get_client_id(name)
        if client_id is None:
            return None
        try:
            return self.client_by_id(client_id)
        except Gone:
            return None

    def client_by_id(self, client_id: str) -> Json:
        """The client of Keycloak's own id, with its secret."""
        with self._asking():
            return dict(self._admin.get_client(client_id))

    def clients(self) -> list[Json]:
        """Every client of the realm: Keycloak sends them all unless it is asked for fewer."""
        with self._asking():
            found = [dict(client) for client in self._admin.get_clients()]
        if not found:  # a realm has half a dozen of its own
            raise Refused(_may_not(), status_code=403)
        return found

    def create_client(self, representation: Mapping[str, Any]) -> str:
        """Makes a client and returns Keycloak's own id of it."""
        with self._asking():
            return str(self._admin.create_client(dict(representation)))

    def set_enabled(self, client_id: str, enabled: bool) -> None:
        """Switches a client on or off, and changes nothing else of it, whoever else is changing it."""
        with self._asking():
            self._admin.update_client(client_id, {"enabled": enabled})

    def new_secret(self, client_id: str) -> str:
        """Makes a new secret for a client; the one before is no longer good."""
        with self._asking():
            return str(self._admin.generate_client_secrets(client_id)["value"])

    def delete_client(self, client_id: str) -> None:
        """Removes a client."""
        with self._asking():
            self._admin.delete_client(client_id)

    def scope(self, name: str) -> Json | None:
        """The client scope of that name with its mappers, or None."""
        with self._asking():
            found = self._admin.get_client_scope_by_name(name)
        return None if found is None else dict(found)

    def create_scope(self, representation: Mapping[str, Any]) -> str:
        """Makes a client scope and returns Keycloak's own id of it."""
        with self._asking():
            return str(self._admin.create_client_scope(dict(representation)))

    def delete_scope(self, scope_id: str) -> None:
        """Removes a client scope."""
        with self._asking():
            self._admin.delete_client_scope(scope_id)

    def default_scopes(self) -> list[str]:
        """The names of the scopes that every new client of the realm is given."""
        with self._asking():
            scopes = self._admin.get_default_default_client_scopes()
        return [scope["name"] for scope in scopes if scope.get("protocol") == "openid-connect"]

    def give_scope(self, client_id: str, scope_id: str) -> None:
        """Gives a client a scope as a default one: it is in every token, asked for or not."""
        with self._asking():
            self._admin.add_client_default_client_scope(client_id, scope_id, {})

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """One exchange with Keycloak, whose failures become sentences."""
        try:
            yield
        except KeycloakConnectionError as error:
            raise AdminError(self._no_answer(error.__cause__)) from error
        except KeycloakError as error:
            raise self._refusal(error) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:  # what its reading of odd answers ends in
            raise AdminError(
                f"What answers at {self._url} is not Keycloak's admin interface: check the address."
            ) from error

    def _no_answer(self, cause: BaseException | None) -> str:
        if isinstance(cause, SSLError):
            return f"The certificate of {self._url} is not trusted here: set REQUESTS_CA_BUNDLE to the file of its CA."
        if isinstance(cause, Timeout):
            return (
                f"{self._url} did not answer within {self._timeout_seconds} seconds: see by 'credentials list' what was "
                "done, and run the command again."
            )
        return f"{self._url} broke off: see by 'credentials list' what was done, and run the command again."

    def _refusal(self, error: KeycloakError) -> AdminError:
        status = error.response_code
        said = _words_of(error.response_body)
        if status == 403:
            return Refused(_may_not(), status_code=status)
        if status == 401:
            return Refused(
                f"{self._url} does not accept the token that the realm has just given: sign in at the address that "
                "Keycloak calls its own (--admin-url).",
                status_code=status,
            )
        if status == 404 and said.startswith("Could not find"):
            return Gone("It was removed while this command ran: run the command again.", status_code=status)
        if status == 404:
            return Refused(
                f"There is no admin interface at {self._url}: a proxy in front of Keycloak may hide it, so name "
                "the address behind the proxy with --admin-url.",
                status_code=status,
            )
        return Refused(f"Keycloak refused ({status}{': ' + said if said else ''}).", status_code=status)


def _may_not() -> str:
    return (
        "This service account may not manage clients: give it the role 'manage-clients' of the client "
        "'realm-management' (Clients > its client > Service account roles > Assign role), and no other."
    )


def _words_of(body: bytes | None) -> str:
    """What Keycloak says in one of its kinds of error, on one line."""
    try:
        document = json.loads(body or b"")
    except ValueError:
        return ""
    document = document if isinstance(document, dict) else {}
    said = next((document[n] for n in ("errorMessage", "error_description", "error") if document.get(n)), "")
    return "".join(character if character.isprintable() else "?" for character in str(said))[:300].rstrip(".")
