"""The calls of the demo: what each sends, what must be answered, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resource_protector.errors import Reason

if TYPE_CHECKING:
    from resource_protector.dev import DevRealm

__all__ = ["API", "Call", "tour"]

API = "orders-api"
_SCOPE = "test_api_access"
_PUBLIC, _PRIVATE, _SCOPED = "/api/public", "/api/private", "/api/private-scoped"


@dataclass(frozen=True)
class Call:
    """One request of the demo, and the answer that it must get."""

    path: str
    sends: str
    token: str | None
    status: int
    why: str
    reason: Reason | None = None


def tour(realm: DevRealm) -> Iterator[Call]:
    """The calls in order. What happens to `realm` between two calls happens when the next one is asked for."""
    yield Call(_PUBLIC, "no token", None, 200, "Nothing protects this route.")
    yield Call(_PRIVATE, "no token", None, 401, "require_auth(None) wants a valid token.", Reason.MISSING)

    alice = realm.token(client="web", user="alice")
    yield Call(_PRIVATE, "alice's token", alice, 200, "Signature, issuer, audience, type and times are right.")
    yield Call(
        _SCOPED,
        "alice's token, without the scope",
        alice,
        403,
        f"The token is good and lacks the scope {_SCOPE}.",
        Reason.INSUFFICIENT_SCOPE,
    )

    known = realm.token(client="test_api_client", scope=_SCOPE)
    yield Call(_SCOPED, "test_api_client's token, with the scope", known, 200, "The scope is there.")
    yield Call(
        _PRIVATE,
        "an ID token, signed with the same key",
        realm.mint("id_token"),
        401,
        "Signature, issuer and audience are right; but it tells a client who logged in, and permits nothing.",
        Reason.TOKEN_TYPE,
    )
    yield Call(
        _PRIVATE, "an expired token", realm.mint("expired"), 401, "Its time is over, by more than 30 s.", Reason.EXPIRED
    )
    yield Call(
        _PRIVATE,
        "test_api_client's token, asked for without the scope",
        realm.token(client="test_api_client"),
        401,
        f"Its audience is 'account': in this realm it is the scope {_SCOPE} that adds '{API}'.",
        Reason.AUDIENCE,
    )

    kid = realm.rotate()
    yield Call(
        _SCOPED,
        f"a token signed with a new key, {kid[:8]}...",
        realm.token(client="test_api_client", scope=_SCOPE),
        200,
        "The realm's key was rotated; an unknown key makes the server load the keys at once.",
    )

    realm.down()
    yield Call(
        _SCOPED,
        "test_api_client's token from before",
        known,
        200,
        "The realm is stopped; the keys are at hand, and checking a token asks nobody.",
    )
