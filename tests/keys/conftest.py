"""Validators of the dev realm's tokens, on the test's clock."""

from typing import Any

import pytest

from resource_protector import RealmTokenValidator
from resource_protector.dev import DevRealm
from tests.cache_size import cache_size
from tests.keys.asking import MakeValidator
from tests.polling import Clock


@pytest.fixture
def clock() -> Clock:
    """The clock of all ages."""
    return Clock(1000.0)


@pytest.fixture
def make(dev_realm: DevRealm, clock: Clock) -> MakeValidator:
    """A validator of the dev realm's tokens, on the test's clock."""

    def make(**options: Any) -> RealmTokenValidator:
        options = {"monotonic": clock, "token_cache_size": cache_size(0), **options}
        return RealmTokenValidator(dev_realm.issuer, audience="orders-api", **options)

    return make


@pytest.fixture
def validator(make: MakeValidator) -> RealmTokenValidator:
    """A validator with the defaults."""
    return make()


@pytest.fixture(params=[0, 4096], ids=["cache off", "cache on"])
def either(request: pytest.FixtureRequest, make: MakeValidator) -> RealmTokenValidator:
    """The same with and without the cache of verified tokens: the answers do not differ."""
    return make(token_cache_size=request.param)
