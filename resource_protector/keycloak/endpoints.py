"""The realm's endpoints, with the parameters that python-keycloak sends and the errors that it raises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from resource_protector.realm import certs_url, discovery_url, introspection_url, logout_url, token_url, userinfo_url

from .connection import Answer, Connection
from .exceptions import KeycloakAuthenticationError, KeycloakError, KeycloakGetError, KeycloakPostError

__all__ = ["RealmEndpoints", "path_advice"]

_SUCCESS = (200, 201, 204)
_NOT_TEXT = b'{"error":"invalid_request","error_description":"A value is not text"}'


class RealmEndpoints:
    """Asks one realm. `realm_url` is its address, `credentials` the client's id and secret for a form.

    Everything raises KeycloakConnectionError where the realm cannot be asked, KeycloakAuthenticationError
    where it answers 401, and KeycloakGetError or KeycloakPostError where it answers anything else.
    """

    def __init__(self, realm_url: str, connection: Connection, credentials: Callable[[], Mapping[str, str]]) -> None:
        self._realm_url = realm_url
        self._connection = connection
        self._credentials = credentials

    def token(self, form: Mapping[str, Any]) -> dict[str, Any]:
        """The token endpoint's answer to `form` and the client's credentials (RFC 6749 section 3.2)."""
        return self._posted(token_url(self._realm_url), form)

    def introspect(self, token: str) -> dict[str, Any]:
        """Whether the realm says that `token` is active (RFC 7662 section 2)."""
        return self._posted(introspection_url(self._realm_url), {"token": _sendable(token)})

    def logout(self, refresh_token: str) -> dict[str, Any]:
        """Ends the session behind a refresh token; the answer is empty."""
        return self._posted(logout_url(self._realm_url), {"refresh_token": refresh_token}, success=(204,))

    def userinfo(self, token: str) -> dict[str, Any] | bytes:
        """The claims about the user of `token`: bytes where the realm signs them (OpenID Connect Core 1.0 section 5.3)."""
        url = userinfo_url(self._realm_url)
        response = self._connection.get(url, {"Authorization": f"Bearer {_sendable(token)}"})
        if response.status_code == 200 and not isinstance(response.document, dict):
            return response.content
        return _object(response, KeycloakGetError, self._realm_url)

    def well_known(self) -> dict[str, Any]:
        """The realm's configuration document (OpenID Connect Discovery 1.0 section 4)."""
        return self._got(discovery_url(self._realm_url))

    def certs(self) -> dict[str, Any]:
        """The realm's keys as it publishes them now (RFC 7517 section 5)."""
        return self._got(certs_url(self._realm_url))

    def public_key(self) -> str:
        """One key of the realm, which its own page has."""
        key = self._got(self._realm_url).get("public_key")
        if not isinstance(key, str):
            raise KeycloakGetError(f"There is no 'public_key' at {self._realm_url}: is it the address of a realm?", 200)
        return key

    def _got(self, url: str) -> dict[str, Any]:
        return _object(self._connection.get(url), KeycloakGetError, self._realm_url)

    def _posted(self, url: str, form: Mapping[str, Any], success: tuple[int, ...] = _SUCCESS) -> dict[str, Any]:
        try:
            response = self._connection.post(url, {**form, **self._credentials()})
        except UnicodeError as error:  # a lone surrogate: JSON can hold one, and nobody's name or password has one
            raise KeycloakPostError(_NOT_TEXT, 400, _NOT_TEXT) from error
        return _object(response, KeycloakPostError, self._realm_url, success)


def _sendable(token: object) -> str:
    """`token`; or, of what no request can carry, something that is no token either."""
    return token if isinstance(token, str) and token.isascii() and token.isprintable() else "malformed"


def path_advice(realm_url: str) -> str | None:
    """What to say of the path before `/realms` where the server knows nothing at such an address."""
    path = urlsplit(realm_url).path.partition("/realms/")[0]
    if not path:
        return None
    return (
        f"server_url has the path {path!r}, which Keycloak has had only with --http-relative-path since version 17: "
        "leave it out. (python-keycloak ignores a path that has no slash at its end.)"
    )


def _object(
    response: Answer, error: type[KeycloakError], realm_url: str, success: tuple[int, ...] = _SUCCESS
) -> dict[str, Any]:
    """The JSON object in an answer, empty for 204; raises `error`, or its kin, for all else."""
    document = response.document
    if response.status_code in success:
        if response.status_code == 204:
            return {}
        if isinstance(document, dict):
            return document
        raise error("The answer is no JSON object: is server_url the address of a Keycloak?", 200, response.content)
    said: Any = document.get("message", response.content) if isinstance(document, dict) else response.content
    kind = KeycloakAuthenticationError if response.status_code == 401 else error
    refusal = kind(said, response.status_code, response.content)
    advice = path_advice(realm_url) if response.status_code == 404 else None
    if advice is not None:
        refusal.add_note(advice)
    raise refusal
