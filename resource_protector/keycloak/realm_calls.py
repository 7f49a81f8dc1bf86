"""The methods that ask the realm, by python-keycloak's names, and their `a_` forms."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from .endpoints import RealmEndpoints

__all__ = ["RealmCalls"]

P = ParamSpec("P")
T = TypeVar("T")


def _in_thread(method: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The same method for `await`: it runs in a thread, and the event loop goes on."""

    @wraps(method)
    async def awaited(*args: P.args, **kwargs: P.kwargs) -> T:
        return await to_thread(method, *args, **kwargs)

    awaited.__name__ = f"a_{method.__name__}"
    awaited.__qualname__ = awaited.__qualname__.replace(method.__name__, awaited.__name__)
    awaited.__doc__ = f"As `{method.__name__}`, in a thread."
    return awaited


class RealmCalls:
    """The token endpoint, logout and the realm's documents.

    All raise KeycloakConnectionError where the realm cannot be asked, KeycloakAuthenticationError where it answers
    401, and KeycloakPostError (a wrong password is 400) or KeycloakGetError where it refuses otherwise.
    """

    _realm: RealmEndpoints

    def token(
        self,
        username: str | None = "",
        password: str | None = "",
        grant_type: str = "password",
        code: str = "",
        redirect_uri: str = "",
        totp: int | None = None,
        scope: str = "openid",
        code_verifier: str | None = None,
        **extra: Any,
    ) -> dict[str, Any]:
        """The token endpoint's answer to a password, a code or the client's own credentials; `extra` joins the form."""
        return self._realm.token(
            {
                "username": username,
                "password": password,
                "grant_type": grant_type,
                "code": code,
                "redirect_uri": redirect_uri,
                "scope": scope,
                **({"code_verifier": code_verifier} if code_verifier else {}),
                **extra,
                **({"totp": totp} if totp else {}),
            }
        )

    def refresh_token(self, refresh_token: str, grant_type: str = "refresh_token") -> dict[str, Any]:
        """New tokens for a refresh token."""
        return self._realm.token({"grant_type": grant_type, "refresh_token": refresh_token})

    def logout(self, refresh_token: str) -> dict[str, Any]:
        """Ends the session at the realm. Its access tokens are accepted here until they expire."""
        return self._realm.logout(refresh_token)

    def well_known(self) -> dict[str, Any]:
        """The realm's configuration document."""
        return self._realm.well_known()

    def public_key(self) -> str:
        """One public key of the realm, a PEM without its first and last line."""
        return self._realm.public_key()

    def certs(self) -> dict[str, Any]:
        """The realm's keys, asked for now; those that tokens are checked with are at `validator.keys`."""
        return self._realm.certs()

    a_token = _in_thread(token)
    a_refresh_token = _in_thread(refresh_token)
    a_logout = _in_thread(logout)
    a_well_known = _in_thread(well_known)
    a_public_key = _in_thread(public_key)
    a_certs = _in_thread(certs)
