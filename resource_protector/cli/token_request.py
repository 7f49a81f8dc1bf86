"""One request to a realm's token endpoint (RFC 6749 sections 4.3 and 4.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from resource_protector.provider.client_login import basic_authorization
from resource_protector.realm import is_loopback, token_url

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

__all__ = ["TokenRequest", "TokenRequestFailed"]

_B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 section 2.1


class TokenRequestFailed(Exception):
    """No token was given; the message is one line that says why and what to do."""


@dataclass(frozen=True)
class TokenRequest:
    """Who asks which realm for what. Without a `username` it asks by client credentials, with one by password."""

    issuer: str
    client_id: str
    client_secret: str | None = None  # None is a public client
    username: str | None = None
    password: str | None = None
    scope: str | None = None
    secret_in_form: bool = False  # otherwise by HTTP Basic
    timeout_seconds: float = 10

    def __repr__(self) -> str:
        """Without the secrets, which would else stand in tracebacks."""
        return f"TokenRequest(issuer={self.issuer!r}, client_id={self.client_id!r}, username={self.username!r})"

    @property
    def url(self) -> str:
        return token_url(self.issuer)

    def send(self) -> str:
        """The access token. Raises TokenRequestFailed when the realm cannot be asked, or refuses."""
        import requests

        with requests.Session() as session:
            # A proxy knows nothing of this machine's loopback addresses, and must not be sent its secrets.
            session.trust_env = not is_loopback(urlsplit(self.url).hostname or "")
            try:
                # A redirect would take the secret to wherever it points.
                answer = session.post(
                    self.url,
                    data=self._form(),
                    auth=self._authorize,
                    timeout=self.timeout_seconds,
                    allow_redirects=False,
                )
            except requests.exceptions.SSLError as error:
                raise TokenRequestFailed(
                    f"The certificate of {self.url} is not trusted here: set REQUESTS_CA_BUNDLE to the file of its CA."
                ) from error
            except requests.exceptions.Timeout as error:
                raise TokenRequestFailed(
                    f"{self.url} did not answer within {self.timeout_seconds:g} seconds: is the realm well, and the address right?"
                ) from error
            except requests.exceptions.RequestException as error:
                raise TokenRequestFailed(
                    f"Nothing answers at {self.url}: is the realm running, and are host and port right?"
                ) from error
        return self._token_of(answer)

    def _form(self) -> dict[str, str]:
        form = {"grant_type": "client_credentials" if self.username is None else "password"}
        if self.client_secret is None or self.secret_in_form:
            form["client_id"] = self.client_id
        if self.client_secret is not None and self.secret_in_form:
            form["client_secret"] = self.client_secret
        if self.username is not None:
            form["username"] = self.username
            form["password"] = self.password or ""
        if self.scope:  # an empty scope is an error to Keycloak, an absent one is not
            form["scope"] = self.scope
        return form

    def _authorize(self, request: PreparedRequest) -> PreparedRequest:
        """Given also when there is nothing to add: `requests` would else look into ~/.netrc."""
        if self.client_secret is not None and not self.secret_in_form:
            request.headers["Authorization"] = basic_authorization(self.client_id, self.client_secret)
        return request

    def _token_of(self, answer: Response) -> str:
        try:
            document = answer.json()
        except ValueError:
            document = None
        document = document if isinstance(document, dict) else {}
        token = document.get("access_token")
        if answer.status_code == 200 and isinstance(token, str) and _B64TOKEN.fullmatch(token):
            return token
        if answer.status_code == 404:
            raise TokenRequestFailed(
                f"There is no realm at {self.issuer} (404): check its name, and whether this server has a path, "
                "such as /auth, before /realms."
            )
        error = document.get("error")
        if answer.status_code >= 400 and isinstance(error, str):
            raise TokenRequestFailed(self._refusal(error, document.get("error_description")))
        raise TokenRequestFailed(
            f"{self.url} answered {answer.status_code} and no token: is that the token endpoint of a realm?"
        )

    def _refusal(self, error: str, description: object) -> str:
        said = f"{error}: {description}" if isinstance(description, str) else error
        said = "".join(character if character.isprintable() else "?" for character in said)[:300]
        cure = self._cure(error, said.lower())
        return f"The realm refused ({said.rstrip('.')}){': ' + cure if cure else '.'}"

    def _cure(self, error: str, said: str) -> str | None:
        """What to change, in the terms of Keycloak's console."""
        client = self.client_id
        if "public client" in said:
            return f"switch on 'Client authentication' of client {client!r}, or ask for a user with --user."
        if "not enabled to retrieve service account" in said:
            return f"switch on 'Service account roles' of client {client!r}, or ask for a user with --user."
        if "direct access grants" in said:
            return f"switch on 'Direct access grants' of client {client!r}, or choose another client."
        if "fully set up" in said:
            return f"give user {self.username!r} an email, a first and a last name, and no required actions."
        if "dpop" in said:
            return f"the tokens of client {client!r} are bound to a key; switch that off, or choose another client."
        return {
            "invalid_client": f"no client {client!r} in this realm, or its credentials are wrong.",
            "unauthorized_client": f"check the secret of client {client!r} (its tab 'Credentials').",
            "invalid_scope": f"give client {client!r} the scope (its tab 'Client scopes'), or ask without it.",
            "invalid_grant": f"check the name and the password of user {self.username!r}.",
            "access_denied": "the realm is switched off, or does not let this client in.",
        }.get(error)
