"""The same FastAPI route behind different checks, each in an application of its own: see `tests.benchmarks.fastapi`.

From the environment: ISSUER, of a dev realm.
"""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from starlette.types import Receive, Scope, Send

from resource_protector import AccessToken
from resource_protector.fastapi import ResourceProtector

ISSUER = os.environ["ISSUER"]
SERVER, _, REALM = ISSUER.partition("/realms/")
NOBODY = {"sub": "nobody"}

# Every route is the first of its application, so that none is found later than another.
applications: dict[str, FastAPI] = {}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Hand over to the application that has the path."""
    if scope["type"] != "lifespan":
        await applications[scope["path"]](scope, receive, send)


def application(path: str) -> FastAPI:
    """A new one, for this path."""
    applications[path] = FastAPI()
    return applications[path]


async def nothing() -> dict[str, Any]:
    """Check nothing."""
    return NOBODY


@application("/unprotected").get("/unprotected")
async def unprotected() -> Any:
    """No dependency at all."""
    return {"sub": NOBODY["sub"]}


@application("/noop").get("/noop")
async def noop(token: Annotated[dict[str, Any], Depends(nothing)]) -> Any:
    """Behind a dependency that does nothing."""
    return {"sub": token["sub"]}


require_auth = ResourceProtector(ISSUER, audience="orders-api")


@application("/ours").get("/ours")
async def ours(token: Annotated[AccessToken, Depends(require_auth("test_api_access"))]) -> Any:
    """Behind ours."""
    return {"sub": token["sub"]}


def add_seed() -> None:
    """Seed 003: `a_decode_token` with the key that was loaded once."""
    jwk: Any = import_module("jwcrypto.jwk")
    provider = import_module("keycloak").KeycloakOpenID(server_url=SERVER, realm_name=REALM, client_id="orders-api")
    keys: list[Any] = []

    async def get_user(token: Annotated[str, Depends(OAuth2PasswordBearer("/login"))]) -> dict[str, Any]:
        if not keys:
            pem = f"-----BEGIN PUBLIC KEY-----\n{await provider.a_public_key()}\n-----END PUBLIC KEY-----"
            keys.append(jwk.JWK.from_pem(pem.encode()))
        try:
            claims: dict[str, Any] = await provider.a_decode_token(token, validate=True, key=keys[0])
        except Exception as error:
            raise HTTPException(401) from error
        return claims

    @application("/seed").get("/seed")
    async def seed(user: Annotated[dict[str, Any], Depends(get_user)]) -> Any:
        return {"sub": user["sub"]}


def add_middleware() -> None:
    """fastapi-keycloak-middleware, which protects a whole application."""
    peer: Any = import_module("fastapi_keycloak_middleware")

    async def mapper(claims: dict[str, Any]) -> dict[str, Any]:
        return claims

    inner = application("/middleware")
    configuration = peer.KeycloakConfiguration(url=SERVER, realm=REALM, client_id="orders-api")
    peer.setup_keycloak_middleware(inner, configuration, user_mapper=mapper, service_mapper=mapper)

    @inner.get("/middleware")
    async def route(user: Annotated[dict[str, Any], Depends(peer.get_user)]) -> Any:
        return {"sub": user["sub"]}


PEERS: list[Callable[[], None]] = [add_seed, add_middleware]
for add in PEERS:
    try:
        add()
    except ImportError:  # a peer that is not installed is not measured
        continue
