"""A process that verifies 100,000 tokens of every kind, and prints what its memory did, as JSON.

python -m tests.servers.soak
"""

from __future__ import annotations

import gc
import json
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count, cycle
from pathlib import Path

from resource_protector import KeysUnavailable, RealmTokenValidator, TokenRejected
from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from tests.polling import Clock
from tests.servers.tokens import mint_many, with_kid

TOKENS = 100_000
WARM_UP = 10_000
DISTINCT = 8_000  # twice the cache, whose oldest entry goes first: each of them is new to it when it comes round
SECONDS_PER_TOKEN = 0.01  # on the clock of the keys: the run is 1,000 s long there, with some 100 loads


def main() -> None:
    """Run, and print the figures."""
    with DevRealm(DEMO_REALM_FILE) as realm:
        realm.rotate("withdraw", alg="ES256")
        clock = Clock()
        validator = RealmTokenValidator(realm.issuer, audience="orders-api", monotonic=clock)
        tokens = _mixed(realm)
        verdicts: Counter[str] = Counter()
        began_at = time.monotonic()
        resident = []
        for number in range(1, TOKENS + 1):
            clock.advance(SECONDS_PER_TOKEN)
            verdicts[_verdict(validator, next(tokens))] += 1
            if number % WARM_UP == 0:
                gc.collect()
                resident.append(_resident_bytes())
        seconds = time.monotonic() - began_at
        figures = {
            "seconds": seconds,
            "resident_bytes": resident,
            "verdicts": verdicts,
            "loads": realm.requests["certs"],
        }
    json.dump(figures, sys.stdout)


def _mixed(realm: DevRealm) -> Iterator[str]:
    """Tokens of every kind in turn; what is forged anew each time is never the same."""
    good = realm.mint()
    signed, _, signature = good.rpartition(".")
    head, claims, _ = good.split(".")
    distinct = cycle(mint_many(realm, DISTINCT))
    expired = cycle([realm.mint(wrong="expired", number=n) for n in range(200)])
    audience = cycle([realm.mint(wrong="audience", number=n) for n in range(200)])
    numbers = count()
    kinds: list[Callable[[], str]] = [
        lambda: good,
        lambda: next(distinct),
        lambda: next(distinct),
        lambda: next(distinct),
        lambda: next(distinct),
        lambda: next(distinct),
        lambda: next(expired),
        lambda: next(audience),
        lambda: with_kid(good, secrets.token_hex(16)),
        lambda: f"{signed}.{secrets.token_hex(len(signature) // 2)[:-2]}AA",
        lambda: f"{head}.{claims}.{next(numbers)}!",
        lambda: f"{head}.{next(numbers)}{'A' * 20_000}.{signature}",
    ]
    for make in cycle(kinds):
        yield make()


def _verdict(validator: RealmTokenValidator, token: str) -> str:
    try:
        validator.verify(token)
    except TokenRejected as error:
        return error.reason.value
    except KeysUnavailable:
        return "unavailable"
    return "accepted"


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
