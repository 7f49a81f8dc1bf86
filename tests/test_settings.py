"""A validator's configuration, read from a mapping."""

from typing import Any

import pytest

from resource_protector.settings import validator_from_mapping

GOOD = {"RP_ISSUER": "https://sso.example.com/realms/myorg", "RP_AUDIENCE": "orders-api"}


def read(**settings: Any) -> Any:
    """A validator from the good settings and these."""
    return validator_from_mapping({**GOOD, **settings, "OTHER": 1}, "RP_")


def test_every_keyword_can_be_set() -> None:
    """As Python values, or as the text that an environment variable holds."""
    validator = read(
        RP_AUDIENCE='["orders-api", "billing-api"]',
        RP_ALGORITHMS=["RS256"],
        RP_LEEWAY_SECONDS="5.5",
        RP_MAX_AGE_SECONDS=60,
        RP_TOKEN_CACHE_SIZE="0",
        RP_ALLOW_INSECURE_HTTP="false",
        RP_REALM="Orders",
        RP_JWKS_URI="https://keycloak.internal/certs",
        RP_FETCH=lambda url: {"keys": []},
    )

    assert validator.policy.audience == {"orders-api", "billing-api"}
    assert validator.policy.algorithms == {"RS256"}
    assert validator.policy.leeway_seconds == 5.5
    assert validator.realm == "Orders"


def test_none_is_a_value() -> None:
    """audience=None has to be said, and can be."""
    assert read(RP_AUDIENCE=None).policy.audience is None


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"RP_AUDIENCES": "a"}, "RP_AUDIENCES is no setting"),
        ({"RP_LEEWAY": 5}, "RP_LEEWAY_SECONDS"),
        ({"RP_REALM": 5}, "write it in quotes"),
        ({"RP_ISSUER": 5}, "write it in quotes"),
        ({"RP_AUDIENCE": 1234}, "write text, or a list"),
        ({"RP_AUDIENCE": [1]}, "write text, or a list"),
        ({"RP_AUDIENCE": '["a"'}, "not a JSON list"),
        ({"RP_AUDIENCE": "[1]"}, "write text, or a list"),
        ({"RP_LEEWAY_SECONDS": "soon"}, "write a number"),
        ({"RP_LEEWAY_SECONDS": None}, "write a number"),
        ({"RP_LEEWAY_SECONDS": True}, "write a number"),
        ({"RP_LEEWAY_SECONDS": "nan"}, "leeway_seconds"),
        ({"RP_ALLOW_INSECURE_HTTP": "yes please"}, "true or false"),
        ({"RP_AUDIENCE": ""}, "blank"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_refused_by_its_name(settings: dict[str, Any], advice: str) -> None:
    """ValueError where the application is made."""
    with pytest.raises(ValueError, match=r".") as refused:
        read(**settings)

    assert advice in str(refused.value)


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_setting_is_named(name: str) -> None:
    """Issuer and audience have no default."""
    with pytest.raises(ValueError, match=f"{name} is missing"):
        validator_from_mapping({key: value for key, value in GOOD.items() if key != name}, "RP_")


def test_defaults_stand_where_nothing_is_set() -> None:
    """What the protector was made with, an application's configuration overrides."""
    validator = validator_from_mapping(GOOD, "RP_", {"audience": "other", "realm": "Orders"})

    assert (validator.policy.audience, validator.realm) == (frozenset({"orders-api"}), "Orders")
