"""Whatever is cached is no weaker: a cached and an uncached validator never differ, whatever happens."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from resource_protector import AccessToken, KeysUnavailable, RealmTokenValidator, TokenRejected
from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from tests.polling import Clock

AUDIENCE = "orders-api"
MORNING = 1_800_000_000
# Around everything that has a time: cooldown and first retries, leeway, the age of keys, their stale limit.
SECONDS = [0.5, 3, 10, 31, 40, 295, 305, 650, 3_500, 4_000]
TOKENS = 5
LIVES = [10, 60, 400, 5_000]
WRONG = [
    "expired", "not_yet_valid", "audience", "issuer", "id_token", "id_token_without_typ", "refresh_token", "key",
    "unknown_key", "signature", "alg_none", "lightweight",
]  # fmt: skip

_now = Clock(MORNING)
# Without a socket: the validators fetch in process. One realm for all runs, since its first key takes a while.
_realm = DevRealm(DEMO_REALM_FILE, port=9, now=_now)
_FIRST_KID = _realm.rotate("withdraw", alg="EdDSA")


class CachedAndUncached(RuleBasedStateMachine):
    """A realm, its tokens, two clocks, and two validators that are asked the same at the same moments."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self._loop = self._stack.enter_context(asyncio.Runner()).get_loop()
        self._may_fetch = threading.Event()
        self.realm = self._stack.enter_context(_realm.undoing_changes())
        self.now, self.monotonic = _now, Clock(1_000)
        self.now.seconds = MORNING
        self.seed = 0
        self.kids = [_FIRST_KID]
        self.tokens: list[str] = []
        self.issued: list[str] = []  # without the other spellings of them
        self.are_busy = True

    @initialize(size=st.sampled_from([1, 2, 4_096]))
    def start(self, size: int) -> None:
        """A process starts: a small cache evicts on the way."""
        self.cached, self.uncached = self._validator(size), self._validator(0)

    def _validator(self, size: int) -> RealmTokenValidator:
        return RealmTokenValidator(
            self.realm.issuer,
            audience=AUDIENCE,
            token_cache_size=size,
            fetch=self.fetch,
            now=self.now,
            monotonic=self.monotonic,
        )

    # What the realm does

    @rule(life=st.sampled_from(LIVES), begins_in=st.sampled_from([None, -5, 20, 60]))
    def issues_a_good_token(self, life: int, begins_in: int | None) -> None:
        begins = None if begins_in is None else int(self.now()) + begins_in
        self.hold(self.realm.mint(exp=int(self.now()) + life, iat=int(self.now()), nbf=begins))

    @rule(wrong=st.sampled_from(WRONG))
    def issues_a_wrong_token(self, wrong: Any) -> None:
        self.hold(self.realm.mint(wrong))

    @rule(old=st.sampled_from(["keep", "passive", "withdraw"]), algorithm=st.sampled_from(["EdDSA", "ES256"]))
    def rotates(self, old: Any, algorithm: str) -> None:
        self.kids.append(self.realm.rotate(old, algorithm))

    @rule(position=st.integers(0, 9))
    def withdraws_a_key(self, position: int) -> None:
        with suppress(ValueError):  # withdrawn before
            self.realm.withdraw(self.kids[position % len(self.kids)])

    @rule(fault=st.sampled_from(["answer_500", "answer_html", "answer_empty", "answer_broken"]))
    def fails(self, fault: str) -> None:
        getattr(self.realm, fault)()

    @rule()
    def comes_back(self) -> None:
        self.realm.heal()

    # What time does

    @rule(seconds=st.sampled_from(SECONDS))
    def passes(self, seconds: float) -> None:
        self.now.advance(seconds)
        self.monotonic.advance(seconds)

    @rule(seconds=st.sampled_from([-4_000, -65, -31, 31, 65, 4_000]))
    def is_corrected(self, seconds: int) -> None:
        """The wall clock alone, in either direction."""
        self.now.advance(seconds)

    # What clients do

    @rule(where=st.sampled_from(["header", "payload", "signature", "padding", "space"]), position=st.integers(0, 9))
    def spell_a_token_anew(self, where: str, position: int) -> None:
        if self.issued:
            self.tokens = [*self.tokens, respelled(self.issued[position % len(self.issued)], where)][-TOKENS:]

    @rule(are_busy=st.booleans())
    def pause_or_go_on(self, are_busy: bool) -> None:
        self.are_busy = are_busy

    @invariant()
    def bring_their_tokens(self) -> None:
        """After whatever happened, unless they pause: then ages grow that nobody notices."""
        for token in self.tokens if self.are_busy else ():
            self.seed += 1
            assert self.verdict(self.cached, token) == self.verdict(self.uncached, token)

    def hold(self, token: str) -> None:
        """Clients bring this token from now on, and the few that they had before."""
        self.tokens = [*self.tokens, token][-TOKENS:]
        self.issued = [*self.issued, token][-TOKENS:]

    def fetch(self, url: str) -> object:
        self._may_fetch.wait(10)
        return self.realm.fetch(url)

    def verdict(self, validator: RealmTokenValidator, token: str) -> object:
        """What becomes of the token, once every load that it started has ended."""
        random.seed(self.seed)  # the jitter of refreshes and retries: the same for both
        try:
            return dict(self._loop.run_until_complete(self.asked(validator, token)))
        except (TokenRejected, KeysUnavailable) as error:
            return error.reason, error.status_code
        finally:
            self._may_fetch.set()
            for thread in threading.enumerate():
                if thread.name == "resource_protector-keys":
                    thread.join(10)
            self._may_fetch.clear()

    async def asked(self, validator: RealmTokenValidator, token: str) -> AccessToken:
        """The verdict, where a load ends no earlier than somebody waits for it.

        What runs beside the requests may end before or after the verdict, and each is right: here it is after.
        """
        task = asyncio.create_task(validator.verify_async(token))
        await asyncio.sleep(0)  # it runs, until it is done or waits
        self._may_fetch.set()
        return await task

    def teardown(self) -> None:
        self._stack.close()


