"""A realm's token endpoint, as one client asks it (RFC 6749 section 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal
from urllib.parse import quote, quote_plus

import requests

from resource_protector.policy import check_seconds
from resource_protector.provider.client_login import basic_authorization
from resource_protector.realm import check_issuer, check_url
from resource_protector.realm import token_url as keycloaks_token_url

from .advice import advice_on
from .answer import Answer, post_form
from .failure import TokenRequestFailed
from .issued_token import IssuedToken, issued_token
from .retry_after import retry_after_seconds

__all__ = ["AuthMethod", "Secret", "TokenEndpoint", "scope_of"]

#: How the client shows its secret: by HTTP Basic, or in the form (RFC 6749 section 2.3.1).
AuthMethod = Literal["client_secret_basic", "client_secret_post"]
#: The secret, or what returns it: called for each token request, and so never out of date.
Secret = str | Callable[[], str]

_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a type
_TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - the name of a grant
_MOST_SAID = 300


class TokenEndpoint:
    """Asks the realm at `issuer` for tokens, one request each; nothing is kept.

    - `client_secret`: None is a public client.
    - `token_url`: where to ask, if that is not where Keycloak has it.
    - `session`: a `requests.Session` whose CA, client certificate, proxies and headers are used.
    - `timeout_seconds`: the deadline of one exchange.
    - `allow_insecure_http`: secrets may go over plain http to a host that is not this one.

    Raises ValueError for what cannot be used. The repr shows neither secret nor token.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: Secret | None = None,
        *,
        token_url: str | None = None,
        auth_method: AuthMethod = "client_secret_basic",
        session: requests.Session | None = None,
        timeout_seconds: float = 10.0,
        allow_insecure_http: bool = False,
    ) -> None:
        self.issuer = check_issuer(issuer, allow_insecure_http=allow_insecure_http)
        self.url = keycloaks_token_url(issuer)
        if token_url is not None:
            self.url = check_url(token_url, name="token_url", allow_insecure_http=allow_insecure_http)
        self.client_id = _text(client_id, "client_id")
        if auth_method not in ("client_secret_basic", "client_secret_post"):
            raise ValueError(
                f"auth_method is {auth_method!r}: write 'client_secret_basic' (HTTP Basic) or 'client_secret_post' "
                "(in the form)."
            )
        if client_secret is not None and not callable(client_secret):
            _text(client_secret, "client_secret")
        self._client_secret = client_secret
        self._in_form = client_secret is None or auth_method == "client_secret_post"
        self._session = session
        self.timeout_seconds = check_seconds(timeout_seconds, "timeout_seconds", or_more=False)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.issuer!r}, {self.client_id!r})"

    def client_credentials(self, scope: str | Collection[str] | None = None) -> IssuedToken:
        """A token for the client itself (RFC 6749 section 4.4). Raises TokenRequestFailed."""
        return self._ask({"grant_type": "client_credentials"}, scope)

    def password(self, username: str, password: str, scope: str | Collection[str] | None = None) -> IssuedToken:
        """A token for a user, by his password (RFC 6749 section 4.3). Raises TokenRequestFailed."""
        return self._ask({"grant_type": "password", "username": username, "password": password}, scope)

    def exchange(
        self, subject_token: str, *, audience: str | None = None, scope: str | Collection[str] | None = None
    ) -> IssuedToken:
        """A token for whom `subject_token` stands for, meant for the next API (RFC 8693). Raises TokenRequestFailed.

        Keycloak wants this client to be in the token's `aud`, its 'Standard token exchange' switched on, and the
        `audience` to be one that a scope of this client brings.
        """
        form = {
            "grant_type": _TOKEN_EXCHANGE,
            "subject_token": subject_token,
            "subject_token_type": _ACCESS_TOKEN,
            "requested_token_type": _ACCESS_TOKEN,
        }
        if audience is not None:
            form["audience"] = audience
        return self._ask(form, scope)

    def _ask(self, form: dict[str, str], scope: str | Collection[str] | None) -> IssuedToken:
        secret = self._secret()
        hidden = [form[name] for name in ("password", "subject_token") if name in form]
        names = scope_of(scope)
        if names is not None:
            form["scope"] = names
        if self._in_form:
            form["client_id"] = self.client_id
            if secret is not None:
                form["client_secret"] = secret
        if secret is not None:
            hidden.append(secret)

        def authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
            if secret is not None and not self._in_form:
                request.headers["Authorization"] = basic_authorization(self.client_id, secret)
            return request

        answer = post_form(
            self.url, form, authorize=authorize, session=self._session, timeout_seconds=self.timeout_seconds
        )
        token = issued_token(answer.document) if answer.status_code == 200 else None
        if token is None:
            raise self._failure(answer, form, hidden)
        return token

    def _secret(self) -> str | None:
        if not callable(self._client_secret):
            return self._client_secret
        try:
            secret = self._client_secret()
        except Exception as error:
            raise TokenRequestFailed(
                f"The secret of client {self.client_id!r} could not be had: client_secret raised {type(error).__name__}."
            ) from error
        try:
            return _text(secret, "what client_secret returned")
        except ValueError as error:
            raise TokenRequestFailed(f"The secret of client {self.client_id!r} cannot be used: {error}") from error

    def _failure(self, answer: Answer, form: dict[str, str], hidden: list[str]) -> TokenRequestFailed:
        error, description = (_said(answer.document.get(name), hidden) for name in ("error", "error_description"))
        if answer.status_code == 404:
            error = description = None
            advice = (
                f"There is no realm at {self.url} (404): check its name, and whether this server has a path, "
                "such as /auth, before /realms."
            )
        elif answer.status_code >= 400 and error is not None:
            advice = advice_on(error, description or "", self.client_id, form)
        elif str(answer.document.get("token_type", "bearer")).lower() != "bearer":
            advice = (
                f"The tokens of client {self.client_id!r} are no bearer tokens: switch that off, or choose another."
            )
        else:
            error = description = None
            advice = f"{self.url} answered {answer.status_code} and no token: is that the token endpoint of a realm?"
        return TokenRequestFailed(
            advice,
            error=error,
            error_description=description,
            status_code=answer.status_code,
            retry_after_seconds=retry_after_seconds(answer.headers),
        )


def scope_of(scope: str | Collection[str] | None) -> str | None:
    """The value of the parameter; None where nothing is asked for: Keycloak refuses an empty one."""
    names = scope.split() if isinstance(scope, str) else list(scope or ())
    if not all(isinstance(name, str) for name in names):
        raise ValueError(f"scope is {scope!r}: write the scopes in one string, separated by spaces, or a list of them.")
    return " ".join(names) or None


def _text(value: object, name: str) -> str:
    """`value`, if it is text that can be sent. Raises ValueError without the value, which may be the secret."""
    if not isinstance(value, str) or not value:
        given = "empty" if value == "" else "missing" if value is None else type(value).__name__
        raise ValueError(f"{name} is {given}: write it as a string.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{name} holds half a character (a lone surrogate): was it read in the right encoding?")
    return value


def _said(value: object, hidden: list[str]) -> str | None:
    """The realm's words, fit to be printed on one line, without what was sent to it in confidence."""
    if not isinstance(value, str):
        return None
    for secret in hidden:
        for spelling in {secret, quote(secret, safe=""), quote_plus(secret)}:
            if len(spelling) > 3:  # a shorter one is in every sentence
                value = value.replace(spelling, "...")
    return "".join(character if character.isprintable() else "?" for character in value)[:_MOST_SAID]
