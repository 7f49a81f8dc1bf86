"""The addresses of a realm, and which of them may be used."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import quote, urlsplit

__all__ = [
    "PROTOCOL_PATH",
    "authorization_url",
    "certs_url",
    "check_issuer",
    "check_url",
    "discovery_url",
    "introspection_url",
    "introspection_url_beside",
    "is_loopback",
    "issuer_of",
    "logout_url",
    "revocation_url",
    "token_url",
    "userinfo_url",
]

PROTOCOL_PATH = "/protocol/openid-connect"
_DISCOVERY_PATH = "/.well-known/openid-configuration"
_UNENCODED = "'"  # as Keycloak 26.7.4 does it
_NOT_IN_A_URL = re.compile(r"[^!-~]|[\"<>\\^`{|}]")


def certs_url(issuer: str) -> str:
    """Where a Keycloak realm publishes its keys (RFC 7517 section 5)."""
    return issuer + PROTOCOL_PATH + "/certs"


def authorization_url(issuer: str) -> str:
    """Where a Keycloak realm has its login page (RFC 6749 section 3.1)."""
    return issuer + PROTOCOL_PATH + "/auth"


def token_url(issuer: str) -> str:
    """A Keycloak realm's token endpoint (RFC 6749 section 3.2)."""
    return issuer + PROTOCOL_PATH + "/token"


def introspection_url(issuer: str) -> str:
    """Where a Keycloak realm says whether a token is still active (RFC 7662 section 2)."""
    return token_url(issuer) + "/introspect"


def introspection_url_beside(jwks_uri: str) -> str:
    """The introspection endpoint on the host, and of the realm, of Keycloak's `jwks_uri`. Raises ValueError for another's."""
    issuer = jwks_uri.removesuffix(certs_url(""))
    if issuer == jwks_uri:
        raise ValueError(
            f"jwks_uri {jwks_uri!r} is not Keycloak's, so nobody knows where this provider is asked about tokens: "
            "write introspection_endpoint= too, or use RealmTokenValidator.discover()."
        )
    return introspection_url(issuer)


def userinfo_url(issuer: str) -> str:
    """A Keycloak realm's userinfo endpoint (OpenID Connect Core 1.0 section 5.3)."""
    return issuer + PROTOCOL_PATH + "/userinfo"


def logout_url(issuer: str) -> str:
    """Where a Keycloak realm ends sessions (OpenID Connect RP-Initiated Logout 1.0 section 2)."""
    return issuer + PROTOCOL_PATH + "/logout"


def revocation_url(issuer: str) -> str:
    """Where a Keycloak realm revokes tokens (RFC 7009 section 2)."""
    return issuer + PROTOCOL_PATH + "/revoke"


def discovery_url(issuer: str) -> str:
    """The provider's configuration document (OpenID Connect Discovery 1.0 section 4)."""
    return issuer.removesuffix("/") + _DISCOVERY_PATH


def issuer_of(server_url: str, realm_name: str) -> str:
    """The issuer of realm `realm_name` of the Keycloak at `server_url`, percent-encoded as Keycloak does it in `iss`."""
    return f"{server_url.rstrip('/')}/realms/{quote(realm_name, safe=_UNENCODED)}"


def is_loopback(host: str) -> bool:
    """Whether `host` cannot be anything but this machine (RFC 6761 section 6.3, RFC 1122 section 3.2.1.3)."""
    host = host.rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_url(url: object, *, name: str, allow_insecure_http: bool = False) -> str:
    """`url`, if it is an absolute http(s) URL that keys and tokens may travel to.

    Raises ValueError (`name` says which setting) for anything else; plain http is for loopback
    addresses only, unless `allow_insecure_http`.
    """
    if not isinstance(url, str):
        raise ValueError(f"{name} must be a URL in a string, not {type(url).__name__}.")
    if not url.lower().startswith(("https://", "http://")):
        raise ValueError(f"{name} {url!r} has no scheme: write it as 'https://host/...'.")
    if _NOT_IN_A_URL.search(url):
        encoded = quote(url, safe="%/:?#[]@!$&'()*+,;=~-._")
        raise ValueError(f"{name} {url!r} holds characters that a URL cannot have: write {encoded!r}.")
    try:
        parts = urlsplit(url)
        host = parts.hostname
        parts.port  # noqa: B018 - reading it is the check: a port out of range raises
    except ValueError as error:
        raise ValueError(f"{name} {url!r} is not a URL ({error}): write it as 'https://host:port/...'.") from error
    if not host:
        raise ValueError(f"{name} {url!r} names no host: write it as 'https://host/...'.")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{name} must not hold a user name or a password: write {name} without the part before '@'.")
    if parts.fragment or url.endswith("#"):
        raise ValueError(f"{name} {url!r} has a fragment: leave out the '#' and what follows it.")
    if parts.scheme == "http" and not allow_insecure_http and not is_loopback(host):
        raise ValueError(
            f"{name} {url!r} is plain http, so anybody on the way could replace the realm's keys: write "
            f"{'https' + url[4:]!r}, or pass allow_insecure_http=True if the network between is trusted."
        )
    return url


def check_issuer(issuer: object, *, allow_insecure_http: bool = False) -> str:
    """`issuer` verbatim, if a provider could put it into `iss`.

    Raises ValueError for what looks like an issuer and never equals one: the comparison is exact
    (OpenID Connect Core 1.0 section 3.1.3.7), so every token would be refused.
    """
    issuer = check_url(issuer, name="issuer", allow_insecure_http=allow_insecure_http)
    if "?" in issuer:
        raise ValueError(f"issuer {issuer!r} has a query, which no issuer has: leave out the '?' and what follows it.")
    for tail in ("/.well-known/", PROTOCOL_PATH):
        if tail in issuer:
            raise ValueError(
                f"issuer {issuer!r} is the address of an endpoint, not the issuer: write {issuer.split(tail)[0]!r}."
            )
    if "//realms" in issuer:
        raise ValueError(
            f"issuer {issuer!r} has a doubled slash, and no token's 'iss' does: write "
            f"{re.sub('/+/realms', '/realms', issuer)!r}."
        )
    if re.search(r"/realms/[^/]+/+$", issuer):
        raise ValueError(
            f"issuer {issuer!r} ends in a slash, and the 'iss' of a Keycloak token does not: write "
            f"{issuer.rstrip('/')!r}."
        )
    if re.search(r"/realms/?$", issuer):
        raise ValueError(f"issuer {issuer!r} names no realm: write {issuer.rstrip('/') + '/NAME'!r}.")
    return issuer
