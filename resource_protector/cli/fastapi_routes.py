"""The routes of a FastAPI application, read from its routers and their dependencies."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI

from resource_protector.cli.in_words import in_words
from resource_protector.explain.routes import Route
from resource_protector.fastapi.protection import ProtectedRoute, routes

__all__ = ["routes_of"]


def routes_of(app: FastAPI) -> list[Route]:
    """Every route, in the order of their paths; covered is what `require_auth.unprotected(app)` does not list."""
    found = sorted(routes(app), key=lambda route: (route.path, route.methods))
    return [Route(route.path, route.methods, route.name, _protection(route), route.is_covered) for route in found]


def _protection(route: ProtectedRoute) -> str:
    said = [*_said(route)]
    if not said and route.is_own_page:
        return "nothing: a page of FastAPI's own"
    return "; ".join(said) or "nothing"


def _said(route: ProtectedRoute) -> Iterator[str]:
    if route.is_exempt:
        yield "exempt"
    for guard in route.guards:
        yield f"guard: {in_words(guard.requirements, optional=guard.optional)}"
    for dependency, demanded in route.demands:
        yield in_words(demanded, optional=dependency.optional)
