"""What to change where a realm refuses a token request, in the words of Keycloak's console."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["advice_on"]

_SETTINGS = {
    # What Keycloak says, in lower case: what to do. The first that fits counts.
    "public client": "switch on 'Client authentication' of client {client!r}, or ask with a user's name and password.",
    "not enabled to retrieve service account": (
        "switch on 'Service account roles' of client {client!r}, or ask with a user's name and password."
    ),
    "direct access grants": "switch on 'Direct access grants' of client {client!r}, or choose another client.",
    "fully set up": "give user {user!r} an email, a first and a last name, and no required actions.",
    "dpop": "the tokens of client {client!r} are bound to a key; switch that off, or choose another client.",
    "standard token exchange is not enabled": (
        "switch on 'Standard token exchange' of client {client!r} (its tab 'Settings', Capability config)."
    ),
    "not within the token audience": (
        "the token to be exchanged is not meant for client {client!r}: only an API that is in its 'aud' may exchange it."
    ),
    "audience not found": "the realm has no client {audience!r} to be the audience.",
    "requested audience not available": (
        "no scope of client {client!r} brings {audience!r} into 'aud': give it one with an audience mapper."
    ),
}
_ERRORS = {
    "invalid_client": (
        "no client {client!r} in this realm, or it is switched off, or it authenticates by other credentials."
    ),
    "unauthorized_client": (
        "check the secret of client {client!r} (its tab 'Credentials'), and that its 'Service account roles' is on."
    ),
    "invalid_scope": (
        "scope {scope!r} is not assigned to this client: give client {client!r} the scope (its tab 'Client scopes'), "
        "or ask without it; an empty one is refused, too."
    ),
    "invalid_grant": "check the name and the password of user {user!r}.",
    "access_denied": "the realm is switched off, or does not let this client in.",
    "unsupported_grant_type": "this server knows no grant of the type {grant_type!r}.",
}
_TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - the name of a grant


def advice_on(error: str, description: str, client_id: str, form: Mapping[str, str]) -> str:
    """What to do about the refusal of `form`, which client `client_id` sent."""
    said = f"{error} {description}".lower()
    cure = next((cure for words, cure in _SETTINGS.items() if words in said), _ERRORS.get(error))
    if "invalid token" in said and form.get("grant_type") == _TOKEN_EXCHANGE:
        cure = "the token to be exchanged has expired, was revoked, or is another realm's."
    if cure is None:
        cure = "look for it in the realm's events, or in the log of its server."
    return cure.format(
        client=client_id,
        user=form.get("username"),
        scope=form.get("scope", ""),
        audience=form.get("audience"),
        grant_type=form.get("grant_type"),
    )
