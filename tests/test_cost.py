"""What checking a token costs, counted in calls: the same on every machine, however busy it is."""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder

from resource_protector import RealmTokenValidator
from resource_protector.dev import DevRealm
from resource_protector.flask import ResourceProtector

Call = Callable[[], object]
SCOPE = "test_api_access"

# Upper bounds, of Python functions and of functions in C, as CPython 3.11 counts them; later versions make fewer.
# They are what it takes today: who exceeds one has put a step onto the way of every request, and either takes another
# off or says in the commit what the new one is for. Who undercuts one lowers it.
NOT_SEEN_BEFORE = (44, 54)  # half are the checks of the claims, and what joserfc does around the signature
DEFAULT_CACHE = (49, 63)  # beside that: the hash, the look into the cache, the insertion and the eviction
SEEN_BEFORE = (6, 10)  # a hash, a look into the cache, two clocks, and the keys at hand
FLASK_ROUTE = (21, 26)  # all that the decorator adds to a request with a token seen before


def calls_of(call: Call) -> tuple[int, int]:
    """How many Python and C functions are called, without `call` itself."""
    counted: Counter[str] = Counter()
    tracer = sys.gettrace()
    sys.settrace(None)  # what coverage counts is no cost of the package's
    call()  # once before, for what is prepared by the first call
    sys.setprofile(lambda frame, event, argument: counted.update([event]))
    try:
        call()
    finally:
        sys.setprofile(None)
        sys.settrace(tracer)
    return counted["call"] - 1, counted["c_call"] - 1  # minus `call`, and the setprofile that ends it


def validator_of(dev_realm: DevRealm, size: int) -> RealmTokenValidator:
    """A validator of the realm, with its keys at hand."""
    validator = RealmTokenValidator(
        dev_realm.issuer, audience="orders-api", fetch=dev_realm.fetch, token_cache_size=size
    )
    validator.keys.reload()
    return validator


def test_a_token_not_seen_before_costs_so_many_calls(dev_realm: DevRealm) -> None:
    """Nothing is done twice on the way of a token that is verified."""
    validator, token = validator_of(dev_realm, 0), dev_realm.token(scope=SCOPE)

    python, c = calls_of(lambda: validator.verify(token))

    assert python <= NOT_SEEN_BEFORE[0]
    assert c <= NOT_SEEN_BEFORE[1]


def test_remembering_a_token_costs_so_many_calls(dev_realm: DevRealm) -> None:
    """The cache adds a hash and an insertion to a token that it does not know, and eviction is one call."""
    validator = validator_of(dev_realm, 1)
    tokens = itertools.cycle([dev_realm.token(scope=SCOPE) for _ in range(2)])

    python, c = calls_of(lambda: validator.verify(next(tokens)))

    assert python <= DEFAULT_CACHE[0]
    assert c <= DEFAULT_CACHE[1] + 1  # next()


def test_a_token_seen_before_costs_so_many_calls(dev_realm: DevRealm) -> None:
    """A hit parses nothing and verifies nothing."""
    validator, token = validator_of(dev_realm, 4096), dev_realm.token(scope=SCOPE)

    python, c = calls_of(lambda: validator.verify(token))

    assert python <= SEEN_BEFORE[0]
    assert c <= SEEN_BEFORE[1]


@pytest.mark.parametrize("size", [2, 500])
def test_a_full_cache_costs_no_more_than_a_small_one(dev_realm: DevRealm, size: int) -> None:
    """Insertion into a full cache is as many calls whatever its size."""
    small, large = validator_of(dev_realm, 1), validator_of(dev_realm, size)
    tokens = [dev_realm.token(client="eddsa", scope=SCOPE) for _ in range(size + 3)]
    for token in tokens:
        small.verify(token)
        large.verify(token)
    oldest, others = itertools.cycle(tokens[:2]), itertools.cycle(tokens[:2])

    assert calls_of(lambda: large.verify(next(oldest))) == calls_of(lambda: small.verify(next(others)))


def test_a_protected_route_adds_so_many_calls(dev_realm: DevRealm) -> None:
    """The decorator makes no request object that nobody reads, and asks for each thing once."""
    require_auth = ResourceProtector(validator_of(dev_realm, 4096))
    app = Flask(__name__)
    app.get("/bare", endpoint="bare")(lambda: "good")
    app.get("/protected", endpoint="protected")(require_auth(SCOPE)(lambda: "good"))
    headers = dev_realm.bearer(dev_realm.token(scope=SCOPE))

    def request(path: str) -> Call:
        environ = EnvironBuilder(path, headers=list(headers.items())).get_environ()
        return lambda: b"".join(app(dict(environ), lambda status, fields, error=None: lambda data: None))

    bare, protected = calls_of(request("/bare")), calls_of(request("/protected"))

    assert protected[0] - bare[0] <= FLASK_ROUTE[0]
    assert protected[1] - bare[1] <= FLASK_ROUTE[1]
