"""Keys at start-up, and an event loop that nothing blocks."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Response
from fastapi.testclient import TestClient

from resource_protector import AccessToken, MultiRealmValidator, RealmTokenValidator
from resource_protector.dev import DevRealm
from resource_protector.fastapi import ResourceProtector
from resource_protector.shadow import Shadow
from tests.polling import eventually
from tests.servers.tokens import mint_many, with_kid


def test_the_lifespan_loads_the_keys(dev_realm: DevRealm, require_auth: ResourceProtector) -> None:
    """They are there before the first request, and are not loaded by it."""
    app = FastAPI(lifespan=require_auth.lifespan)
    app.get("/", dependencies=[Depends(require_auth())])(lambda: None)

    with TestClient(app) as client:
        assert require_auth.status()["loaded"] is True
        assert client.get("/", headers=dev_realm.bearer()).status_code == 200
    assert dev_realm.requests["certs"] == 1


def test_a_realm_that_is_away_does_not_fail_the_start(dev_realm: DevRealm) -> None:
    """A readiness route says so, 503 is answered meanwhile, and the keys come when the realm is back."""
    require_auth = ResourceProtector(dev_realm.issuer, audience="orders-api", retry_seconds=0.05)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with require_auth.lifespan(app):
            yield

    app = FastAPI(lifespan=lifespan)
    app.get("/", dependencies=[Depends(require_auth())])(lambda: None)

    @app.get("/ready")
    def ready(response: Response) -> Any:
        response.status_code = 200 if require_auth.status()["loaded"] else 503
        return require_auth.status()

    with dev_realm.down(), TestClient(app) as client:
        assert client.get("/ready").status_code == 503
        assert client.get("/", headers=dev_realm.bearer()).status_code == 503
        dev_realm.start()
        eventually(lambda: client.get("/", headers=dev_realm.bearer()).status_code == 200)
        assert client.get("/ready").json()["loaded"] is True


def test_a_realm_that_hangs_delays_the_start_by_the_timeout(dev_realm: DevRealm) -> None:
    """Not for ever, and not the event loop."""
    require_auth = ResourceProtector(dev_realm.issuer, audience="orders-api", timeout_seconds=0.2)
    began = time.monotonic()
    with dev_realm.stall(60), TestClient(FastAPI(lifespan=require_auth.lifespan)):
        took = time.monotonic() - began

    assert 0.15 < took < 2


def test_the_application_starts_while_the_next_attempt_is_waited_for(dev_realm: DevRealm) -> None:
    """The keys were asked for a moment ago, in vain, and it is too early to ask again."""
    require_auth = ResourceProtector(dev_realm.issuer, audience="orders-api", retry_seconds=60)
    with dev_realm.down(), TestClient(FastAPI(lifespan=require_auth.lifespan)):
        pass
    with TestClient(FastAPI(lifespan=require_auth.lifespan)):
        assert "'loaded': False" in str(require_auth.status())


def test_known_tokens_pass_while_the_realm_is_asked_about_another(dev_realm: DevRealm) -> None:
    """In one event loop: whoever needs the realm's word waits for it, and nobody else."""
    require_auth = ResourceProtector(
        dev_realm.issuer,
        audience="orders-api",
        client_id="orders-api",
        client_secret=dev_realm.clients["orders-api"].secret,
        timeout_seconds=1,
    )
    app = FastAPI()

    @app.get("/", dependencies=[Depends(require_auth())])
    async def view() -> None: ...

    @app.get("/asked", dependencies=[Depends(require_auth(introspect=True))])
    async def asked() -> None: ...

    headers = dev_realm.bearer()

    async def run() -> tuple[list[int], int, bool]:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
            await client.get("/")
            with dev_realm.stall(60):
                waiting = asyncio.create_task(client.get("/asked"))
                await asyncio.sleep(0.05)
                quick = [(await client.get("/")).status_code for _ in range(20)]
                still_waiting = not waiting.done()
                return quick, (await waiting).status_code, still_waiting

    quick, status, still_waiting = asyncio.run(run())

    assert still_waiting
    assert set(quick) == {200}
    assert status == 503


def test_the_keys_of_every_kind_of_validator(dev_realm: DevRealm) -> None:
    """Of several realms all, in shadow mode those of the offline side."""
    one = RealmTokenValidator(dev_realm.issuer, audience="orders-api")
    several = MultiRealmValidator(RealmTokenValidator(dev_realm.issuer, audience="orders-api"))
    shadow = Shadow(lambda token: None, RealmTokenValidator(dev_realm.issuer, audience="orders-api"))

    for validator in (one, several, shadow):
        require_auth = ResourceProtector(validator)
        with TestClient(FastAPI(lifespan=require_auth.lifespan)):
            assert "'loaded': True" in str(require_auth.status())
    assert dev_realm.requests["certs"] == 3


def test_known_tokens_pass_while_unknown_ones_wait(dev_realm: DevRealm, require_auth: ResourceProtector) -> None:
    """In one event loop: a fetch that hangs is waited for by those who need it."""
    app = FastAPI()

    @app.get("/", dependencies=[Depends(require_auth())])
    async def view() -> None: ...

    known = mint_many(dev_realm, 20)

    async def ask(client: httpx.AsyncClient, token: str) -> tuple[int, float]:
        began = time.monotonic()
        answer = await client.get("/", headers={"Authorization": f"Bearer {token}"})
        return answer.status_code, time.monotonic() - began

    async def run() -> tuple[list[tuple[int, float]], tuple[int, float], bool]:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            await ask(client, known[0])
            with dev_realm.stall(60):
                waiting = asyncio.create_task(ask(client, with_kid(known[0], "nobody")))
                await asyncio.sleep(0.05)
                quick = [await ask(client, token) for token in known]
                still_waiting = not waiting.done()
                return quick, await waiting, still_waiting

    quick, (status, seconds), still_waiting = asyncio.run(run())

    assert still_waiting  # had it blocked the loop, it would have ended first
    assert {answered for answered, _ in quick} == {200}
    assert max(took for _, took in quick) < 0.5
    assert status == 503
    assert seconds > 0.9  # wait_seconds


@pytest.mark.parametrize("size", [0, 4096], ids=["cache off", "cache on"])
def test_introspection_beside_the_loop(dev_realm: DevRealm, app: FastAPI, size: int) -> None:
    """The realm is asked once for a request, whoever demands it there, and its word is the last."""
    require_auth = ResourceProtector(
        dev_realm.issuer,
        audience="orders-api",
        client_id="orders-api",
        client_secret=dev_realm.clients["orders-api"].secret,
        introspection_seconds=0,
        token_cache_size=size,
    )
    app.router.dependencies.append(Depends(require_auth(introspect=True)))

    @app.get("/today")
    async def today(token: Annotated[AccessToken, Depends(require_auth())]) -> list[str]:
        return sorted(token.realm_roles)

    app.get("/", dependencies=[Depends(require_auth(None)), Depends(require_auth(roles="x", introspect=True))])(
        lambda: 1
    )
    client = TestClient(app)
    headers = dev_realm.bearer(realm_access={"roles": ["x"]})

    assert client.get("/", headers=headers).status_code == 200
    assert dev_realm.requests["introspection"] == 1
    with dev_realm.introspection_says(active=False):
        assert client.get("/", headers=headers).json()["detail"]["error"] == "invalid_token"
    with dev_realm.introspection_says(realm_access={"roles": ["y"]}):
        assert client.get("/today", headers=headers).json() == ["y"]  # also where nobody asked for that
        assert client.get("/", headers=headers).status_code == 403
