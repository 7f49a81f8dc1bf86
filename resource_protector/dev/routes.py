"""The realm's addresses: from an HTTP request, as plain data, to the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote

from resource_protector.dev.documents import discovery
from resource_protector.dev.issuer import Issuer
from resource_protector.dev.token_endpoint import answer_token_request
from resource_protector.realm import certs_url, discovery_url, token_url

__all__ = ["Endpoint", "HttpAnswer", "HttpRequest", "answer_request", "endpoint_of"]

Endpoint = Literal["certs", "token", "discovery"]

# What follows the issuer in each endpoint's address.
_ENDPOINTS: dict[str, Endpoint] = {certs_url(""): "certs", token_url(""): "token", discovery_url(""): "discovery"}
_NO_CACHE = "no-cache, must-revalidate, no-transform, no-store"


@dataclass(frozen=True)
class HttpRequest:
    """What an endpoint needs of a request."""

    method: str
    target: str
    authorization: str | None = None
    content_type: str = ""
    body: bytes = b""
    address: str = "127.0.0.1"


@dataclass(frozen=True)
class HttpAnswer:
    """A status, a body, and the headers that matter."""

    status_code: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status_code: int, document: Mapping[str, Any], **headers: str) -> HttpAnswer:
        """An answer with a JSON body; a header's name is written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status_code, json.dumps(document, ensure_ascii=False).encode(), headers=named)


def endpoint_of(target: str) -> Endpoint | None:
    """Which endpoint a request's target names, whatever the realm."""
    _, endpoint = _split(target)
    return endpoint


def answer_request(issuer: Issuer, request: HttpRequest) -> HttpAnswer:
    """What Keycloak answers to a request, for the three endpoints that there are."""
    if "//" in _path(request.target):
        return HttpAnswer.of(400, {"error": "missingNormalization", "error_description": "Request path not normalized"})
    realm_name, endpoint = _split(request.target)
    if realm_name is None:
        return HttpAnswer.of(404, {"error": "Unable to find matching target resource method"})
    if realm_name != issuer.realm.name:
        return HttpAnswer.of(404, {"error": "Realm does not exist"})
    if endpoint is None:
        return HttpAnswer.of(404, {"error": "HTTP 404 Not Found"})
    if request.method not in (("POST",) if endpoint == "token" else ("GET", "HEAD")):
        return HttpAnswer.of(405, {"error": "HTTP 405 Method Not Allowed"})
    if endpoint == "certs":
        return HttpAnswer.of(200, issuer.keys.certs(), Cache_Control="no-cache")
    if endpoint == "discovery":
        return HttpAnswer.of(200, discovery(issuer), Cache_Control=_NO_CACHE)
    status_code, document = answer_token_request(issuer, _form(request), request.authorization, request.address)
    return HttpAnswer.of(status_code, document, Cache_Control="no-store", Pragma="no-cache")


def _form(request: HttpRequest) -> list[tuple[str, str]]:
    # Keycloak compares the media type with case, so any other spelling is a request without a form.
    if request.content_type.partition(";")[0].strip() != "application/x-www-form-urlencoded":
        return []
    return parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True, errors="replace")


def _path(target: str) -> str:
    return target.partition("?")[0]


def _split(target: str) -> tuple[str | None, Endpoint | None]:
    """The realm's name and the endpoint in a target; a slash at the end does not count."""
    head, _, rest = _path(target).removeprefix("/realms/").partition("/")
    if not _path(target).startswith("/realms/"):
        return None, None
    return unquote(head), _ENDPOINTS.get("/" + rest.removesuffix("/"))
