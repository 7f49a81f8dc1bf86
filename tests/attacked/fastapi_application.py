"""The application under attack, on FastAPI."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, WebSocket

from resource_protector import AccessToken
from resource_protector.fastapi import ResourceProtector, TokenDependency
from tests.attacked.configuration import DEMANDS, configuration_of_the_process, validators

__all__ = ["application"]

View = Callable[..., Awaitable[dict[str, Any]]]


def application(configuration: dict[str, str] | None = None, *, detail: bool = False) -> FastAPI:
    """It, for the realm of a configuration; without an argument for that of the environment.

    With `detail`, refusals have the form of FastAPI itself: `init_app` is not called.
    """
    app, guarded = FastAPI(title="attacked"), FastAPI(title="guarded")
    made = validators(configuration or configuration_of_the_process())
    require_auth = ResourceProtector(made["/private"])
    for route, validator in made.items():
        protect = require_auth if route == "/private" else ResourceProtector(validator)
        scopes = "orders:read" if route == "/named" else None
        app.get(route)(_view(protect(scopes)))
        app.get(f"/optional{route}")(_view(protect(None, optional=True)))
    for route, demands in DEMANDS.items():
        rest = dict(demands)
        app.api_route(route, methods=["GET", "POST"])(_view(require_auth(rest.pop("scopes", None), **rest)))
    app.websocket("/talk")(_conversation(require_auth("orders:read")))
    guarded.api_route("/", methods=["GET", "POST"])(_view(require_auth(None)))
    require_auth.guard(guarded, "orders:read")
    app.mount("/guarded", guarded)
    if not detail:
        require_auth.init_app(app)
        require_auth.init_app(guarded)
    return app


def _conversation(dependency: TokenDependency[Any]) -> Callable[..., Awaitable[None]]:
    async def talk(websocket: WebSocket, token: Annotated[Any, Depends(dependency)]) -> None:
        await websocket.accept()
        await websocket.close()

    return talk


def _view(dependency: TokenDependency[Any]) -> View:
    async def view(token: Annotated[Any, Depends(dependency)]) -> dict[str, Any]:
        whose: AccessToken | None = token
        return {"sub": whose.subject if whose is not None else None}

    return view
