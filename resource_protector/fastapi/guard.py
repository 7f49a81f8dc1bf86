"""The guard of a whole application: it stands before the router, so also before what is no route."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from fastapi import FastAPI
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from resource_protector.scopes import Requirements

__all__ = ["Guard", "guards_of", "install_guard"]

Authorize = Callable[[HTTPConnection], Awaitable[object]]


class Guard:
    """An ASGI application around the router, inside of the application's exception handlers."""

    def __init__(
        self,
        inner: ASGIApp,
        protector: object,
        authorize: Authorize,
        requirements: Requirements,
        exempt: frozenset[str],
        *,
        optional: bool,
    ) -> None:
        self.inner = inner
        self.protector = protector
        self._authorize = authorize
        self._exempt = exempt
        self.requirements = requirements
        self.optional = optional

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not (self.exempts(_path(scope)) or _is_preflight(scope)):
            await self._authorize(HTTPConnection(scope))
        await self.inner(scope, receive, send)

    def exempts(self, path: str) -> bool:
        """Whether the guard lets exactly this path through: never what begins with it."""
        return path in self._exempt


def guards_of(app: FastAPI) -> list[Guard]:
    """The guards of an application, the outermost first."""
    found: list[Guard] = []
    stack: ASGIApp = app.router.middleware_stack
    while isinstance(stack, Guard):
        found.append(stack)
        stack = stack.inner
    return found


def install_guard(
    app: FastAPI,
    protector: object,
    authorize: Authorize,
    requirements: Requirements,
    exempt: str | Iterable[str],
    *,
    optional: bool,
) -> None:
    """Have every request to `app` checked by `authorize` before it is routed."""
    if not isinstance(app, FastAPI):
        raise TypeError(
            f"{app!r} is no FastAPI application: a router is protected by "
            "APIRouter(dependencies=[Depends(require_auth(...))])."
        )
    if not isinstance(optional, bool):
        raise ValueError(f"optional is {optional!r}: write True or False.")
    paths = frozenset({exempt} if isinstance(exempt, str) else exempt)
    for path in paths:
        if not isinstance(path, str) or not path.startswith("/"):
            raise ValueError(f"exempt holds {path!r}: write paths as they are requested, such as '/health'.")
    inner = app.router.middleware_stack
    app.router.middleware_stack = Guard(inner, protector, authorize, requirements, paths, optional=optional)


def _path(scope: Scope) -> str:
    """The path that the router will match: without that of the mount (ASGI's `root_path`)."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path == root:
        return ""
    return path[len(root) :] if root and path.startswith(root + "/") else path


def _is_preflight(scope: Scope) -> bool:
    """Whether a browser asks for leave before it sends a request across origins, which it does without credentials.

    Fetch standard, section 3.2.2. Any other OPTIONS is a request like others.
    """
    if scope["type"] != "http" or scope["method"] != "OPTIONS":
        return False
    names = {name.lower() for name, _ in scope["headers"]}
    return b"origin" in names and b"access-control-request-method" in names
