"""Refusals as an application's error handlers see them."""

import math
from typing import Any

import pytest
from flask import Flask

from resource_protector import KeysUnavailable, RealmTokenValidator, TokenRejected
from resource_protector.dev import DevRealm
from resource_protector.flask import ResourceProtector
from tests.polling import Clock


@pytest.fixture
def validator(dev_realm: DevRealm) -> RealmTokenValidator:
    """A validator that leaves a realm alone for 7 s."""
    return RealmTokenValidator(dev_realm.issuer, audience="orders-api", monotonic=Clock(), retry_seconds=7)


@pytest.fixture
def app(validator: RealmTokenValidator) -> Flask:
    """An application to protect."""
    app = Flask(__name__)
    app.testing = True
    require_auth = ResourceProtector(validator)
    app.add_url_rule("/", "index", require_auth(None)(lambda: "ok"))
    app.add_url_rule("/both", "both", require_auth("orders:read", roles="admin")(lambda: "ok"))
    return app


def test_retry_after_is_when_the_next_attempt_may_be_made(
    dev_realm: DevRealm, app: Flask, validator: RealmTokenValidator
) -> None:
    """E17: in whole seconds, rounded up, as the keys' status has it; in the exception too."""
    seen: list[KeysUnavailable] = []

    @app.errorhandler(KeysUnavailable)
    def handle(error: KeysUnavailable) -> Any:
        seen.append(error)
        return "later", 503

    with dev_realm.down():
        response = app.test_client().get("/", headers=dev_realm.bearer())
    seconds = validator.status()["next_attempt_seconds"]

    assert seconds is not None
    assert 5 < seconds <= 7
    assert response.headers["Retry-After"] == str(math.ceil(seconds))
    assert seen[0].retry_after_seconds == math.ceil(seconds)


def test_a_refusal_keeps_its_cause(dev_realm: DevRealm, app: Flask) -> None:
    """Whoever reports errors sees what went wrong with the keys, or what the parser met."""
    seen: list[Exception] = []

    @app.errorhandler(KeysUnavailable)
    @app.errorhandler(TokenRejected)
    def handle(error: Exception) -> Any:
        seen.append(error)
        return "", 500

    client = app.test_client()
    with dev_realm.down():
        client.get("/", headers=dev_realm.bearer())
    client.get("/", headers=dev_realm.bearer("bm8ganNvbg.e30.AAAA"))
    client.get("/")
    unavailable, malformed, missing = seen

    assert "ConnectionRefusedError" in str(unavailable.__cause__)
    assert isinstance(malformed.__cause__, ValueError)
    assert missing.__cause__ is None
    assert missing.__suppress_context__


def test_a_missing_role_is_challenged_without_the_scopes_of_the_route(dev_realm: DevRealm, app: Flask) -> None:
    """E8: the token has the scope; naming it would send the client for another token of the same kind."""
    client = app.test_client()
    role, scope = (
        client.get("/both", headers=dev_realm.bearer(**claims))
        for claims in ({"scope": "orders:read"}, {"realm_access": {"roles": ["admin"]}})
    )

    assert (role.status_code, scope.status_code) == (403, 403)
    assert role.headers["WWW-Authenticate"] == (
        'Bearer error="insufficient_scope", error_description="The access token lacks a role that this needs"'
    )
    assert scope.headers["WWW-Authenticate"].endswith('scope="orders:read"')
