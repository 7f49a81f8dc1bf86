"""What protects the routes of an application, for whoever lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts
from starlette.routing import Route

from resource_protector.scopes import Requirements

from .demands import demands_of
from .dependency import TokenDependency
from .guard import Guard, guards_of

__all__ = ["ProtectedRoute", "exempt", "protectors", "routes", "unprotected"]

_EXEMPT = "_resource_protector_exempt"
# /docs and its like: whoever wants to hide them guards the application, or switches them off.
_OWN_PAGES = "fastapi.applications"

Marked = TypeVar("Marked", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class ProtectedRoute:
    """One route, with all that is demanded before it is called."""

    path: str
    methods: tuple[str, ...]
    name: str
    guards: tuple[Guard, ...]
    demands: tuple[tuple[TokenDependency[Any], Requirements], ...]
    is_exempt: bool
    is_own_page: bool

    @property
    def is_covered(self) -> bool:
        """Whether something protects it, or somebody said that nothing is to."""
        return bool(self.guards or self.demands or self.is_exempt or self.is_own_page)


def exempt(view: Marked) -> Marked:
    """Mark a view as open on purpose."""
    setattr(view, _EXEMPT, True)
    return view


def routes(app: FastAPI) -> Iterator[ProtectedRoute]:
    """Every route of `app`, those of included routers too; a mount is one route."""
    guards = guards_of(app)
    for context in iter_route_contexts(app.routes):
        path = str(context.path)
        route = context.original_route
        letting_through = [guard for guard in guards if guard.exempts(path)]
        is_api = isinstance(route, APIRoute | APIWebSocketRoute)
        endpoint = getattr(route, "endpoint", None)
        yield ProtectedRoute(
            path,
            _methods(context),
            str(context.name),
            tuple(guard for guard in guards if guard not in letting_through),
            tuple(demands_of(context.dependant, None)) if is_api else (),
            is_exempt=getattr(endpoint, _EXEMPT, False) or bool(letting_through),
            is_own_page=isinstance(route, Route) and getattr(endpoint, "__module__", "") == _OWN_PAGES,
        )


def protectors(app: FastAPI) -> set[Any]:
    """Those whose guards and dependencies are in use there."""
    found = {guard.protector for guard in guards_of(app)}
    return found.union(dependency.protector for route in routes(app) for dependency, _ in route.demands)


def unprotected(app: FastAPI) -> list[str]:
    """The routes that no dependency and no guard protects and nobody exempted."""
    return [f"{' '.join(route.methods)} {route.path}" for route in routes(app) if not route.is_covered]


def _methods(context: Any) -> tuple[str, ...]:
    if isinstance(context.original_route, APIWebSocketRoute):
        return ("WEBSOCKET",)
    methods: set[str] = context.methods or set()
    return tuple(sorted(methods - {"HEAD"} or methods)) or ("*",)
