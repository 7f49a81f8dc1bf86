"""How two issuers differ, and what a difference means."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from resource_protector.realm import certs_url, is_loopback

from .printable import exactly

__all__ = ["issuer_advice"]


def issuer_advice(expected: Sequence[str], actual: object, *, is_same_realm: bool) -> str:
    """What to do about a token that names `actual` where the issuers `expected` are accepted.

    `is_same_realm` says that the keys of the expected issuer have made the token's signature.
    """
    if not isinstance(actual, str):
        return (
            f"Get a token from {exactly(expected[0])}: this one does not say who issued it (no 'iss'), so no realm of "
            "Keycloak did."
        )
    ours = min(expected, key=lambda issuer: _distance(issuer, actual))
    both = f"the token says 'iss' {exactly(actual)}, and this API accepts {' or '.join(map(exactly, expected))}"
    write = f"Write issuer={exactly(actual)}"
    if ours.rstrip("/") == actual.rstrip("/"):
        return f"{write}: the slash at its end counts; {both}."
    if ours.lower() == actual.lower():
        return f"{write}: capital and small letters count; {both}."
    if _without_prefix(ours) == _without_prefix(actual):
        return (
            f"{write}: one has the prefix /auth and the other has not; {both}. Keycloak has none since 17, unless it is "
            "started with --http-relative-path /auth."
        )
    if _path(ours) == _path(actual):
        return _another_host(ours, actual, both, is_same_realm=is_same_realm)
    if _server(ours) == _server(actual):
        return (
            f"Get a token from realm {_realm(ours)}: this one is of realm {_realm(actual)}, another one of the same server; "
            f"{both}. Or, if this API serves both, name both in a MultiRealmValidator."
        )
    return (
        f"Get a token from {exactly(ours)}: this one is of another server; {both}. Or, if it is that server whose tokens "
        "this API is meant to accept, write its name as issuer=."
    )


def _another_host(ours: str, theirs: str, both: str, *, is_same_realm: bool) -> str:
    known = " (the token's signature is of this realm's own keys, so it is the same realm)" if is_same_realm else ""
    one, other = urlsplit(ours), urlsplit(theirs)
    if one.netloc == other.netloc:
        return (
            f"Have 'iss' begin with {one.scheme}: {both}{known}. Keycloak behind a proxy that ends TLS has to be started with "
            "--hostname https://..., or with --proxy-headers xforwarded."
        )
    if is_loopback(one.hostname or "") and is_loopback(other.hostname or ""):
        return (
            f"Get the token by the same host name, at {one.scheme}://{one.netloc}, or write issuer={exactly(theirs)}: "
            f"{both}{known}. In start-dev, Keycloak writes the address of the token request into 'iss', and 'localhost' and "
            "'127.0.0.1' are two issuers."
        )
    return (
        f"Set --hostname, or write issuer={exactly(theirs)}: one realm goes by two host names; {both}{known}. Without "
        "--hostname (as in start-dev) Keycloak writes the address of the token request into 'iss': set it to the public "
        "address, so that every token names the same. If the tokens are right and only the keys are fetched from another "
        f"address (hostname split), write issuer={exactly(theirs)} and jwks_uri={exactly(certs_url(ours))}."
    )


def _distance(one: str, other: str) -> tuple[bool, bool]:
    return _path(one) != _path(other), _server(one) != _server(other)


def _without_prefix(url: str) -> str:
    return url.replace("/auth/realms/", "/realms/")


def _server(url: str) -> str | None:
    try:
        return urlsplit(url).netloc
    except ValueError:  # a token may say anything
        return None


def _path(url: str) -> str | None:
    try:
        return urlsplit(url).path
    except ValueError:
        return None


def _realm(issuer: str) -> str:
    return exactly(unquote(issuer.rpartition("/")[2]))
