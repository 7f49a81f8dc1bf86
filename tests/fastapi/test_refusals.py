"""What handlers and WebSockets see of a refusal."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import JSONResponse
from fastapi.security import SecurityScopes
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse
from starlette.types import Message

from resource_protector import AccessToken, InsufficientScope, KeysUnavailable, Reason, TokenRejected
from resource_protector.dev import DevRealm
from resource_protector.fastapi import ResourceProtector

# Exceptions


@pytest.fixture
def protected(app: FastAPI, require_auth: ResourceProtector) -> FastAPI:
    """An application with a route and a WebSocket."""
    app.get("/", dependencies=[Depends(require_auth("a"))])(lambda: "in")

    @app.websocket("/ws")
    async def talk(websocket: WebSocket, token: Annotated[AccessToken, Depends(require_auth("a"))]) -> None:
        await websocket.accept()
        await websocket.send_json({"sub": token.subject})
        await websocket.close()

    return app


def test_a_handler_of_our_exceptions(dev_realm: DevRealm, protected: FastAPI, require_auth: ResourceProtector) -> None:
    """It sees reason and finding, and is asked before that of init_app."""
    require_auth.init_app(protected)

    @protected.exception_handler(TokenRejected)
    async def refused(request: Request, error: TokenRejected) -> JSONResponse:
        return JSONResponse({"why": error.reason}, error.status_code, {"WWW-Authenticate": error.challenge})

    client = TestClient(protected)

    assert client.get("/").json() == {"why": "missing"}
    answer = client.get("/", headers=dev_realm.bearer(scope="b"))
    assert (answer.status_code, answer.json()) == (403, {"why": "insufficient_scope"})
    assert 'scope="a"' in answer.headers["WWW-Authenticate"]


def test_a_handler_of_http_exceptions(protected: FastAPI) -> None:
    """A refusal is an HTTPException with a detail and header fields, as FastAPI's own are."""
    seen: list[Any] = []  # FastAPI takes anything for detail, and has it as text

    @protected.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        seen.append(error)
        return JSONResponse({}, error.status_code, error.headers)

    answer = TestClient(protected).get("/", headers={"Authorization": "Bearer x.y.z"})

    assert answer.status_code == 401
    assert answer.headers["Cache-Control"] == "no-store"
    assert seen[0].detail == {"error": "invalid_token", "error_description": "The access token is malformed"}
    assert isinstance(seen[0], TokenRejected)
    assert not isinstance(seen[0], InsufficientScope)


def test_keys_unavailable_is_one_too(dev_realm: DevRealm, protected: FastAPI) -> None:
    """503 with Retry-After, by the class that the core raises."""
    seen: list[KeysUnavailable] = []

    @protected.exception_handler(KeysUnavailable)
    async def refused(request: Request, error: KeysUnavailable) -> JSONResponse:
        seen.append(error)
        return JSONResponse({}, error.status_code)

    with dev_realm.down():
        answer = TestClient(protected).get("/", headers=dev_realm.bearer(scope="a"))

    assert answer.status_code == 503
    assert seen[0].reason is Reason.KEYS_UNAVAILABLE
    assert seen[0].__cause__ is not None


def test_a_view_that_catches_a_refusal(app: FastAPI, require_auth: ResourceProtector) -> None:
    """Called by hand, a dependency raises the same: what it demands may depend on the request."""

    @app.get("/")
    async def view(request: Request) -> str:
        try:
            await require_auth("a")(request, SecurityScopes())
        except TokenRejected as error:
            return error.reason
        return "in"

    assert TestClient(app).get("/").json() == "missing"


def test_init_app_twice(app: FastAPI, require_auth: ResourceProtector) -> None:
    """Once per application and protector."""
    require_auth.init_app(app)

    with pytest.raises(ValueError, match="call it once"):
        require_auth.init_app(app)
    with pytest.raises(TypeError, match="no FastAPI application"):
        require_auth.init_app(object())  # type: ignore[arg-type]  # that is the mistake


# WebSockets


def test_a_websocket_with_a_token(dev_realm: DevRealm, protected: FastAPI) -> None:
    """The token comes in the header, and the view accepts."""
    client = TestClient(protected)

    with client.websocket_connect("/ws", headers=dev_realm.bearer(scope="a", sub="alice")) as connection:
        assert connection.receive_json() == {"sub": "alice"}


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        pytest.param(None, 401, id="none"),
        pytest.param({"scope": "b"}, 403, id="scope"),
        pytest.param({"exp": 1}, 401, id="exp"),
    ],
)
def test_a_websocket_is_refused_before_it_is_accepted(
    dev_realm: DevRealm, protected: FastAPI, claims: Any, status: int
) -> None:
    """By an HTTP response with the whole challenge, where the server can send one."""
    headers = dev_realm.bearer(**claims) if claims else {}

    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        TestClient(protected).websocket_connect("/ws", headers=headers),
    ):
        pass

    assert refused.value.status_code == status
    assert refused.value.headers["WWW-Authenticate"].startswith("Bearer")
    assert refused.value.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("place", ["/ws?access_token={}", "/ws?token={}"])
