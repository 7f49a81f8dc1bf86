"""One realm of a server, as its clients see it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

TIMEOUT_SECONDS = 30.0

Form = Mapping[str, str] | Iterable[tuple[str, str]] | str


@dataclass(frozen=True)
class Realm:
    """Asks a realm for tokens. Secrets and passwords are those of the realm file."""

    server_url: str
    name: str
    secrets: Mapping[str, str | None]
    passwords: Mapping[str, str] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        """The issuer, by the address that this object asks. Keycloak leaves an apostrophe as it is."""
        return self.server_url + "/realms/" + quote(self.name, safe="'")

    @property
    def token_url(self) -> str:
        """The token endpoint."""
        return f"{self.issuer}/protocol/openid-connect/token"

    def at(self, server_url: str) -> "Realm":
        """The same realm, asked by another address."""
        return Realm(server_url, self.name, self.secrets, self.passwords)

    def ask(self, form: Form, *, session: requests.Session | None = None, **headers: str) -> requests.Response:
        """Posts a form to the token endpoint and returns whatever is answered. `_` in a header's name means `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = form if isinstance(form, str | Mapping) else list(form)
        if isinstance(data, str):
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        client = session or requests.Session()
        return client.post(self.token_url, data=data, headers=sent, timeout=TIMEOUT_SECONDS)

    def send(self, method: str, path: str, form: Form | None = None, **headers: str) -> requests.Response:
        """Sends a request to one of the realm's endpoints, and follows no redirect. `_` in a header's name means `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = form if form is None or isinstance(form, str | Mapping) else list(form)
        url = f"{self.issuer}/protocol/openid-connect/{path}"
        return requests.request(method, url, data=data, headers=sent, timeout=TIMEOUT_SECONDS, allow_redirects=False)

    def credentials(self, client: str) -> dict[str, str]:
        """A client's id, and its secret if it has one, for a form."""
        secret = self.secrets[client]
        return {"client_id": client} | ({"client_secret": secret} if secret else {})

    def introspect(self, token: str, client: str = "orders-api", **parameters: str) -> requests.Response:
        """Asks whether a token is active, in the name of a client."""
        return self.send("POST", "token/introspect", {**self.credentials(client), "token": token, **parameters})

    def grant(self, client: str, *, user: str | None = None, scope: str | None = None) -> dict[str, str]:
        """The form of a password grant, or of client credentials without a user."""
        form = {"client_id": client}
        if secret := self.secrets[client]:
            form["client_secret"] = secret
        if user is None:
            form["grant_type"] = "client_credentials"
        else:
            form |= {"grant_type": "password", "username": user, "password": self.passwords[user]}
        if scope is not None:
            form["scope"] = scope
        return form

    def refresh(self, client: str, refresh_token: str) -> dict[str, str]:
        """The form of a refresh grant."""
        form = {"grant_type": "refresh_token", "client_id": client, "refresh_token": refresh_token}
        if secret := self.secrets[client]:
            form["client_secret"] = secret
        return form

    def logout(self, client: str, refresh_token: str) -> requests.Response:
        """Ends the session behind a refresh token."""
        form = self.refresh(client, refresh_token)
        return requests.post(f"{self.issuer}/protocol/openid-connect/logout", data=form, timeout=TIMEOUT_SECONDS)

    def tokens(
        self,
        client: str,
        *,
        user: str | None = None,
        scope: str | None = None,
        session: requests.Session | None = None,
        **headers: str,
    ) -> dict[str, Any]:
        """The whole token response; AssertionError with the realm's words when it refuses."""
        answer = self.ask(self.grant(client, user=user, scope=scope), session=session, **headers)
        if answer.status_code != 200:
            raise AssertionError(f"{self.token_url} answered {answer.status_code} {answer.text} to {client}")
        return dict(answer.json())

    def token(
        self,
        client: str,
        *,
        user: str | None = None,
        scope: str | None = None,
        session: requests.Session | None = None,
        **headers: str,
    ) -> str:
        """An access token."""
        return str(self.tokens(client, user=user, scope=scope, session=session, **headers)["access_token"])

    def certs(self) -> list[dict[str, Any]]:
        """The keys that the realm publishes."""
        answer = requests.get(f"{self.issuer}/protocol/openid-connect/certs", timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        return list(answer.json()["keys"])

    def signing_kids(self) -> set[str]:
        """The ids of the published keys that sign."""
        return {key["kid"] for key in self.certs() if key["use"] == "sig"}
