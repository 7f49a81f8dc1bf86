"""`explain` and the validator can never disagree."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resource_protector import KeysUnavailable, MultiRealmValidator, RealmTokenValidator, TokenRejected
from resource_protector.access_token_validator import AccessTokenValidator
from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from resource_protector.dev.minting import Wrong
from resource_protector.explain import Yardstick, explain
from resource_protector.explain.check import Mark

NOW = int(time.time())
REALM = DevRealm(DEMO_REALM_FILE, port=9, now=lambda: NOW)
OTHER = DevRealm({"realm": "other", "enabled": True}, port=10, now=lambda: NOW)
ODD_VALUES: list[Any] = [None, "", "x", 0, -1, 1e15, True, [], ["x"], [1], {}, {"a": {"b": []}}, "Bearer", "\x1b[2J"]
ODD_CLAIMS = ("iss", "aud", "exp", "iat", "nbf", "sub", "typ", "cnf", "scope", "scp", "azp", "jti", "nonce", "at_hash")


def part(document: object) -> str:
    """One base64url segment."""
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def rewritten(token: str, position: int, segment: str) -> str:
    """`token` with another segment at `position`."""
    parts = token.split(".")
    parts[position] = segment
    return ".".join(parts)


def tokens() -> list[Any]:
    """Every way in which the dev realm mints wrong tokens, odd claims one by one, and broken forms."""
    good = REALM.mint()
    found = [pytest.param(good, id="good"), pytest.param(OTHER.mint(), id="of the other realm")]
    found += [pytest.param(REALM.mint(wrong), id=wrong) for wrong in get_args(Wrong)]
    found += [
        pytest.param(REALM.mint(**{name: value}), id=f"{name}={value!r}") for name in ODD_CLAIMS for value in ODD_VALUES
    ]
    found += [
        pytest.param(REALM.mint(wrong, iss="http://elsewhere/realms/myorg"), id=f"{wrong} of another issuer")
        for wrong in get_args(Wrong)
    ]
    headers = [{}, {"alg": 1}, {"alg": "none"}, {"alg": "RS256"}, {"alg": "ES256"}, {"alg": "RS256", "kid": "x"}, []]
    found += [pytest.param(rewritten(good, 0, part(header)), id=f"header {header}") for header in headers]
    found += [
        pytest.param(rewritten(good, 1, part(["no object"])), id="payload is a list"),
        pytest.param(rewritten(good, 1, "!"), id="payload is not base64url"),
        pytest.param(rewritten(rewritten(good, 1, "!"), 0, part({"alg": "RS256", "kid": "x"})), id="both are odd"),
        pytest.param(rewritten(good, 2, ""), id="no signature"),
        pytest.param("", id="nothing"),
        pytest.param("a.b", id="two segments"),
        pytest.param("\x1b[2J.\u202e.é", id="control characters"),
        pytest.param("a" * 20_000, id="too long"),
    ]
    return found


def fetch(url: str) -> object:
    """Either realm's documents."""
    return (REALM if str(REALM.port) in url.split("/")[2].split(":") else OTHER).fetch(url)


def one(**options: Any) -> RealmTokenValidator:
    """A validator of one realm, which has asked for no key yet."""
    return RealmTokenValidator(REALM.issuer, audience="orders-api", fetch=fetch, now=lambda: NOW, **options)


def warm() -> RealmTokenValidator:
    """One that has its keys."""
    validator = one()
    validator.keys.reload()
    return validator


def unreachable() -> RealmTokenValidator:
    """One whose realm is away."""

    def refuse(url: str) -> object:
        raise ConnectionError(url)

    return RealmTokenValidator(REALM.issuer, audience="orders-api", fetch=refuse, now=lambda: NOW)


def several() -> MultiRealmValidator:
    """One of two realms."""
    other = RealmTokenValidator(OTHER.issuer, audience="other-api", fetch=fetch, now=lambda: NOW)
    return MultiRealmValidator(one(), other)


def any_audience() -> RealmTokenValidator:
    """One that checks no audience and demands next to nothing."""
    return RealmTokenValidator(
        REALM.issuer, audience=None, required_claims=(), token_types=("JWT",), fetch=fetch, now=lambda: NOW
    )


MAKERS = [one, warm, unreachable, several, any_audience]


def verdict(token: str, validator: AccessTokenValidator) -> str | None:
    """The validator's reason, or None where it accepts the token."""
    try:
        validator.verify(token)
    except (TokenRejected, KeysUnavailable) as error:
        return error.reason.value
    return None


def explained(token: str, validator: AccessTokenValidator) -> str | None:
    """The reason that is explained, or None where the token is said to be accepted."""
    explanation = explain(token, Yardstick.of(validator))
    reason = explanation.refusal.reason.value if explanation.refusal else None
    assert explanation.accepted == (reason is None)
    return reason


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("token", tokens())
def test_explain_says_what_the_validator_does(token: str, make: Callable[[], AccessTokenValidator]) -> None:
    """Both come to the same reason, whatever the token and whoever accepts it."""
    assert explained(token, make()) == verdict(token, make())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from((*ODD_CLAIMS, "realm_access", "resource_access")), JSON, max_size=4))
def test_they_agree_on_any_claims(claims: dict[str, Any]) -> None:
    """Both come to the same reason for claims of any type."""
    token = REALM.mint(**{name: value for name, value in claims.items() if _is_utf8(value)})

    assert explained(token, one()) == verdict(token, one())


def _is_utf8(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def test_what_is_not_checked_is_never_accepted() -> None:
    """A good token is not called accepted where nobody has said against what, or where the audience is left out."""
    nothing = explain(REALM.mint(), Yardstick.of_options(None, ()))
    no_audience = explain(REALM.mint(), Yardstick.of_options(None, ("orders-api",)))

    assert (nothing.accepted, nothing.refusal, nothing.is_verified) == (False, None, False)
    assert (no_audience.accepted, no_audience.refusal) == (False, None)
    assert Mark.NOT_CHECKED in {check.mark for check in nothing.checks}
