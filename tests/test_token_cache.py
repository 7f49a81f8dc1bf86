"""The cache of verified tokens: bounded, whatever comes, and of no use to who spells a token anew."""

from __future__ import annotations

import gc
import itertools
import tracemalloc
from collections.abc import Iterator

import pytest

from resource_protector import AccessToken, RealmTokenValidator, Reason, TokenRejected
from resource_protector.cache import LARGEST_CHARACTERS, TokenCache, VerifiedToken, cache_key
from resource_protector.dev import DevRealm
from resource_protector.jws import MAX_TOKEN_CHARACTERS
from resource_protector.keys import Snapshot
from tests.polling import Clock

ENTRIES = 256
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def entry(validator: RealmTokenValidator, claims: AccessToken) -> VerifiedToken:
    """What is kept of a token with these claims: an object graph of its own, as every token has."""
    snapshot = validator.keys.snapshot
    assert isinstance(snapshot, Snapshot)
    return VerifiedToken(AccessToken(dict(claims)), snapshot.in_order[0], 30, "JWT", True)


def traced_bytes() -> int:
    """What is allocated now."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.fixture
def traced() -> Iterator[None]:
    """Within the test, allocations are counted."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
def test_any_number_of_distinct_tokens_leaves_memory_flat(dev_realm: DevRealm) -> None:
    """J20: once the cache is full, a hundred times as many tokens take no more memory than ten times as many.

    What a token adds is taken away again by the entry that goes for it: what holds from one filling to the next
    holds for ten million. (The table of a dict that is filled and emptied at both ends grows once.)
    """
    validator = RealmTokenValidator(dev_realm.issuer, audience="orders-api", fetch=dev_realm.fetch)
    claims = validator.verify(dev_realm.token(scope="test_api_access"))
    cache, texts = TokenCache(ENTRIES), itertools.count()

    def bring(tokens: int) -> int:
        for _ in range(tokens):
            cache.put(next(texts).to_bytes(32), entry(validator, claims))
        return traced_bytes()

    empty = traced_bytes()
    full = bring(ENTRIES)
    after_ten = bring(10 * ENTRIES)
    after_a_hundred = bring(90 * ENTRIES)

    assert (full - empty) / ENTRIES < 5_000
    assert after_ten - full < 0.1 * (full - empty)
    assert abs(after_a_hundred - after_ten) < 0.005 * (full - empty)


@pytest.mark.usefixtures("traced")
def test_a_full_cache_of_the_largest_tokens_is_bounded(dev_realm: DevRealm) -> None:
    """The bound in bytes is the number of entries times what a token of the largest size that is kept decodes to."""
    validator = RealmTokenValidator(dev_realm.issuer, audience="orders-api", fetch=dev_realm.fetch, token_cache_size=20)
    tokens = [dev_realm.mint(padding=["x"] * 1_000, number=number) for number in range(60)]
    assert max(map(len, tokens)) < LARGEST_CHARACTERS
    validator.verify(tokens[0])

    before = traced_bytes()
    for token in tokens:
        validator.verify(token)
    grown = traced_bytes() - before

    assert grown / 20 < 40_000


def test_what_is_larger_than_any_realms_token_is_not_kept() -> None:
    """An entry would be larger, too: such a token is verified each time it comes."""
    assert cache_key("x" * LARGEST_CHARACTERS) is not None
    assert cache_key("x" * (LARGEST_CHARACTERS + 1)) is None
    assert LARGEST_CHARACTERS < MAX_TOKEN_CHARACTERS


def spellings(token: str) -> Iterator[str]:
    """Every way in which a lenient decoder lets one character more, less or another spell the same bytes."""
    segments = token.split(".")
    for number, segment in enumerate(segments):
        before, after = segments[:number], segments[number + 1 :]
        unused = {0: 0, 2: 4, 3: 2}[len(segment) % 4]
        last = _ALPHABET.index(segment[-1])
        others = [segment[:-1] + _ALPHABET[last ^ bits] for bits in range(1, 1 << unused)]
        padded = [segment + "=" * count for count in range(1, 5)]
        foreign = [
            f"{segment[:4]}{slack}{segment[4:]}" for slack in ("\n", "\r\n", " ", "\t", "!", "*", "=", "\0", ".")
        ]
        trailing = [segment + slack for slack in ("\n", " ", "A", "!")]
        base64 = [segment.replace("-", "+").replace("_", "/")]
        for spelling in (*others, *padded, *foreign, *trailing, *base64):
            if spelling != segment:
                yield ".".join((*before, spelling, *after))


@pytest.mark.parametrize("client", ["test_api_client", "es256", "ps256", "eddsa"])
@pytest.mark.parametrize("size", [0, 4_096], ids=["cache off", "cache on"])
def test_a_token_spelled_anew_is_refused_and_not_kept(dev_realm: DevRealm, client: str, size: int) -> None:
    """J20: a cache keyed by the text could be flushed with the spellings of one token; none of them is one."""
    validator = RealmTokenValidator(
        dev_realm.issuer, audience="orders-api", fetch=dev_realm.fetch, monotonic=Clock(), token_cache_size=size
    )
    token = dev_realm.token(client=client, scope="test_api_access")
    validator.verify(token)

    for spelling in spellings(token):
        with pytest.raises(TokenRejected) as refused:
            validator.verify(spelling)
        assert refused.value.reason in (Reason.MALFORMED, Reason.SIGNATURE), spelling
        assert validator.recalled(spelling.encode()) is None

    assert (validator.recalled(token.encode()) is not None) == bool(size)
