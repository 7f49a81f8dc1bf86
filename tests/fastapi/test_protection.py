"""The list of routes that nothing protects."""

from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from resource_protector import AccessToken
from resource_protector.dev import DevRealm
from resource_protector.fastapi import ResourceProtector


def test_what_nothing_protects(app: FastAPI, require_auth: ResourceProtector) -> None:
    """Routes, WebSockets and mounts; not what a dependency, a router or a mark takes care of, nor FastAPI's own pages."""
    router = APIRouter(dependencies=[Depends(require_auth("a"))])
    router.get("/inside")(lambda: None)
    app.include_router(router, prefix="/v1")
    app.mount("/files", FastAPI())
    app.get("/open")(lambda: None)
    app.get("/health")(require_auth.exempt(lambda: None))

    @app.get("/deep")
    async def deep(user: Annotated[None, Depends(get_user_of(require_auth))]) -> None: ...

    @app.websocket("/talk")
    async def talk(websocket: WebSocket) -> None: ...

    assert require_auth.unprotected(app) == ["* /files", "GET /open", "WEBSOCKET /talk"]
    require_auth.guard(app, exempt="/open")
    assert require_auth.unprotected(app) == []


def get_user_of(require_auth: ResourceProtector) -> object:
    """A dependency that depends on a token."""

    async def get_user(token: Annotated[AccessToken, Depends(require_auth())]) -> None: ...

    return get_user


def test_an_annotation_that_nobody_can_evaluate(app: FastAPI, require_auth: ResourceProtector) -> None:
    """FastAPI makes a query parameter of it, and the route stays open: the list has it."""

    async def view(token: "Annotated[AccessToken, Depends(require_auth())]") -> None: ...

    app.get("/")(view)

    assert require_auth.unprotected(app) == ["GET /"]


def test_a_guard_stands_before_websockets(dev_realm: DevRealm, require_auth: ResourceProtector) -> None:
    """Refused before it is accepted, and let through with a token."""
    app = FastAPI()
    require_auth.guard(app)

    @app.websocket("/talk")
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("good")
        await websocket.close()

    client = TestClient(app)
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/talk"):
        pass
    with client.websocket_connect("/talk", headers=dev_realm.bearer()) as connection:
        said = connection.receive_text()

    assert refused.value.status_code == 401
    assert said == "good"