def test_a_websockets_query_is_not_read(dev_realm: DevRealm, protected: FastAPI, place: str) -> None:
    """E5: URLs are written into logs."""
    url = place.format(dev_realm.mint(scope="a"))

    with pytest.raises(WebSocketDenialResponse) as refused, TestClient(protected).websocket_connect(url):
        pass

    assert refused.value.status_code == 401


async def closed_with(app: FastAPI, headers: list[tuple[bytes, bytes]]) -> list[Message]:
    """What is sent to a server that does not know of denial responses."""
    sent: list[Message] = []
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "scheme": "ws",
        "path": "/ws",
        "query_string": b"",
        "headers": headers,
        "subprotocols": [],
    }

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def test_a_server_without_denial_responses(dev_realm: DevRealm, protected: FastAPI) -> None:
    """The WebSocket is closed before it is accepted: 1008, or 1013 where the keys are not to be had."""
    with dev_realm.down():
        authorization = f"Bearer {dev_realm.mint(scope='a')}".encode()
        (unavailable,) = asyncio.run(closed_with(protected, [(b"authorization", authorization)]))
    (refused,) = asyncio.run(closed_with(protected, []))

    assert refused == {"type": "websocket.close", "code": 1008, "reason": "The request carries no access token"}
    assert (unavailable["type"], unavailable["code"]) == ("websocket.close", 1013)


# The guard


@contextmanager
def guarded(app: FastAPI, require_auth: ResourceProtector, **options: Any) -> Iterator[TestClient]:
    """A guarded application with a route, a mount and a WebSocket."""
    app.get("/health")(lambda: "well")
    app.post("/orders")(lambda order: order)
    app.mount("/files", FastAPI())
    require_auth.guard(app, "a", **options)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_a_guard_protects_what_is_no_route(dev_realm: DevRealm, app: FastAPI, require_auth: ResourceProtector) -> None:
    """Mounts, /docs, unknown paths; and before a body is read."""
    good = dev_realm.bearer(scope="a")
    with guarded(app, require_auth, exempt="/health") as client:
        assert client.get("/health").json() == "well"
        assert {client.get(path).status_code for path in ("/health/", "/docs", "/files/x", "/none", "//health")} == {
            401
        }
        assert client.post("/orders", content=b"{", headers={"Content-Type": "application/json"}).status_code == 401
        assert client.get("/none", headers=good).status_code == 404
        assert client.get("/docs", headers=good).status_code == 200


def test_guard_and_dependency_add_up(dev_realm: DevRealm, app: FastAPI) -> None:
    """Both demands hold, the challenge names both, and an optional guard leaves the dependency's demand."""
    require_auth = ResourceProtector(dev_realm.issuer, audience="orders-api")
    app.get("/", dependencies=[Depends(require_auth("b"))])(lambda: "in")
    require_auth.guard(app, "a", optional=True)
    client = TestClient(app)

    assert client.get("/").headers["WWW-Authenticate"] == 'Bearer scope="a b"'
    assert client.get("/none").status_code == 404
    assert client.get("/", headers=dev_realm.bearer(scope="b")).status_code == 403
    assert client.get("/", headers=dev_realm.bearer(scope="b a")).json() == "in"


def test_a_guarded_mount(dev_realm: DevRealm, app: FastAPI, require_auth: ResourceProtector) -> None:
    """`exempt` is the path below the mount, as the mounted application sees it."""
    inner = FastAPI()
    inner.get("/health")(lambda: "well")
    require_auth.guard(inner, exempt=["/health"])
    app.mount("/inner", inner)
    client = TestClient(app)

    assert client.get("/inner/health").json() == "well"
    assert client.get("/inner/none").status_code == 401


@pytest.mark.parametrize("wrong", [{"exempt": "health"}, {"exempt": [None]}, {"optional": 1}])
def test_a_guard_that_cannot_be(app: FastAPI, require_auth: ResourceProtector, wrong: Any) -> None:
    """ValueError says what to write; a router is no application."""
    with pytest.raises(ValueError, match="write"):
        require_auth.guard(app, **wrong)
    with pytest.raises(TypeError, match="APIRouter"):
        require_auth.guard(app.router)  # type: ignore[arg-type]  # that is the mistake
