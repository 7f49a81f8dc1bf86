"""The token of the current request."""

from __future__ import annotations

from typing import NoReturn

from flask import Request, has_request_context, request
from werkzeug.local import LocalProxy

from resource_protector.access_token_validator import AccessTokenValidator
from resource_protector.claims import AccessToken
from resource_protector.scopes import Requirements

__all__ = ["current_token", "demanded", "get_token", "remember_token", "remembered_token"]

# On the request and not on `g`: `g` belongs to the application context, which one request may share
# with another under an outer app_context().
_CURRENT = "_resource_protector_current"
_VERIFIED = "_resource_protector_verified"
_DEMANDED = "_resource_protector_demanded"


def get_token() -> AccessToken | None:
    """The request's verified token; None where it has none, or where nothing asked for one.

    Unlike `current_token` this is the token itself, which `jsonify` and `json.dumps` can read.
    """
    return getattr(request, _CURRENT, None) if has_request_context() else None


def _current() -> AccessToken:
    token = get_token()
    return token if token is not None else _refuse()


def _refuse() -> NoReturn:
    raise RuntimeError(
        "There is no current_token: this view is not protected, or its protection is optional and the request brought "
        "no token. Put @require_auth(None) directly above the view function, below @app.route; in an optional view "
        "ask `if current_token:` first."
    )


#: The request's token. False where there is none; using it then raises RuntimeError.
current_token: AccessToken = LocalProxy(_current)  # type: ignore[assignment]  # it stands for one


def remember_token(current: Request, validator: AccessTokenValidator, introspected: bool, token: AccessToken) -> None:
    """Keep `token` for the rest of the request."""
    vars(current).setdefault(_VERIFIED, {})[validator, introspected] = token
    setattr(current, _CURRENT, token)


def demanded(current: Request, requirements: Requirements) -> Requirements:
    """What the request's route needs as far as anybody has asked: guard and decorators add up in the challenge."""
    before: Requirements | None = vars(current).get(_DEMANDED)
    whole = requirements if before is None else before.joined(requirements)
    setattr(current, _DEMANDED, whole)
    return whole


def remembered_token(current: Request, validator: AccessTokenValidator, introspected: bool) -> AccessToken | None:
    """What `validator` has already accepted in this request: guard and decorator add up and verify once.

    One that was introspected serves those who did not ask for that, too.
    """
    verified: dict[tuple[AccessTokenValidator, bool], AccessToken] | None = vars(current).get(_VERIFIED)
    if verified is None:
        return None
    token = verified.get((validator, True))
    return token if token is not None or introspected else verified.get((validator, False))
