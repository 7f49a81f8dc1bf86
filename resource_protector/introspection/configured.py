"""A validator's keywords for introspection, and the second opinion that they come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from resource_protector.keys import KeyTiming
from resource_protector.policy import Policy, check_seconds
from resource_protector.provider import Discovery
from resource_protector.realm import check_url, introspection_url_beside

from .endpoint import IntrospectionEndpoint
from .second_opinion import SecondOpinion

__all__ = ["second_opinion"]

_SECONDS, _ENDPOINT = "introspection_seconds", "introspection_endpoint"


def second_opinion(
    options: Mapping[str, Any],
    jwks_uri: str,
    discovery: Discovery | None,
    *,
    policy: Policy,
    timing: KeyTiming,
    now: Callable[[], float],
    monotonic: Callable[[], float],
) -> SecondOpinion | None:
    """What the validator's keywords ask for; None without `client_id` and `client_secret`.

    Where `introspection_endpoint` does not say where to ask, `discovery` does, or else Keycloak's endpoint is
    beside `jwks_uri`, which may be on another host than the issuer. Raises ValueError.
    """
    client_id, client_secret = options.get("client_id"), options.get("client_secret")
    if client_id is None and client_secret is None:
        for name in (_SECONDS, _ENDPOINT):
            if options.get(name) is not None:
                raise ValueError(
                    f"{name} is for introspection: give client_id= and client_secret= too, or leave it out."
                )
        return None
    endpoint = IntrospectionEndpoint(
        _locate(options.get(_ENDPOINT), jwks_uri, discovery, policy),
        client_id,
        client_secret,
        max_document_bytes=options.get("max_document_bytes", 262_144),
        session=options.get("session"),
    )
    return SecondOpinion(
        endpoint,
        policy,
        seconds=check_seconds(options.get(_SECONDS, 10.0), _SECONDS),
        timeout_seconds=timing.timeout_seconds,
        retry_seconds=timing.retry_seconds,
        now=now,
        monotonic=monotonic,
    )


def _locate(written: object, jwks_uri: str, discovery: Discovery | None, policy: Policy) -> Callable[[], str]:
    if written is None and discovery is not None:
        return partial(discovery.endpoint, _ENDPOINT)
    url = introspection_url_beside(jwks_uri) if written is None else written
    checked = check_url(url, name=_ENDPOINT, allow_insecure_http=policy.allow_insecure_http)
    return lambda: checked
