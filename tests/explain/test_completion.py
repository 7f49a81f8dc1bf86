"""A lightweight token is explained as the API treats it: completed by the realm where there are credentials."""

import logging
from typing import Any

import pytest

from resource_protector import RealmTokenValidator, Reason
from resource_protector.dev import DevRealm
from resource_protector.explain import Yardstick, explain
from resource_protector.explain.layout import as_text
from resource_protector.scopes import Requirements


@pytest.fixture
def token(dev_realm: DevRealm) -> str:
    """A lightweight token of a user."""
    return dev_realm.token(client="lightweight", user="alice", scope="test_api_access")


def yardstick(dev_realm: DevRealm, **options: Any) -> Yardstick:
    """An API with credentials, and a route that needs a role."""
    given: dict[str, Any] = {"client_id": "orders-api", "client_secret": "orders-api-secret", **options}
    validator = RealmTokenValidator(dev_realm.issuer, audience="orders-api", **given)
    return Yardstick.of(validator, Requirements.of(client_roles={"orders-api": "writer"}))


def test_it_is_completed(dev_realm: DevRealm, token: str) -> None:
    """Accepted, with the claims that the realm told, and the check says where they come from."""
    explanation = explain(token, yardstick(dev_realm))

    assert explanation.accepted
    assert sorted(explanation.claims["aud"]) == ["account", "orders-api"]
    assert "introspection" in as_text(explanation)
    assert explanation.advice == ()


def test_without_credentials_it_is_lightweight(dev_realm: DevRealm, token: str) -> None:
    """Refused, and nobody is asked."""
    explanation = explain(token, yardstick(dev_realm, client_id=None, client_secret=None))

    assert explanation.refusal is not None
    assert explanation.refusal.reason is Reason.LIGHTWEIGHT
    assert dev_realm.requests["introspection"] == 0


def test_the_realm_says_no(dev_realm: DevRealm, token: str, caplog: pytest.LogCaptureFixture) -> None:
    """401 `inactive`, with the advice for it; nobody was refused, so the log of refusals is silent."""
    with caplog.at_level(logging.INFO, "resource_protector.refusals"), dev_realm.disable_user("alice"):
        explanation = explain(token, yardstick(dev_realm))

    assert explanation.refusal is not None
    assert explanation.refusal.reason is Reason.INACTIVE
    assert any("is not in the token's 'aud'" in advice for advice in explanation.advice)
    assert caplog.records == []


def test_the_realm_cannot_be_asked(dev_realm: DevRealm, token: str) -> None:
    """503, and where to look."""
    measure = yardstick(dev_realm, client_secret="wrong")
    explanation = explain(token, measure)

    assert explanation.answer is not None
    assert explanation.answer.status_code == 503
    assert explanation.answer.reason is Reason.INTROSPECTION_UNAVAILABLE
    assert any("resource_protector.introspection" in advice for advice in explanation.advice)


def test_a_bad_lightweight_token_is_sent_nowhere(dev_realm: DevRealm, token: str) -> None:
    """Only what the API would send."""
    head, payload, signature = token.split(".")
    explanation = explain(f"{head}.{payload}.{signature[:-8]}AAAAAAAA", yardstick(dev_realm))

    assert explanation.refusal is not None
    assert explanation.refusal.reason is Reason.SIGNATURE
    assert dev_realm.requests["introspection"] == 0
