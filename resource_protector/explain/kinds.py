"""Tokens of another kind that are sent in place of an access token."""

from __future__ import annotations

from .evidence import Evidence
from .printable import exactly

__all__ = ["another_kind"]

_ID_TOKEN_MARKS = ("nonce", "at_hash", "c_hash")
_FOR_CLIENTS_ALONE = (
    "Send the access token: this is a logout token, which the realm sends to a client's back-channel address."
)
_FOR_THE_CLIENT = (
    "which is for the client that logged in; what an API wants is 'access_token' in the same token response"
)


def another_kind(evidence: Evidence) -> str | None:
    """What to do where this is no access token at all; None where it may be one.

    A token's type is its own, unverified word, and for a refresh token nobody but the realm could verify it.
    """
    if not evidence.findings:
        return None
    said = evidence.claims.get("typ")
    if said in ("Refresh", "Offline"):
        return _refresh_token(str(said), evidence)
    if said == "ID":
        return f"Send the access token: this is an ID token ('typ' says 'ID'), {_FOR_THE_CLIENT}."
    if said == "Logout":
        return _FOR_CLIENTS_ALONE
    if said is None and evidence.claims:
        return _untyped(evidence)
    return None


def _refresh_token(said: str, evidence: Evidence) -> str:
    name = "a refresh token" if said == "Refresh" else "an offline token, a refresh token that hardly ever expires"
    return (
        f"Send the access token, and revoke this one: it is {name} ('typ' says {said!r}). What an API wants is 'access_token' in "
        "the same token response. A refresh token is a secret that gets new access tokens: whoever has seen it, in a "
        f"shell's history or in a log, can use it. To revoke it: Sessions > (the user's session) > Sign out, in {evidence.realm}."
    )


def _untyped(evidence: Evidence) -> str | None:
    marks = [mark for mark in _ID_TOKEN_MARKS if mark in evidence.claims]
    header_type = evidence.header.get("typ")
    if marks:
        return f"Send the access token: this looks like an ID token (it has {exactly(marks)}), {_FOR_THE_CLIENT}."
    if "exp" not in evidence.claims and "iat" not in evidence.claims and "sub" in evidence.claims:
        return (
            "Send the access token: this looks like a signed UserInfo response (it has no 'exp' and no 'iat'). What an API wants "
            "is the token with which it was asked for."
        )
    if "events" in evidence.claims or (isinstance(header_type, str) and header_type.lower() == "logout+jwt"):
        return _FOR_CLIENTS_ALONE
    return None
