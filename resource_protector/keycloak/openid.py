"""python-keycloak's `KeycloakOpenID`, which asks the realm about no token that can be judged without it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Collection, Mapping
from enum import Enum
from typing import Any, Literal, NoReturn, Unpack

from resource_protector.options import CheckOptions
from resource_protector.realm import certs_url, check_url, introspection_url, issuer_of
from resource_protector.shadow import Shadow
from resource_protector.validator import RealmTokenValidator

from .answers import Answers
from .connection import Connection
from .decode_arguments import DecodeArguments
from .elsewhere import absence_of
from .endpoints import RealmEndpoints
from .leeways import Leeways
from .options import refuse_unknown
from .realm_calls import RealmCalls
from .token_checks import TokenChecks

__all__ = ["KeycloakOpenID"]

_KEYS_TIMEOUT_SECONDS = 5.0


class _Default(Enum):
    CLIENT_ID = "client_id"


class KeycloakOpenID(TokenChecks, RealmCalls):
    """A drop-in for python-keycloak's class of this name: tokens are checked without asking the realm.

    `introspect`, `decode_token` and `userinfo` answer from the token, whose signature is checked with the realm's
    keys held in memory; only a lightweight access token, which lacks `aud` and roles, is completed by the realm, once in
    `introspection_seconds` and if there is a `client_secret_key`. What nobody can know so, until the token expires: a logout, a disabled user, a changed role,
    a revoked token. `token`, `refresh_token`, `logout`, `well_known`, `public_key` and `certs` ask the realm. Each
    method has an `a_` form, which does not block the event loop.

    The first eleven parameters are python-keycloak's, in its order. Where they differ:

    - `server_url`: with or without a slash at its end; a path in it counts either way.
    - `verify`: True, or the path of a CA bundle. False is refused.
    - `timeout`: seconds for each call as a whole (None: 60). Loading keys takes no longer, and no longer than 5
      unless `timeout_seconds` says so.

    By keyword only:

    - `audience`: what this API is called in `aud`; default `client_id`, which is what Keycloak's own introspection
      demands since 26.6.2. Never "any".
    - `issuer`: the `iss` of the tokens, where it is not the address at `server_url` (an internal host name).
    - `shadow`: "online" asks the realm as before, returns its answer and compares the offline verdict with it;
      "offline" turns that round; None, the default, is offline alone.
    - all that `RealmTokenValidator` takes, such as `leeway_seconds` and `allow_insecure_http`.

    Raises ValueError for a configuration that cannot work, TypeError for a keyword that is not here.
    """

    def __init__(
        self,
        server_url: str,
        realm_name: str,
        client_id: str,
        client_secret_key: str | None = None,
        verify: bool | str = True,
        custom_headers: Mapping[str, str] | None = None,
        proxies: Mapping[str, str] | None = None,
        timeout: float | None = 60,
        cert: str | tuple[str, str] | None = None,
        max_retries: int = 1,
        pool_maxsize: int | None = None,
        *,
        audience: str | Collection[str] | _Default = _Default.CLIENT_ID,
        issuer: str | None = None,
        shadow: Literal["online", "offline"] | None = None,
        **options: Unpack[CheckOptions],
    ) -> None:
        refuse_unknown(options)
        if shadow not in (None, "online", "offline"):
            raise ValueError(f"shadow is {shadow!r}: write 'online', 'offline' or None.")
        insecure = options.get("allow_insecure_http", False)
        server_url = check_url(server_url, name="server_url", allow_insecure_http=insecure)
        realm_url = issuer_of(server_url, realm_name)
        connection = Connection(
            server_url,
            verify=verify,
            custom_headers=custom_headers,
            proxies=proxies,
            timeout=timeout,
            cert=cert,
            max_retries=max_retries,
            pool_maxsize=pool_maxsize,
        )
        given: dict[str, Any] = {
            "jwks_uri": certs_url(realm_url),
            "timeout_seconds": min(connection.timeout_seconds, _KEYS_TIMEOUT_SECONDS),
            "session": None if options.get("fetch") else connection.session(),
            **options,
        }
        if client_secret_key:
            endpoint = introspection_url(realm_url)
            given |= {"client_id": client_id, "client_secret": client_secret_key, "introspection_endpoint": endpoint}
        self.client_secret_key = client_secret_key
        self._realm_name = realm_name
        self._client_id = client_id
        self._realm = RealmEndpoints(realm_url, connection, self._credentials)
        self._answers = Answers(realm_url)
        self._arguments = DecodeArguments()
        self._now: Callable[[], float] = given.get("now", time.time)
        accepts: dict[str, Any] = {"audience": _audience(audience, client_id), **given}
        self._leeways = Leeways(functools.partial(RealmTokenValidator, issuer or realm_url, **accepts))
        self._is_compared = shadow is not None
        self._sides = Shadow(
            None,
            self.validator,
            decides=shadow or "offline",
            compare=self._is_compared,
            monotonic=given.get("monotonic", time.monotonic),
            now=self._now,
        )

    @property
    def realm_name(self) -> str:
        """The realm's name, as given."""
        return self._realm_name

    @property
    def client_id(self) -> str:
        """What this application is called at the realm."""
        return self._client_id

    @property
    def validator(self) -> RealmTokenValidator:
        """What checks the tokens; `ResourceProtector(keycloak_openid.validator)` does it for a whole application."""
        return self._leeways.usual

    @property
    def shadow(self) -> Shadow | None:
        """Shadow mode, whose `report()` says how often the realm and the offline check disagreed; None without it."""
        return self._sides if self._is_compared else None

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(absence_of(name, type(self).__name__), name=name, obj=self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.validator!r}>"

    def _credentials(self) -> Mapping[str, str]:
        secret = self.client_secret_key
        return {"client_id": self._client_id, **({"client_secret": secret} if secret else {})}


def _audience(audience: object, client_id: str) -> Any:
    if audience is _Default.CLIENT_ID:
        audience = client_id
    if not audience:
        raise ValueError(
            f"audience is {audience!r}, and would accept the tokens of every client of the realm: name what this API is "
            "called in 'aud', which is its client_id unless an Audience mapper says otherwise."
        )
    return audience
