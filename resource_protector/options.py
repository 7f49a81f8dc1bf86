"""The keywords of a validator: their types, and what is said about a wrong one."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, TypedDict

from .provider import Fetch

if TYPE_CHECKING:
    import requests

__all__ = ["CheckOptions", "ValidatorOptions", "refuse_unknown"]


class CheckOptions(TypedDict, total=False):
    """The keywords of everything that checks tokens; the docstring of `RealmTokenValidator` says what each one means."""

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


class ValidatorOptions(CheckOptions, total=False):
    """What `RealmTokenValidator` takes beside `issuer` and `audience`."""

    client_id: str | None
    client_secret: str | None
    introspection_endpoint: str | None
    session: requests.Session | None


def refuse_unknown(given: Iterable[str]) -> None:
    """Raises TypeError for a keyword that no validator takes, and names the one that was probably meant."""
    known = ["issuer", "audience", *ValidatorOptions.__annotations__]
    for name in given:
        if name not in known:
            close = [k for k in known if k.startswith(name)] or difflib.get_close_matches(name, known, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}."
            raise TypeError(f"There is no keyword {name!r}: {meant}")
