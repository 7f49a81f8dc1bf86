"""The keywords beyond python-keycloak's own: those of the validator behind the drop-in."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable
from typing import TypedDict

from resource_protector.provider import Fetch

__all__ = ["KeycloakOpenIDOptions", "refuse_unknown"]


class KeycloakOpenIDOptions(TypedDict, total=False):
    """What `KeycloakOpenID` hands on; the docstring of `RealmTokenValidator` says what each one means."""

    jwks_uri: str | None
    algorithms: Collection[str]
    token_types: Collection[str]
    required_claims: Collection[str]
    leeway_seconds: float
    max_age_seconds: float
    max_stale_seconds: float
    cooldown_seconds: float
    retry_seconds: float
    wait_seconds: float
    timeout_seconds: float
    max_document_bytes: int
    token_cache_size: int
    introspection_seconds: float
    realm: str | None
    allow_insecure_http: bool
    now: Callable[[], float]
    monotonic: Callable[[], float]
    fetch: Fetch | None


_CONSTRUCTOR = (
    *("server_url", "realm_name", "client_id", "client_secret_key", "verify", "custom_headers", "proxies", "timeout"),
    *("cert", "max_retries", "pool_maxsize", "audience", "issuer", "shadow"),
)
_INSTEAD = {
    "session": "verify=, cert=, proxies=, timeout= and custom_headers= say how the realm is asked",
    "client_secret": "the secret is client_secret_key=",
    "introspection_endpoint": "the realm is asked at server_url=",
}


def refuse_unknown(given: Iterable[str]) -> None:
    """Raises TypeError for a keyword that is none, and says what was probably meant."""
    known = [*_CONSTRUCTOR, *KeycloakOpenIDOptions.__annotations__]
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            advice = _INSTEAD.get(name) or (f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}")
            raise TypeError(
                f"KeycloakOpenID() has no keyword {name!r}: {advice.rstrip('?')}{'?' if '?' in advice else '.'}"
            )
