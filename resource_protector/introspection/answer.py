"""What the realm says about a token, held against the token and against what we accept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resource_protector.claims import AccessToken, first_problem
from resource_protector.errors import Finding, Reason
from resource_protector.policy import Policy
from resource_protector.provider import ProviderFailed
from resource_protector.readonly import ReadOnlyDict
from resource_protector.strict_json import read_object

__all__ = ["judge"]

# What names one token: an answer that says otherwise is about another one.
_IDENTITY = ("iss", "sub", "jti", "azp", "client_id", "iat", "exp")
# What stays true of a token while it lives. All members of an answer but one are optional (RFC 7662 section 2.2);
# scopes, roles and the audience are today's, and so never the token's.
_LASTING = ("iss", "sub", "jti", "iat", "exp", "nbf", "typ")


def judge(
    body: bytes, token: Mapping[str, Any], policy: Policy, now: float, *, header_type: str | None
) -> AccessToken | Finding:
    """The claims that the realm gives `token` today, or why it is refused: by the realm, or by `policy`.

    Raises ProviderFailed for what is no answer about this token.
    """
    try:
        answer = read_object(body)
    except (ValueError, RecursionError) as error:
        raise ProviderFailed(
            f"the introspection answered 200 with something that is no JSON object: {error}"
        ) from error
    active = answer.get("active")
    if active is False:
        return Finding(Reason.INACTIVE, "active", True, False)
    if active is not True:
        raise ProviderFailed("the introspection answered without saying whether the token is active")
    for name in _IDENTITY:
        if name in answer and name in token and answer[name] != token[name]:
            raise ProviderFailed(f"the introspection answered with another {name!r}, about another token")
    if str(answer.get("token_type")).lower() == "dpop":
        return Finding(Reason.BOUND, "token_type", "Bearer", "DPoP")
    lasting = {name: token[name] for name in _LASTING if name in token}
    claims: ReadOnlyDict[str, Any] = ReadOnlyDict({**lasting, **answer})
    return first_problem(claims, policy, now, header_type=header_type) or AccessToken(claims)
