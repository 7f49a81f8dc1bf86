"""A token that somebody shows to the realm: whose it is, and what has become of it since it was issued."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resource_protector.dev.claim import Claims
from resource_protector.dev.compact import read_signed
from resource_protector.dev.grant import Grant, Session, granted_scopes
from resource_protector.dev.issuer import Issuer
from resource_protector.dev.realm_model import Client, Realm, User

__all__ = ["REFRESH_TYPES", "PresentedToken", "present"]

REFRESH_TYPES = ("Refresh", "Offline")


@dataclass(frozen=True)
class PresentedToken:
    """A token of this realm, with a good signature, and what the realm knows about it now."""

    claims: Claims
    realm: Realm
    client: Client | None
    """Whom it was issued to."""
    user: User | None
    session: Session | None
    minted: Mapping[str, Any] | None
    """The claims that are left out of a token that no grant stands behind; None for any other token."""
    is_revoked: bool
    now: float

    @property
    def is_expired(self) -> bool:
        """Whether its time is over, or has not come. Keycloak still takes it in the second that `exp` names."""
        expires_at, starts_at = _number(self.claims.get("exp")), _number(self.claims.get("nbf"))
        return bool(expires_at and int(self.now) > expires_at) or bool(starts_at and int(self.now) < starts_at)

    @property
    def is_stale(self) -> bool:
        """Whether all tokens as old as this one were declared void."""
        return _number(self.claims.get("iat")) < self.realm.not_before

    @property
    def is_stale_for_user(self) -> bool:
        """Whether all tokens of this user that are as old as this one were declared void, by logging him out."""
        return self.user is not None and _number(self.claims.get("iat")) < self.user.not_before

    @property
    def is_client_enabled(self) -> bool:
        """Whether the client may still be there; a minted token's need never have been."""
        return self.minted is not None if self.client is None else self.client.enabled

    @property
    def is_user_enabled(self) -> bool:
        """Whether the user may still be there; a minted token's need never have been."""
        return self.minted is not None if self.user is None else self.user.enabled

    @property
    def has_its_session(self) -> bool:
        """Whether the session is there, if it is a token of one."""
        return self.session is not None or "sid" not in self.claims or self.minted is not None

    @property
    def is_active(self) -> bool:
        """Whether it is good for anything still."""
        is_void = self.is_expired or self.is_stale or self.is_stale_for_user or self.is_revoked
        return not is_void and self.is_client_enabled and self.is_user_enabled and self.has_its_session

    def grant(self) -> Grant | None:
        """What stands behind it today: the scopes that it names, with the client and the user as they are now."""
        if self.client is None or self.user is None or self.minted is not None:
            return None
        scope = self.claims.get("scope")
        names = scope.split(" ") if isinstance(scope, str) else []
        scopes = granted_scopes(self.realm, self.client, self.user, names)
        notes = self.session.notes if self.session else {}
        return Grant(self.realm, self.client, self.user, "rt", scopes, "openid" in names, self.session, notes)


def present(issuer: Issuer, token: str, *, is_refresh_token: bool = False) -> PresentedToken | None:
    """What the realm knows of an access token, an ID token or a refresh token; None if it is not one of its own.

    A refresh token is signed with another key, so nothing is both.
    """
    key_of = issuer.keys.refresh_token_key if is_refresh_token else issuer.keys.verifying_key
    claims = read_signed(token, key_of)
    if claims is None or claims.get("iss") != issuer.url:
        return None
    if is_refresh_token and claims.get("typ") not in REFRESH_TYPES:
        return None
    realm = issuer.realm
    session = issuer.sessions.find(claims.get("sid"))
    azp = claims.get("azp")
    return PresentedToken(
        claims=claims,
        realm=realm,
        client=realm.clients.get(azp) if isinstance(azp, str) else None,
        user=realm.user(session.user.id if session else claims.get("sub")),
        session=session,
        minted=issuer.sessions.minted(token),
        is_revoked=issuer.sessions.is_revoked(claims.get("jti")),
        now=issuer.now(),
    )


def _number(value: object) -> float:
    """A claim that counts seconds; 0, which means none, where it is no number."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0
