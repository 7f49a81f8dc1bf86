"""What a route demands altogether: the token dependencies of application, routers and route, however deep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts
from starlette.types import Scope

from resource_protector.scopes import Requirements

from .dependency import TokenDependency

__all__ = ["demands_of", "protected_routes", "route_demands", "together"]


def demands_of(
    dependant: Any, protector: object | None, scopes: tuple[str, ...] = ()
) -> Iterator[tuple[TokenDependency[Any], Requirements]]:
    """The protector's dependencies, or everybody's, below `dependant` (FastAPI's tree of them), each with what it demands there.

    `scopes` are those of `Security(..., scopes=[...])` further out, which reach every dependency below it.
    """
    for inner in dependant.dependencies:
        named = dict.fromkeys([*scopes, *(inner.parent_oauth_scopes or ()), *(inner.own_oauth_scopes or ())])
        if isinstance(inner.call, TokenDependency) and protector in (None, inner.call.protector):
            yield inner.call, inner.call.merged_with(list(named))
        yield from demands_of(inner, protector, tuple(named))


def together(demands: Iterable[Requirements]) -> Requirements:
    """All of them at once."""
    return reduce(Requirements.joined, demands, Requirements())


def route_demands(scope: Scope, protector: object) -> Requirements:
    """What the route of a request demands, as far as there is one yet."""
    # The route of a router that was included has one more tree for each time it was.
    routes = (scope.get("fastapi", {}).get("effective_route_context"), scope.get("route"))
    dependant = next((found for route in routes if (found := getattr(route, "dependant", None))), None)
    if dependant is None:
        return Requirements()
    return together(demanded for _, demanded in demands_of(dependant, protector))


def protected_routes(app: FastAPI) -> Iterator[Any]:
    """The routes of `app` that FastAPI's dependencies can protect, those of included routers too."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute | APIWebSocketRoute):
            yield context
