"""An API that asks the dev realm about tokens, as the client that they are for."""

from collections.abc import Callable
from typing import Any

import pytest

from resource_protector import AccessToken, KeysUnavailable, RealmTokenValidator, Reason, TokenRejected
from resource_protector.dev import DevRealm
from tests.polling import Clock

MakeValidator = Callable[..., RealmTokenValidator]


@pytest.fixture
def clock() -> Clock:
    """The clock of all ages."""
    return Clock()


@pytest.fixture
def introspecting(dev_realm: DevRealm, clock: Clock) -> MakeValidator:
    """Makes validators with credentials; keywords replace theirs."""

    def make(issuer: str = dev_realm.issuer, **options: Any) -> RealmTokenValidator:
        given: dict[str, Any] = {
            "audience": "orders-api",
            "client_id": "orders-api",
            "client_secret": "orders-api-secret",
            "monotonic": clock,
        }
        return RealmTokenValidator(issuer, **{**given, **options})

    return make


def verdict(validator: Any, token: str, *, introspect: bool = True) -> AccessToken | Reason:
    """The claims, or why there are none."""
    try:
        claims: AccessToken = validator.verify(token, introspect=introspect)
    except (TokenRejected, KeysUnavailable) as error:
        return error.reason
    return claims
