"""What an application's OpenAPI document says of its protected operations: scopes, and the answers to refusals."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder

from resource_protector.scopes import Requirements

from .demands import demands_of, protected_routes, together
from .guard import guards_of
from .security_scheme import SecurityScheme

__all__ = ["document"]

_BODY = "Refusal"
_BODY_SCHEMA = {
    "title": _BODY,
    "description": "Why a request was refused (RFC 6750 section 3.1). Empty where it brought no access token.",
    "type": "object",
    "properties": {
        "error": {"type": "string", "examples": ["invalid_token"]},
        "error_description": {"type": "string", "examples": ["The access token expired"]},
    },
}
_CHALLENGE = {
    "description": "How to ask again, and what was wrong (RFC 6750 section 3).",
    "schema": {"type": "string", "examples": ['Bearer error="invalid_token"']},
}
_RETRY_AFTER = {"description": "Seconds until it is worth asking again.", "schema": {"type": "integer", "minimum": 1}}
_ANSWERS: dict[str, tuple[str, dict[str, Any]]] = {
    "401": ("There is no access token, or it is not accepted.", {"WWW-Authenticate": _CHALLENGE}),
    "403": ("The access token lacks a scope or a role.", {"WWW-Authenticate": _CHALLENGE}),
    "503": ("The access token cannot be checked at the moment.", {"Retry-After": _RETRY_AFTER}),
}


def document(schema: dict[str, Any], app: FastAPI, protector: object, scheme: SecurityScheme, model: Any) -> None:
    """Complete FastAPI's document of `app` for the operations that `protector` protects."""
    components = schema.setdefault("components", {})
    guards = [guard for guard in guards_of(app) if guard.protector is protector]
    for route in protected_routes(app):
        guarding = [guard for guard in guards if not guard.exempts(route.path_format)]
        found = list(demands_of(route.dependant, protector))
        if not found and not guarding:
            continue
        demanded = together([*(guard.requirements for guard in guarding), *(demanded for _, demanded in found)])
        optional = [*(guard.optional for guard in guarding), *(dependency.optional for dependency, _ in found)]
        for method in route.methods or ():
            operation = schema["paths"].get(route.path_format, {}).get(method.lower())
            if operation is None:  # not to be in the document
                continue
            components.setdefault("securitySchemes", {})[scheme.name] = jsonable_encoder(
                model, by_alias=True, exclude_none=True
            )
            components.setdefault("schemas", {}).setdefault(_BODY, _BODY_SCHEMA)
            _document_scopes(operation, scheme.name, demanded, is_optional=all(optional))
            _document_answers(operation)


def _document_scopes(operation: dict[str, Any], name: str, demanded: Requirements, *, is_optional: bool) -> None:
    scopes = (demanded.scope_parameter or "").split()
    security: list[dict[str, list[str]]] = operation.setdefault("security", [])
    for alternative in security:
        if name in alternative:
            alternative[name] = list(dict.fromkeys([*alternative[name], *scopes]))
            break
    else:
        security.append({name: scopes})
    if is_optional and {} not in security:
        security.append({})  # OpenAPI's way to say that it need not be (section 4.8.30)


def _document_answers(operation: dict[str, Any]) -> None:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{_BODY}"}}}
    for status, (description, headers) in _ANSWERS.items():
        described = {"description": description, "headers": headers, "content": content}
        operation.setdefault("responses", {}).setdefault(status, described)
