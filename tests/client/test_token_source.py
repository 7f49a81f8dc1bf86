from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from resource_protector.client import TokenRequestFailed
from resource_protector.client.held_token import HeldToken
from resource_protector.client.issued_token import IssuedToken
from resource_protector.client.token_source import TokenSource
from tests.polling import Clock, eventually


class Realm:
    """Issues t1, t2, ... or fails as it is told; a request can be held up."""

    def __init__(self) -> None:
        self.asked = 0
        self.lifetime: float | None = 300
        self.failure: Exception | None = None
        self.open = threading.Event()
        self.open.set()

    def __call__(self) -> IssuedToken:
        self.asked += 1
        number = self.asked
        assert self.open.wait(20)
        if self.failure is not None:
            raise self.failure
        return IssuedToken(f"t{number}", self.lifetime)


@pytest.fixture
def realm() -> Realm:
    """A realm in this process."""
    return Realm()


@pytest.fixture
def clock() -> Clock:
    """The clock of the token's age."""
    return Clock(1000.0)


Make = Callable[..., TokenSource]


@pytest.fixture
def make(realm: Realm, clock: Clock) -> Make:
    """A source of the realm's tokens."""

    def made(early_seconds: float = 30, timeout_seconds: float = 10, name: str = "for a test") -> TokenSource:
        return TokenSource(
            realm, name=name, early_seconds=early_seconds, timeout_seconds=timeout_seconds, monotonic=clock
        )

    return made


def is_held(source: TokenSource, header: str) -> bool:
    """Whether that token is what a call would get."""
    return source.token().header == header


def test_a_token_is_kept(realm: Realm, clock: Clock, make: Make) -> None:
    """One request serves all calls until the token is close to its end."""
    source = make()
    headers = set()
    for _ in range(27):
        headers.add(source.token().header)
        clock.advance(9.9)

    assert headers == {"Bearer t1"}
    assert realm.asked == 1


def test_near_its_end_it_is_replaced_beside_the_calls(realm: Realm, clock: Clock, make: Make) -> None:
    """In the last early_seconds calls go on with the old token until the new one is there."""
    source = make(early_seconds=30)
    source.token()
    realm.open.clear()
    clock.advance(270)
    during = [source.token().header for _ in range(5)]
    eventually(lambda: realm.asked == 2)
    realm.open.set()

    assert during == ["Bearer t1"] * 5
    eventually(lambda: is_held(source, "Bearer t2"))
    assert realm.asked == 2


def test_a_token_that_is_over_is_waited_for(realm: Realm, clock: Clock, make: Make) -> None:
    """After a pause the old token is of no use: the call waits for the new one."""
    source = make()
    source.token()
    clock.advance(296)

    assert source.token().header == "Bearer t2"


@pytest.mark.parametrize(
    ("lifetime", "early_seconds", "kept"),
    [
        pytest.param(300, 30, 270, id="a common token"),
        pytest.param(60, 30, 40, id="never more than a third"),
        pytest.param(300, 0, 300, id="to the end"),
        pytest.param(None, 30, 40, id="no lifetime named: a minute"),
        pytest.param(0, 30, 0, id="over at once"),
    ],
)
def test_how_long_it_is_kept(
    realm: Realm, clock: Clock, make: Make, lifetime: float | None, early_seconds: float, kept: float
) -> None:
    """early_seconds before its end, and at most a third of its lifetime before."""
    realm.lifetime = lifetime
    held = make(early_seconds).token()

    assert held.refresh_at == clock() + kept


def test_a_token_that_is_over_at_once_still_serves_who_waited(realm: Realm, make: Make) -> None:
    """A realm that issues tokens of no lifetime is asked at each call, and nobody waits for ever."""
    realm.lifetime = 0
    source = make()

    assert [source.token().header, source.token().header] == ["Bearer t1", "Bearer t2"]


def test_50_threads_ask_once(realm: Realm, make: Make) -> None:
    """All who come while a request is under way wait for that one."""
    source = make()
    barrier = threading.Barrier(50)

    def call(_: int) -> str:
        barrier.wait(20)
        return source.token().header

    with ThreadPoolExecutor(50) as pool:
        headers = set(pool.map(call, range(50)))

    assert headers == {"Bearer t1"}
    assert realm.asked == 1


def test_1000_tasks_ask_once(realm: Realm, make: Make) -> None:
    """The same in an event loop, which is not blocked meanwhile."""
    source = make()
    realm.open.clear()

    async def all_of_them() -> set[str]:
        tasks = [asyncio.create_task(source.token_async()) for _ in range(1000)]
        await asyncio.sleep(0)
        realm.open.set()
        return {held.header for held in await asyncio.gather(*tasks)}

    assert asyncio.run(all_of_them()) == {"Bearer t1"}
    assert realm.asked == 1


