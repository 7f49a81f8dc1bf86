"""The methods that look at a token, by python-keycloak's names, and their `a_` forms."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from resource_protector.shadow import Shadow

from .answers import Answers
from .as_before import DEFAULT_LEEWAY_SECONDS, decode_as_before
from .decode_arguments import DecodeArguments
from .endpoints import RealmEndpoints
from .exceptions import KeycloakRPTNotFound
from .leeways import Leeways

__all__ = ["TokenChecks"]


class TokenChecks:
    """Each is answered from the token alone, except in shadow mode, which asks the realm as well."""

    _realm: RealmEndpoints
    _answers: Answers
    _arguments: DecodeArguments
    _leeways: Leeways
    _sides: Shadow
    _now: Callable[[], float]

    def introspect(self, token: str, rpt: str | None = None, token_type_hint: str | None = None) -> dict[str, Any]:
        """The claims of an accepted access token, with `active`, `client_id`, `username` and `token_type`.

        Any other token is exactly `{"active": False}`. Raises KeycloakConnectionError where the realm's keys cannot be
        had, and KeycloakRPTNotFound for `rpt`, which only the realm can look at.
        """
        _refuse_rpt(rpt, token_type_hint)
        online = functools.partial(self._realm.introspect, token)
        accepted, refused = self._answers.introspection, self._answers.inactive
        return self._sides.answer(token, online, accepted=accepted, refused=refused)

    async def a_introspect(
        self, token: str, rpt: str | None = None, token_type_hint: str | None = None
    ) -> dict[str, Any]:
        """As `introspect`, without blocking the event loop while keys are loaded."""
        _refuse_rpt(rpt, token_type_hint)
        online = functools.partial(self._realm.introspect, token)
        accepted, refused = self._answers.introspection, self._answers.inactive
        answer: dict[str, Any] = await self._sides.answer_async(token, online, accepted=accepted, refused=refused)
        return answer

    def decode_token(self, token: str, validate: bool = True, **kwargs: Any) -> dict[str, Any]:
        """The claims of an accepted access token.

        `leeway` is honoured, in seconds. `key`, `algorithms`, `algs` and `options` are accepted and not needed;
        `validate=False` and `verify_signature: False` raise ValueError. Any other token raises JWTExpired,
        InvalidJWSSignature or another JWException, whose `reason` says why; keys that cannot be had raise
        KeycloakConnectionError.
        """
        leeway = self._arguments.leeway(validate, kwargs)
        online = functools.partial(self._decode_as_before, token, leeway)
        accepted, refused = self._answers.claims, self._answers.undecodable
        offline = self._leeways.validator(leeway)
        return self._sides.answer(token, online, accepted=accepted, refused=refused, offline=offline)

    async def a_decode_token(self, token: str, validate: bool = True, **kwargs: Any) -> dict[str, Any]:
        """As `decode_token`, without blocking the event loop while keys are loaded."""
        leeway = self._arguments.leeway(validate, kwargs)
        online = functools.partial(self._decode_as_before, token, leeway)
        accepted, refused = self._answers.claims, self._answers.undecodable
        offline = self._leeways.validator(leeway)
        answer: dict[str, Any] = await self._sides.answer_async(
            token, online, accepted=accepted, refused=refused, offline=offline
        )
        return answer

    def userinfo(self, token: str) -> dict[str, Any] | bytes:
        """What an accepted access token says about the user.

        It cannot know what has changed since the token was issued (a logout, a new name), nor claims that the realm
        adds to userinfo alone. Roles are in the answer, which the realm leaves out by default. Any other token raises
        KeycloakAuthenticationError, and one without the scope `openid` KeycloakGetError (403), as from the realm; keys
        that cannot be had raise KeycloakConnectionError. Bytes only in shadow mode, from a realm that signs them.
        """
        online = functools.partial(self._realm.userinfo, token)
        accepted, refused = self._answers.userinfo, self._answers.unauthorized
        return self._sides.answer(token, online, accepted=accepted, refused=refused)

    async def a_userinfo(self, token: str) -> dict[str, Any] | bytes:
        """As `userinfo`, without blocking the event loop while keys are loaded."""
        online = functools.partial(self._realm.userinfo, token)
        accepted, refused = self._answers.userinfo, self._answers.unauthorized
        answer: dict[str, Any] | bytes = await self._sides.answer_async(
            token, online, accepted=accepted, refused=refused
        )
        return answer

    def _decode_as_before(self, token: str, leeway: float | None) -> dict[str, Any]:
        leeway_seconds = DEFAULT_LEEWAY_SECONDS if leeway is None else leeway
        return decode_as_before(token, self._realm.certs(), now=self._now(), leeway_seconds=leeway_seconds)


def _refuse_rpt(rpt: object, token_type_hint: object) -> None:
    if rpt is not None or token_type_hint == "requesting_party_token":  # noqa: S105 - a kind of token
        raise KeycloakRPTNotFound(
            "A requesting party token is not looked at here, since only the realm can say what it permits: use "
            "introspect() of python-keycloak for it."
        )
