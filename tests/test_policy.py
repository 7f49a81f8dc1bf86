"""What is accepted, and which configurations cannot work."""

import re
from typing import Any

import pytest

from resource_protector.policy import Policy

ISSUER = "https://sso.example.com/realms/myorg"


def test_one_string_is_one_audience() -> None:
    """A string is a name, not a collection of characters."""
    assert Policy.of(ISSUER, "orders-api").audience == frozenset({"orders-api"})
    assert Policy.of(ISSUER, ["orders-api", "billing"]).audience == frozenset({"orders-api", "billing"})
    assert Policy.of(ISSUER, None).audience is None


def test_every_asymmetric_algorithm_is_accepted_by_default() -> None:
    """Whatever a Keycloak realm can be set to, and nothing symmetric."""
    assert Policy.of(ISSUER, None).algorithms == {
        *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"),
        *("EdDSA", "Ed25519", "Ed448"),
    }


@pytest.mark.parametrize(
    ("keywords", "advice"),
    [
        pytest.param({"audience": ""}, "audience holds a blank string", id="blank audience"),
        pytest.param({"audience": []}, "audience is empty", id="no audience"),
        pytest.param({"audience": ["a", " "]}, "audience holds a blank string", id="one blank audience"),
        pytest.param({"audience": 5}, "audience is 5: write a string", id="a number as audience"),
        pytest.param({"audience": b"a"}, "write a string", id="bytes as audience"),
        pytest.param({"audience": [1]}, "write a string", id="numbers as audience"),
        pytest.param({"algorithms": ["HS256"]}, "'HS256', which cannot be checked", id="a symmetric algorithm"),
        pytest.param({"algorithms": ["none"]}, "'none', which cannot be checked", id="alg none"),
        pytest.param({"algorithms": ["RS265"]}, "name some of", id="a misspelled algorithm"),
        pytest.param({"algorithms": []}, "algorithms is empty", id="no algorithm"),
        pytest.param({"token_types": []}, "token_types is empty", id="no token type"),
        pytest.param({"token_types": ["ID"]}, "an ID token is for the client", id="ID tokens"),
        pytest.param({"token_types": ["Refresh"]}, "a refresh token is for the realm", id="refresh tokens"),
        pytest.param({"token_types": ["application/at+jwt"]}, "write 'at+jwt'", id="at+jwt as a media type"),
        pytest.param({"token_types": ("Bearer", "AT+JWT")}, "write 'at+jwt'", id="at+jwt in another case"),
        pytest.param({"token_types": "Application/At+Jwt"}, "write 'at+jwt'", id="at+jwt in one string"),
        pytest.param({"required_claims": [""]}, "required_claims holds a blank", id="a blank claim"),
        pytest.param({"required_claims": None}, "required_claims is None", id="no list of claims"),
        pytest.param({"leeway_seconds": float("nan")}, "leeway_seconds is nan", id="NaN"),
        pytest.param({"leeway_seconds": float("inf")}, "leeway_seconds is inf", id="infinity"),
        pytest.param({"allow_insecure_http": "false"}, "write True or False", id="a string as flag"),
        pytest.param({"leeway_seconds": -1}, "of at least 0", id="negative"),
        pytest.param({"leeway_seconds": True}, "leeway_seconds is True", id="a boolean"),
        pytest.param({"leeway_seconds": "30"}, "leeway_seconds is '30'", id="a string"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(keywords: dict[str, Any], advice: str) -> None:
    """ValueError at construction, in a sentence that says what to write."""
    with pytest.raises(ValueError, match=re.escape(advice)):
        Policy.of(ISSUER, **{"audience": "orders-api", **keywords})


def test_no_further_claim_need_be_required() -> None:
    """An empty list of further claims is an answer, other than an empty audience."""
    assert Policy.of(ISSUER, "a", required_claims=()).required_claims == ()
