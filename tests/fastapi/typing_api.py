"""How users of FastAPI write it: checked by mypy --strict, never run."""

from collections.abc import Sequence
from typing import Annotated, Any, assert_type

from fastapi import APIRouter, Depends, FastAPI, Security, WebSocket
from fastapi.security import SecurityScopes
from starlette.requests import HTTPConnection

from resource_protector import AccessToken, RealmTokenValidator, any_of
from resource_protector.fastapi import ResourceProtector, TokenDependency

ISSUER = "https://sso.example.com/realms/myorg"

require_auth = ResourceProtector(
    ISSUER, audience="a", cooldown_seconds=2.5, openapi_scopes={"a": "To do a"}, scheme_name="Keycloak"
)
ResourceProtector(RealmTokenValidator(ISSUER, audience="a"), token_url="/login")
app = FastAPI(lifespan=require_auth.lifespan, dependencies=[Depends(require_auth())])
router = APIRouter(dependencies=[Depends(require_auth("a"))])

Token = Annotated[AccessToken, Depends(require_auth(any_of("a b", "c"), roles=["x"], client_roles={"a": "w"}))]
MaybeToken = Annotated[AccessToken | None, Depends(require_auth(optional=True))]

require_auth("a", scopes="b")  # type: ignore[call-overload]  # no such demand
ResourceProtector(ISSUER, audience="a", token_uri="/login")  # type: ignore[call-arg]  # no such keyword


def demand(scopes: Sequence[str], optional: bool) -> None:
    """What is returned knows whether it may be None."""
    assert_type(require_auth(scopes), TokenDependency[AccessToken])
    assert_type(require_auth(None, optional=False), TokenDependency[AccessToken])
    assert_type(require_auth(None, optional=True), TokenDependency[AccessToken | None])
    assert_type(require_auth(optional=optional, introspect=True), TokenDependency[AccessToken | None])


async def call(connection: HTTPConnection) -> None:
    """So does what calling it returns."""
    assert_type(await require_auth("a")(connection, SecurityScopes()), AccessToken)
    assert_type(await require_auth("a", optional=True)(connection, SecurityScopes()), AccessToken | None)


@app.get("/me")
async def me(token: Token) -> AccessToken:
    """An alias, and a token as answer."""
    return token


@router.get("/maybe")
async def maybe(token: MaybeToken, other: Annotated[AccessToken, Security(require_auth(), scopes=["d"])]) -> str | None:
    """It has to be asked whether there is one."""
    print(token.subject)  # type: ignore[union-attr]  # there may be none  # noqa: T201 - never run
    return token.subject if token else other.subject


@app.websocket("/ws")
async def talk(websocket: WebSocket, token: Token) -> None:
    """The same for a WebSocket."""
    await websocket.accept()


require_auth.init_app(app)
require_auth.guard(app, "a", exempt=["/health"], optional=True)
status: Any = require_auth.status()
