"""Where the two sides disagree about a token, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resource_protector.claims import AccessToken
from resource_protector.errors import Finding, TokenRejected

from .outcome import Outcome, Verdict

__all__ = ["Difference", "difference"]

_NO_ROLES: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Difference:
    """One disagreement: a `Reason` of the offline side, or `inactive`, `leeway`, `claims`, `online_failed`, `offline_failed`.

    `finding` is what the offline side found; `claims` names those that differ.
    """

    reason: str
    finding: Finding | None = None
    claims: tuple[str, ...] = ()


def difference(online: Outcome, offline: Outcome, now: float) -> Difference | None:
    """How the sides differ; None where they agree, or where one of them could not be asked."""
    verdicts = (online.verdict, offline.verdict)
    if Verdict.UNAVAILABLE in verdicts:
        return None
    if offline.verdict is Verdict.FAILED:
        return Difference("offline_failed")
    if online.verdict is Verdict.FAILED:
        return Difference("online_failed")
    if verdicts == (Verdict.ACCEPTED, Verdict.REFUSED):
        return _refusal(offline.error)
    if verdicts == (Verdict.REFUSED, Verdict.ACCEPTED):
        # It expired a moment ago, which says nothing of logout or revocation: leeway_seconds let it pass.
        expires_at = offline.answer.expires_at
        return Difference("leeway" if expires_at is not None and expires_at <= now else "inactive")
    names = _differing(online.answer, offline.answer) if verdicts == (Verdict.ACCEPTED, Verdict.ACCEPTED) else ()
    return Difference("claims", claims=names) if names else None


def _refusal(error: Exception | None) -> Difference:
    if isinstance(error, TokenRejected):
        return Difference(error.reason.value, error.finding)
    return Difference("refused")  # by the exception of a validator of somebody's own


def _differing(online: object, offline: AccessToken) -> tuple[str, ...]:
    """The claims that authorization rests on and that differ; an answer that is no mapping tells of none."""
    if not isinstance(online, Mapping):
        return ()
    theirs, ours = _rests_on(AccessToken(online)), _rests_on(offline)
    # A document that says nothing of the token, such as userinfo's, can differ only in what it holds. In
    # one about the token, what is left out counts: Keycloak leaves out 'realm_access' without any role.
    is_partial = "active" not in online and "iss" not in online
    return tuple(name for name in ours if theirs[name] != ours[name] and not (is_partial and name not in online))


def _rests_on(token: AccessToken) -> dict[str, Any]:
    access = token.get("resource_access")
    clients = access if isinstance(access, dict) else {}
    return {
        "sub": token.subject,
        "client_id": token.client_id,
        "scope": token.scopes,
        "realm_access": token.realm_roles,
        # A client without a role is as good as one that is not there.
        "resource_access": {name: roles for name in clients if (roles := token.client_roles(name)) != _NO_ROLES},
    }
