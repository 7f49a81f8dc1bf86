"""Asking the realm in an event loop: the same answers, and nobody waits for another."""

import asyncio
import gc
import time
from typing import Any

import pytest

from resource_protector import AccessToken, KeysUnavailable, MultiRealmValidator, Reason, TokenRejected
from resource_protector.dev import DevRealm
from tests.introspection.conftest import MakeValidator


@pytest.fixture(params=["one realm", "several realms"])
def validator(request: pytest.FixtureRequest, introspecting: MakeValidator) -> Any:
    """Either kind of validator."""
    return introspecting() if request.param == "one realm" else MultiRealmValidator(introspecting())


async def verdict(validator: Any, token: str, *, introspect: bool = True) -> AccessToken | Reason:
    """The claims, or why there are none."""
    try:
        claims: AccessToken = await validator.verify_async(token, introspect=introspect)
    except (TokenRejected, KeysUnavailable) as error:
        return error.reason
    return claims


def test_200_tasks_with_one_token_ask_once(
    dev_realm: DevRealm, validator: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """And leave nothing behind in the loop."""
    token = dev_realm.mint()

    async def work() -> list[AccessToken | Reason]:
        return await asyncio.gather(*(verdict(validator, token) for _ in range(200)))

    verdicts = asyncio.run(work())
    gc.collect()

    assert all(isinstance(each, AccessToken) for each in verdicts)
    assert dev_realm.requests["introspection"] == 1
    assert "never retrieved" not in caplog.text


def test_inactive_and_lightweight(dev_realm: DevRealm, validator: Any) -> None:
    """As in threads."""
    light = dev_realm.token(client="lightweight", user="alice", scope="test_api_access")
    alice = dev_realm.token(client="web", user="alice", scope="test_api_access")

    async def work() -> tuple[AccessToken | Reason, AccessToken | Reason]:
        completed = await verdict(validator, light, introspect=False)
        with dev_realm.log_out("alice"):
            return completed, await verdict(validator, alice)

    completed, ended = asyncio.run(work())

    assert isinstance(completed, AccessToken)
    assert completed.client_roles("orders-api") == {"writer"}
    assert ended is Reason.INACTIVE


def test_the_loop_goes_on_while_the_realm_is_stalled(dev_realm: DevRealm, introspecting: MakeValidator) -> None:
    """503 at the deadline; other tasks do not notice, and whoever is cancelled cancels nobody else."""
    validator = introspecting(timeout_seconds=0.5, monotonic=time.monotonic)
    token = dev_realm.mint()
    validator.verify(token)
    longest = 0.0

    async def work() -> list[Any]:
        nonlocal longest
        waiting = [asyncio.create_task(verdict(validator, token)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        while not all(task.done() for task in waiting):
            before = time.monotonic()
            await asyncio.sleep(0.005)
            longest = max(longest, time.monotonic() - before)
        return [task.cancelled() or task.result() for task in waiting]

    with dev_realm.stall(30):
        results = asyncio.run(work())

    assert results == [True, Reason.INTROSPECTION_UNAVAILABLE, Reason.INTROSPECTION_UNAVAILABLE]
    assert longest < 0.25
