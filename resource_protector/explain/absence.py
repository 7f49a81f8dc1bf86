"""Why there is no realm at an address where something answers."""

from __future__ import annotations

from urllib.parse import unquote

from resource_protector.realm import discovery_url

from .diagnosis import Level, Line
from .printable import exactly
from .probe import Answer, Probe

__all__ = ["why_absent"]

_NO_SUCH_REALM = "Realm does not exist"


def why_absent(issuer: str, answer: Answer, probe: Probe) -> Line:
    """What to make of an `answer` to a request for discovery that is not the document."""
    if answer.status == 404:
        return _not_found(issuer, answer, probe)
    if answer.status == 200:
        kind = (
            "a web page"
            if "html" in answer.content_type.lower()
            else f"something else ({answer.content_type or 'no type'})"
        )
        return _line(
            f"{answer.url} answered 200 with {kind} and no discovery document",
            "A proxy, a login page or a front end answers in Keycloak's place: ask past it, or correct the address.",
        )
    if answer.status is not None and 300 <= answer.status < 400:
        return _line(
            f"{answer.url} answered {answer.status} and points to {exactly(answer.location)}",
            "Redirects are not followed, because whoever can redirect could choose the keys: write the address where it leads.",
        )
    if answer.status is not None and answer.status >= 500:
        return _line(
            f"{answer.url} answered {answer.status}: the server fails", "See its own log; it may still be starting."
        )
    return _line(
        f"{answer.url} answered {answer.status} and no discovery document",
        "Something between asks for more than an address, or this is no Keycloak.",
    )


def _not_found(issuer: str, answer: Answer, probe: Probe) -> Line:
    other = _other_spelling(issuer)
    if other is not None:
        there = probe.get(discovery_url(other))
        if "issuer" in there.members or there.error_members.get("error") == _NO_SUCH_REALM:
            return _prefix(issuer, other, there)
    realm = exactly(unquote(issuer.rpartition("/")[2]))
    if answer.error_members.get("error") == _NO_SUCH_REALM:
        return Line(
            "realm",
            Level.PROBLEM,
            f"this Keycloak has no realm {realm} (404)",
            "Its names are under 'Manage realms' in the admin console; capital and small letters count, and it is the name, not the display name.",
        )
    return _line(
        f"{answer.url} answered 404, and it does not sound like a Keycloak",
        "Correct host, port and path: Keycloak's issuer is https://HOST/realms/NAME.",
    )


def _prefix(issuer: str, other: str, there: Answer) -> Line:
    also = (
        "" if "issuer" in there.members else f", though it has no realm {exactly(unquote(issuer.rpartition('/')[2]))}"
    )
    if "/auth/realms/" in issuer:
        said = f"this Keycloak has no prefix /auth: none has since 17{also}"
    else:
        said = f"this Keycloak has the prefix /auth (an old one, or started with --http-relative-path /auth){also}"
    return Line("prefix", Level.PROBLEM, said, f"Write {exactly(other)}.")


def _other_spelling(issuer: str) -> str | None:
    """The same realm with the prefix that Keycloak had before 17, or without it."""
    if "/auth/realms/" in issuer:
        return issuer.replace("/auth/realms/", "/realms/")
    return issuer.replace("/realms/", "/auth/realms/") if "/realms/" in issuer else None


def _line(said: str, cure: str) -> Line:
    return Line("discovery", Level.PROBLEM, said, cure)
