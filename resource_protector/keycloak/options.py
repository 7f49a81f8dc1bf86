"""The keywords beyond python-keycloak's own: those of the validator behind the drop-in."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from resource_protector.options import CheckOptions

__all__ = ["refuse_unknown"]


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
    known = [*_CONSTRUCTOR, *CheckOptions.__annotations__]
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            advice = _INSTEAD.get(name) or (f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}")
            raise TypeError(
                f"KeycloakOpenID() has no keyword {name!r}: {advice.rstrip('?')}{'?' if '?' in advice else '.'}"
            )
