"""The decorator of flask-oidc 1, for code that was written for it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from flask import current_app, g

from resource_protector.errors import KeysUnavailable, TokenRejected
from resource_protector.scopes import Requirements

from .guard import Authorize
from .protection import Protection, protection_of, set_protection

__all__ = ["accept_token"]


def accept_token(
    protector: object,
    authorize: Authorize,
    requirements: Requirements,
    *,
    require_token: Any,
    render_errors: Any,
) -> Callable[[Any], Any]:
    """A decorator of views, by `authorize`: the token's claims, or None, are in `g.oidc_token_info`."""
    if callable(require_token):
        raise ValueError(
            "@accept_token without parentheses does not say whether a token is required: write "
            "@oidc.accept_token(require_token=True), as flask-oidc 2 meant it, or False, as flask-oidc 1 did."
        )
    if not isinstance(require_token, bool):
        raise ValueError(
            f"require_token is {require_token!r}: write True or False, and the scopes as scopes_required=. "
            "(flask-oidc 2's accept_token(scopes) is require_auth(scopes) here.)"
        )
    if not isinstance(render_errors, bool):
        raise ValueError(f"render_errors is {render_errors!r}: write True or False.")

    def decorate(view: Any) -> Any:
        if isinstance(view, type) or not callable(view):
            raise TypeError(
                f"@accept_token decorates functions, and {view!r} is none: for a class-based view write "
                "decorators = [oidc.accept_token(True)] in its body."
            )
        inner = protection_of(view)
        whole = requirements.joined(inner.as_seen_by(protector)) if inner else requirements

        @functools.wraps(view)
        def accepting(*args: Any, **kwargs: Any) -> Any:
            g.oidc_token_info = None  # of an earlier request, where both share an application context
            try:
                g.oidc_token_info = authorize(whole, optional=not require_token, check=requirements)
            except (TokenRejected, KeysUnavailable) as refusal:
                if render_errors:
                    raise
                return _returned(refusal)
            return current_app.ensure_sync(view)(*args, **kwargs)

        is_optional = not require_token and (inner is None or inner.optional)
        set_protection(accepting, Protection(whole, is_optional, protector=protector))
        return accepting

    return decorate


def _returned(refusal: Any) -> tuple[dict[str, str], int, dict[str, str]]:
    """The refusal for Flask-RESTful or another caller to render, which knows its own content type."""
    headers = {name: value for name, value in refusal.get_headers() if name != "Content-Type"}
    return json.loads(refusal.get_body()), refusal.status_code, headers
