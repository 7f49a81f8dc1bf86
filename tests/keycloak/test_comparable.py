"""The comparison itself: it sees what it must see, and nothing else."""

from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from tests.keycloak import comparable

ISSUER = "http://127.0.0.1:1/realms/one"
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "iat": 1000,
    "exp": 1300,
    "jti": "trrtcc:422201ea-1538-a720-b4f5-c6fecdbc950d",
    "sub": "5ceab5fe-eb64-43b6-87c6-e5c7eef6da65",
    "aud": ["orders-api", "account"],
    "scope": "email profile",
    "email_verified": True,
    "realm_access": {"roles": ["a", "b"]},
}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        pytest.param({"aud": "account"}, "/claims/aud", id="a string for a list"),
        pytest.param({"aud": ["account"]}, "/claims/aud", id="a list of one"),
        pytest.param({"email_verified": 1}, "/claims/email_verified", id="a number for a boolean"),
        pytest.param({"email_verified": "true"}, "/claims/email_verified", id="a string for a boolean"),
        pytest.param({"exp": 1360}, "/claims/exp", id="another lifetime"),
        pytest.param({"iat": 1000.0}, "/claims/iat", id="a fraction for a whole number"),
        pytest.param({"jti": "trltcc:422201ea-1538-a720-b4f5-c6fecdbc950d"}, "/claims/jti", id="another kind in jti"),
        pytest.param({"sub": None}, "/claims/sub", id="null for a string"),
        pytest.param({"realm_access": {"roles": ["a"]}}, "/claims/realm_access/roles", id="a role less"),
        pytest.param({"realm_access": {}}, "/claims/realm_access/roles", id="a member less"),
        pytest.param({"nbf": 1000}, "/claims/nbf", id="a claim more"),
        pytest.param({"scope": "email"}, "/claims/scope", id="a scope less"),
        pytest.param({"iss": "http://127.0.0.1:1/realms/two"}, "/claims/iss", id="another realm"),
    ],
)
def test_a_difference_is_seen(changes: dict[str, Any], path: str) -> None:
    """A claim of another value, type or shape is named by its path."""
    lines = comparable.differences(compared(CLAIMS), compared(CLAIMS | changes))

    assert [line.partition(":")[0] for line in lines] == [path]


def test_chance_time_and_order_are_not_differences() -> None:
    """Ids, the hour, the order of scopes, roles and audiences, and the address of the server do not count."""
    later = {
        "iss": ISSUER,
        "iat": 5000,
        "exp": 5301,
        "jti": "trrtcc:00000000-1538-a720-b4f5-c6fecdbc950d",
        "sub": "00000000-eb64-43b6-87c6-e5c7eef6da65",
        "aud": ["account", "orders-api"],
        "scope": "profile email",
        "realm_access": {"roles": ["b", "a"]},
    }

    assert comparable.differences(compared(CLAIMS), compared(CLAIMS | later)) == []


def compared(claims: dict[str, Any]) -> dict[str, Any]:
    """The claims in a token, taken apart again."""
    return comparable.token(
        jwt.encode({"alg": "HS256"}, claims, OctKey.generate_key(256), algorithms=["HS256"]), ISSUER
    )
