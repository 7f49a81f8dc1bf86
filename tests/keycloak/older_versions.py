"""What older versions of Keycloak answer otherwise than the newest, which is the one that the dev realm imitates."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.keycloak.keycloak import Keycloak


@dataclass(frozen=True)
class Difference:
    """A difference that every version up to `up_to` is known to show, where `where` matches its line."""

    up_to: str
    where: str
    what: str


DIFFERENCES = (
    Difference("26.4.7", r"/refresh_token/claims/(aud_x|prov):", "refresh tokens do not carry these"),
    Difference(
        "26.4.7",
        r"^refreshed_with_more: /body/(access_token/claims/)?scope:",
        "asking for more keeps all that was granted",
    ),
    Difference("24.0.5", r"/access_token/claims/jti: Keycloak '<uuid>'", "jti is a UUID and nothing else"),
    Difference(
        "24.0.5", r"/access_token/header/typ: Keycloak 'JWT', dev realm 'at\+jwt'", "the switch for RFC 9068 is ignored"
    ),
    Difference("24.0.5", r"/(access|id|refresh)_token/claims/session_state: Keycloak '<str>'", "sid is given twice"),
    Difference("24.0.5", r"/id_token/claims/auth_time: Keycloak 0", "auth_time is there without a login in a browser"),
    Difference(
        "24.0.5", r"/(access|refresh)_token/claims/sub: Keycloak '<str>'", "lightweight tokens of users carry sub"
    ),
    Difference(
        "24.0.5", r"/refresh_token/claims/scope:", "refresh tokens name only the scopes that access tokens name"
    ),
    Difference(
        "24.0.5", r"^ask_get: /body/error_description:", "a 405 has a description, which points to the server's log"
    ),
)


def unexplained(keycloak: Keycloak, lines: Sequence[str]) -> list[str]:
    """The differences that this version of Keycloak is not known for."""
    known = [difference.where for difference in DIFFERENCES if is_up_to(keycloak, difference.up_to)]
    return [line for line in lines if not any(re.search(where, line) for where in known)]


def binds_tokens(keycloak: Keycloak) -> bool:
    """Whether client credentials with a DPoP proof give a bound token. 24.0.5 takes no notice of the client's switch."""
    return not is_up_to(keycloak, "24.0.5")


def is_up_to(keycloak: Keycloak, version: str) -> bool:
    """Whether the server is of that version or older."""
    return keycloak.version == version or not keycloak.is_at_least(version)