TestCachedAndUncached = CachedAndUncached.TestCase
TestCachedAndUncached.settings = settings(
    max_examples=1_000 if os.environ.get("HYPOTHESIS_PROFILE") == "slow" else 150,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.parametrize("size", [0, 4_096], ids=["cache off", "cache on"])
def test_a_token_seen_before_spends_no_reload_of_those_that_come_after(dev_realm: DevRealm, size: int) -> None:
    """The load that an idle process begins with tells of a withdrawn key; the reload for an unknown one is still there."""
    monotonic = Clock()
    validator = RealmTokenValidator(
        dev_realm.issuer, audience=AUDIENCE, fetch=dev_realm.fetch, monotonic=monotonic, token_cache_size=size
    )
    old = dev_realm.mint()
    validator.verify(old)
    dev_realm.rotate("withdraw", alg="ES256")
    monotonic.advance(650)
    loads = dev_realm.requests["certs"]
    with pytest.raises(TokenRejected):
        validator.verify(old)
    assert dev_realm.requests["certs"] == loads + 1

    dev_realm.rotate(alg="ES256")

    assert validator.verify(dev_realm.mint())


def respelled(token: str, where: str) -> str:
    """The same bytes in another spelling, for whoever decodes Base64 leniently."""
    header, payload, signature = token.split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    if where == "padding":
        return token + "=" * (-len(signature) % 4 or 4)
    if where == "space":
        return f"{header}.{payload[:8]}\n{payload[8:]}.{signature}"
    parts = {"header": header, "payload": payload, "signature": signature}
    part = parts[where]
    # The unused bits of the last character; where there are none, a character that a lenient decoder skips.
    spare = len(part) % 4
    last = alphabet[alphabet.index(part[-1]) ^ 1] if spare in (2, 3) else "!"
    parts[where] = part[:-1] + last if spare in (2, 3) else part + last
    return ".".join(parts.values())