def test_a_cancelled_task_cancels_nobody_else(realm: Realm, make: Make) -> None:
    """The first who asked goes away; the others get their token."""
    source = make()
    realm.open.clear()

    async def first_goes_away() -> str:
        first, second = (asyncio.create_task(source.token_async()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await first
        realm.open.set()
        return (await second).header

    assert asyncio.run(first_goes_away()) == "Bearer t1"


# Failures


def failure_of(source: TokenSource) -> TokenRequestFailed:
    """What a call raises."""
    with pytest.raises(TokenRequestFailed) as raised:
        source.token()
    return raised.value


def test_after_a_failure_the_realm_is_left_alone(realm: Realm, clock: Clock, make: Make) -> None:
    """Calls in between fail at once with the same reason; each wait is up to twice the one before."""
    source = make()
    realm.failure = TokenRequestFailed("It is down.")
    attempts = []
    for _ in range(600):
        failure = failure_of(source)
        attempts.append(realm.asked)
        assert failure.retry_after_seconds is not None
        clock.advance(0.1)

    assert str(failure) == "It is down."
    assert 6 <= attempts[-1] <= 8  # 1, 2, 4, 8, 16, 30 seconds, each less up to a quarter
    assert attempts[:8] == [1] * 8


def test_every_caller_gets_an_exception_of_his_own(realm: Realm, make: Make) -> None:
    """One exception raised in many threads would collect all their tracebacks."""
    source = make()
    cause = OSError("unplugged")
    realm.failure = TokenRequestFailed("It is down.")
    realm.failure.__cause__ = cause
    first, second = failure_of(source), failure_of(source)

    assert first is not second
    assert first.__cause__ is cause
    assert second.__cause__ is cause
    assert realm.asked == 1


@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client"])
def test_refused_credentials_are_not_hammered(realm: Realm, clock: Clock, make: Make, error: str) -> None:
    """A wrong secret stays wrong for a while: half a minute between two attempts."""
    source = make()
    realm.failure = TokenRequestFailed("Look at the secret.", error=error, status_code=401)
    for _ in range(29):
        assert failure_of(source).error == error
        clock.advance(1)
    within_29_seconds = realm.asked
    clock.advance(2)
    failure_of(source)

    assert within_29_seconds == 1
    assert realm.asked == 2


def test_retry_after_is_honoured(realm: Realm, clock: Clock, make: Make) -> None:
    """The server knows best when to come back."""
    source = make()
    realm.failure = TokenRequestFailed("Too many.", status_code=429, retry_after_seconds=120)
    failure_of(source)
    clock.advance(119)
    failure = failure_of(source)
    asked = realm.asked
    clock.advance(1)
    realm.failure = None

    assert asked == 1
    assert failure.retry_after_seconds == 1
    assert source.token().header == "Bearer t2"


def test_while_the_realm_is_away_the_token_serves_to_its_end(realm: Realm, clock: Clock, make: Make) -> None:
    """A refresh that fails costs no call; only when the token is over, calls fail."""
    source = make(timeout_seconds=1000)  # this clock may be faster than a thread
    source.token()
    realm.failure = TokenRequestFailed("It is down.")
    clock.advance(270)
    for _ in range(24):
        assert source.token().header == "Bearer t1"
        clock.advance(1)
    clock.advance(2)
    failure = failure_of(source)
    realm.failure = None
    clock.advance(60)

    assert str(failure) == "It is down."
    assert source.token().header == f"Bearer t{realm.asked}"


def test_an_outage_is_told_once_and_its_end(
    realm: Realm, clock: Clock, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """One line when it begins, one when it is over, whatever the number of calls."""
    source = make(name="for this test")

    def lines() -> list[str]:
        return [line for line in caplog.messages if "for this test" in line]

    realm.failure = TokenRequestFailed("It is down.")
    with caplog.at_level(logging.INFO, "resource_protector.client"):
        for _ in range(100):
            failure_of(source)
        clock.advance(2)
        realm.failure = None
        source.token()
        eventually(lambda: len(lines()) == 2)

    assert lines() == [
        "A token for this test could not be fetched: It is down.",
        "A token for this test is fetched again, after 2 s and 1 failed attempts",
    ]


def test_what_else_is_raised_has_its_cause(realm: Realm, make: Make) -> None:
    """An adapter of the caller's session may raise anything; its text may hold anything, and is left in the cause."""
    source = make()
    realm.failure = LookupError("hunter2")
    failure = failure_of(source)

    assert failure.__cause__ is realm.failure
    assert "LookupError" in str(failure)
    assert "hunter2" not in str(failure)


def test_nobody_waits_longer_than_the_deadline(realm: Realm, make: Make) -> None:
    """Also where the request hangs beyond any timeout of a socket."""
    source = make(timeout_seconds=0.05)
    realm.open.clear()
    first = failure_of(source)
    second = failure_of(source)
    realm.open.set()

    assert "within timeout_seconds=0.05" in str(first)
    assert str(second) == str(first)
    assert realm.asked == 1


def test_a_request_that_hangs_is_given_up(realm: Realm, clock: Clock, make: Make) -> None:
    """After its deadline another one is made; what the first brings later is not used."""
    source = make()
    held = source.token()
    realm.open.clear()
    clock.advance(270)
    source.token()
    eventually(lambda: realm.asked == 2)
    clock.advance(10)
    source.token()
    clock.advance(1)
    source.token()
    eventually(lambda: realm.asked == 3)
    realm.open.set()

    eventually(lambda: source.token() is not held)
    assert source.token().header == "Bearer t3"


def test_without_threads_to_spare_a_call_fails(realm: Realm, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so, and nothing is left behind that would be waited for."""

    def cannot_start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    source = make()
    with monkeypatch.context() as patched:  # the interpreter's fault is injected at the interpreter
        patched.setattr(threading.Thread, "start", cannot_start)
        failure = failure_of(source)

    assert "no thread" in str(failure)
    assert isinstance(failure.__cause__, RuntimeError)


# A token that an API refused


def test_a_refused_token_is_replaced_once_for_all(realm: Realm, make: Make) -> None:
    """50 threads whose token was refused share one new one."""
    source = make()
    refused = source.token()
    barrier = threading.Barrier(50)

    def renew(_: int) -> HeldToken | None:
        barrier.wait(20)
        return source.instead_of(refused)

    with ThreadPoolExecutor(50) as pool:
        fresh = {held.header if held else None for held in pool.map(renew, range(50))}

    assert fresh == {"Bearer t2"}
    assert realm.asked == 2


def test_an_api_that_refuses_everything_does_not_have_the_realm_asked_each_time(
    realm: Realm, clock: Clock, make: Make
) -> None:
    """One token request in ten seconds, as long as no fresh token is accepted."""
    source = make()
    for _ in range(100):
        source.instead_of(source.token())
        clock.advance(0.3)

    assert realm.asked == 1 + 3


def test_an_accepted_token_may_be_replaced_at_once(realm: Realm, make: Make) -> None:
    """Revoked twice within a second is replaced twice."""
    source = make()
    for _ in range(5):
        assert source.instead_of(source.token()) is not None
        source.accepted()

    assert realm.asked == 6


def test_an_api_that_refuses_now_and_then_has_the_realm_asked_a_few_times(realm: Realm, make: Make) -> None:
    """One bad server behind a balancer: the repeat succeeds each time, and that is no reason to go on for ever."""
    source = make()
    for _ in range(50):
        if source.instead_of(source.token()) is not None:
            source.accepted()

    assert realm.asked == 6


def test_without_a_fresh_token_the_old_one_stays(realm: Realm, make: Make) -> None:
    """Another API may accept it still."""
    source = make()
    refused = source.token()
    realm.failure = TokenRequestFailed("It is down.")

    assert source.instead_of(refused) is None
    assert source.instead_of(refused) is None
    assert realm.asked == 2
    assert source.token() is refused


def test_in_an_event_loop_too(realm: Realm, make: Make) -> None:
    """100 tasks whose token was refused share one new one."""
    source = make()

    async def renewed() -> set[str | None]:
        refused = await source.token_async()
        fresh = await asyncio.gather(*(source.instead_of_async(refused) for _ in range(100)))
        return {held.header if held else None for held in fresh}

    assert asyncio.run(renewed()) == {"Bearer t2"}
    assert realm.asked == 2


def test_a_fork_in_mid_request_leaves_nothing_behind(realm: Realm, make: Make) -> None:
    """The child has neither the thread nor a lock that somebody held: it asks for itself."""
    source = make()
    realm.open.clear()
    waiting = threading.Thread(target=source.token)
    waiting.start()
    eventually(lambda: realm.asked == 1)
    child = os.fork()
    if child == 0:  # pragma: no cover - in the child, where only the exit status is seen
        code = 1
        with contextlib.suppress(BaseException):
            realm.open = threading.Event()
            realm.open.set()
            code = 0 if source.token().header == "Bearer t2" else 2
        os._exit(code)
    _, status = os.waitpid(child, 0)
    realm.open.set()
    waiting.join(20)

    assert os.waitstatus_to_exitcode(status) == 0


def test_a_token_is_not_in_a_repr(realm: Realm, make: Make) -> None:
    """Nor is it in that of what holds it."""
    source = make()

    assert "t1" not in repr(source.token())
    assert "t1" not in repr(source)
    assert "t1" not in repr(IssuedToken("t1"))
