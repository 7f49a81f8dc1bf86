"""The logout endpoint (OpenID Connect RP-Initiated Logout 1.0), with Keycloak's answers."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import quote_plus, urlsplit, urlunsplit

from resource_protector.dev.client_login import authenticate_client
from resource_protector.dev.http_exchange import HttpAnswer, HttpRequest, first_values
from resource_protector.dev.issuer import Issuer
from resource_protector.dev.presented_token import PresentedToken, present
from resource_protector.dev.realm_model import Client
from resource_protector.dev.token_refused import TokenRefused

__all__ = ["answer_logout"]

_NO_CACHE = {"Cache-Control": "no-cache"}
_BAD_REFRESH_TOKEN = "Invalid refresh token"  # noqa: S105 - a sentence, no secret


class _BadRequest(Exception):
    """What a person in front of a browser is told."""


def answer_logout(issuer: Issuer, request: HttpRequest) -> HttpAnswer:
    """What Keycloak answers to a client with a refresh token in a POST, and to a browser in all other cases.

    The dev realm has no cookies, so that without an `id_token_hint` it knows of nobody to log out.
    """
    form = first_values(request.form if request.method == "POST" else request.query)
    if request.method == "POST" and "refresh_token" in form:
        try:
            _end_session_of_refresh_token(issuer, form, request.authorization)
        except TokenRefused as refused:
            return HttpAnswer.of(refused.status_code, refused.document)
        return HttpAnswer.empty(204, Cache_Control="no-cache")
    try:
        return _answer_browser(issuer, form)
    except _BadRequest as error:
        return _page(400, f"Sign in to {issuer.realm.name}", str(error))


def _end_session_of_refresh_token(issuer: Issuer, form: Mapping[str, str], authorization: str | None) -> None:
    client = authenticate_client(issuer.realm, form, authorization)
    # One that has expired, or whose session has ended before, is as good as any here.
    token = present(issuer, form["refresh_token"], is_refresh_token=True)
    if token is None:
        raise TokenRefused(400, "invalid_grant", _BAD_REFRESH_TOKEN)
    if token.claims.get("azp") != client.client_id:
        mismatch = f"{_BAD_REFRESH_TOKEN}. Token client and authorized client don't match"
        raise TokenRefused(400, "invalid_grant", mismatch)
    if token.session is not None:
        issuer.sessions.end(token.session.sid)


def _answer_browser(issuer: Issuer, form: Mapping[str, str]) -> HttpAnswer:
    token = _hinted(issuer, form)
    client = token.client if token else issuer.realm.clients.get(form.get("client_id", ""))
    redirect = form.get("post_logout_redirect_uri")
    if redirect:
        if client is None:
            raise _BadRequest("Missing parameters: id_token_hint")
        if not _may_redirect(client, redirect):
            raise _BadRequest("Invalid redirect uri")
    if token is not None and token.session is not None and not token.session.offline:
        issuer.sessions.end(token.session.sid)
    if redirect:
        headers = {**_NO_CACHE, "Location": _with_state(redirect, form.get("state"))}
        return HttpAnswer(302, b"", "", headers)
    if token is not None:
        return _page(200, f"Sign in to {issuer.realm.name}", "You are logged out")
    return _page(200, "Logging out", "Do you want to log out?")


def _hinted(issuer: Issuer, form: Mapping[str, str]) -> PresentedToken | None:
    """The ID token of the hint, which may have expired. Raises _BadRequest for anything else."""
    hint = form.get("id_token_hint")
    if not hint:
        return None
    token = present(issuer, hint)
    named = form.get("client_id")
    if token is None or token.claims.get("typ") != "ID" or (named and named != token.claims.get("azp")):
        raise _BadRequest("Invalid parameter: id_token_hint")
    return token


def _may_redirect(client: Client, uri: str) -> bool:
    """Whether an address is registered, or begins as one does that ends in an asterisk."""
    try:
        steps = urlsplit(uri).path.split("/")
    except ValueError:
        return False
    # What a header field cannot hold is no address either.
    if ".." in steps or not (uri.isascii() and uri.isprintable()):
        return False
    plain = uri.partition("?")[0].partition("#")[0]
    for registered in client.post_logout_redirect_uris:
        if registered == uri:
            return True
        start = registered.removesuffix("*")
        if start != registered and (plain.startswith(start) or plain == start.removesuffix("/")):
            return True
    return False


def _with_state(uri: str, state: str | None) -> str:
    if state is None:
        return uri
    parts = urlsplit(uri)
    query = "&".join(part for part in (parts.query, f"state={quote_plus(state)}") if part)
    return urlunsplit(parts._replace(query=query))


def _page(status_code: int, title: str, sentence: str) -> HttpAnswer:
    html = f'<!DOCTYPE html>\n<title>{escape(title)}</title>\n<p class="instruction">{escape(sentence)}</p>\n'
    return HttpAnswer(status_code, html.encode(), "text/html;charset=utf-8", _NO_CACHE)
