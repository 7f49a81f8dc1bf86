"""The realm's addresses: from an HTTP request, as plain data, to the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal
from urllib.parse import unquote

from resource_protector.dev.documents import discovery, realm_page
from resource_protector.dev.http_exchange import HttpAnswer, HttpRequest
from resource_protector.dev.introspection_endpoint import answer_introspection
from resource_protector.dev.issuer import Issuer
from resource_protector.dev.logout_endpoint import answer_logout
from resource_protector.dev.revocation_endpoint import answer_revocation
from resource_protector.dev.token_endpoint import answer_token_request
from resource_protector.dev.userinfo_endpoint import answer_userinfo
from resource_protector.realm import (
    certs_url,
    discovery_url,
    introspection_url,
    logout_url,
    revocation_url,
    token_url,
    userinfo_url,
)

__all__ = ["Endpoint", "HttpAnswer", "HttpRequest", "answer_request", "endpoint_of"]

Endpoint = Literal["certs", "token", "discovery", "introspection", "userinfo", "logout", "revocation", "realm"]

_Answer = Callable[[Issuer, HttpRequest], HttpAnswer]

# What follows the issuer in each endpoint's address.
_ENDPOINTS: dict[str, Endpoint] = {
    certs_url(""): "certs",
    token_url(""): "token",
    discovery_url(""): "discovery",
    introspection_url(""): "introspection",
    userinfo_url(""): "userinfo",
    logout_url(""): "logout",
    revocation_url(""): "revocation",
    "/": "realm",
}
_READ = ("GET", "HEAD")
_METHODS: dict[Endpoint, tuple[str, ...]] = {
    "certs": _READ,
    "token": ("POST",),
    "discovery": _READ,
    "introspection": ("POST",),
    "userinfo": (*_READ, "POST"),
    "logout": (*_READ, "POST"),
    "revocation": ("POST",),
    "realm": _READ,
}
_NO_CACHE = "no-cache, must-revalidate, no-transform, no-store"


def endpoint_of(target: str) -> Endpoint | None:
    """Which endpoint a request's target names, whatever the realm."""
    _, endpoint = _split(HttpRequest("GET", target).path)
    return endpoint


def answer_request(issuer: Issuer, request: HttpRequest) -> HttpAnswer:
    """What Keycloak answers to a request, for the endpoints that there are."""
    if "//" in request.path:
        return HttpAnswer.of(400, {"error": "missingNormalization", "error_description": "Request path not normalized"})
    realm_name, endpoint = _split(request.path)
    if realm_name is None:
        return HttpAnswer.of(404, {"error": "Unable to find matching target resource method"})
    if realm_name != issuer.realm.name:
        return HttpAnswer.of(404, {"error": "Realm does not exist"})
    if endpoint is None:
        return HttpAnswer.of(404, {"error": "HTTP 404 Not Found"})
    if request.method not in _METHODS[endpoint]:
        return HttpAnswer.of(405, {"error": "HTTP 405 Method Not Allowed"})
    return _ANSWERS[endpoint](issuer, request)


def _certs(issuer: Issuer, request: HttpRequest) -> HttpAnswer:
    return HttpAnswer.of(200, issuer.keys.certs(), Cache_Control="no-cache")


def _discovery(issuer: Issuer, request: HttpRequest) -> HttpAnswer:
    return HttpAnswer.of(200, discovery(issuer), Cache_Control=_NO_CACHE)


def _realm(issuer: Issuer, request: HttpRequest) -> HttpAnswer:
    page = HttpAnswer.of(200, realm_page(issuer), Cache_Control="no-cache")
    return replace(page, content_type="application/json;charset=UTF-8")


def _token(issuer: Issuer, request: HttpRequest) -> HttpAnswer:
    status_code, document = answer_token_request(issuer, request.form, request.authorization, request.address)
    return HttpAnswer.of(status_code, document, Cache_Control="no-store", Pragma="no-cache")


_ANSWERS: dict[Endpoint, _Answer] = {
    "certs": _certs,
    "token": _token,
    "discovery": _discovery,
    "introspection": answer_introspection,
    "userinfo": answer_userinfo,
    "logout": answer_logout,
    "revocation": answer_revocation,
    "realm": _realm,
}


def _split(path: str) -> tuple[str | None, Endpoint | None]:
    """The realm's name and the endpoint in a path; a slash at the end does not count."""
    if not path.startswith("/realms/"):
        return None, None
    head, _, rest = path.removeprefix("/realms/").partition("/")
    return unquote(head), _ENDPOINTS.get("/" + rest.removesuffix("/"))
