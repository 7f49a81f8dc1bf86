"""Introspected routes on real tokens: what the realm ends, ends there, and nowhere else before `exp`."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from resource_protector import KeysUnavailable, RealmTokenValidator, Reason, TokenRejected
from resource_protector.flask import ResourceProtector, current_token
from tests.keycloak import unverified
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.realm import Realm
from tests.polling import Clock, eventually

SCOPE = "test_api_access"


def introspecting(realm: Realm, **options: Any) -> RealmTokenValidator:
    """A validator of the realm, with the credentials of the API's client."""
    secret = realm.secrets["orders-api"]
    return RealmTokenValidator(
        realm.issuer, audience="orders-api", client_id="orders-api", client_secret=secret, **options
    )


def application(validator: RealmTokenValidator) -> FlaskClient:
    """A plain route and an introspected one, and one of each for writers."""
    require_auth = ResourceProtector(validator)
    app = Flask(__name__)
    roles = {"orders-api": "writer"}

    def view() -> Any:
        return {"roles": sorted(current_token.client_roles("orders-api")), "audience": current_token.audience}

    app.add_url_rule("/plain", "plain", require_auth(SCOPE)(view))
    app.add_url_rule("/asked", "asked", require_auth(SCOPE, introspect=True)(view))
    app.add_url_rule("/writers", "writers", require_auth(client_roles=roles)(view))
    app.add_url_rule("/asked-writers", "asked_writers", require_auth(client_roles=roles, introspect=True)(view))
    return app.test_client()


def statuses(client: FlaskClient, token: str, *paths: str) -> tuple[int, ...]:
    """What the routes answer to the token."""
    return tuple(client.get(path, headers={"Authorization": f"Bearer {token}"}).status_code for path in paths)


ENDINGS: dict[str, Callable[[Keycloak, Realm, str], None]] = {
    "user logged out": lambda keycloak, realm, _: keycloak.admin.log_out(realm.name, "alice"),
    "user disabled": lambda keycloak, realm, _: keycloak.admin.update_user(realm.name, "alice", enabled=False),
    "session revoked": lambda keycloak, realm, token: keycloak.admin.end_session(
        realm.name, unverified.claims(token)["sid"]
    ),
    "client disabled": lambda keycloak, realm, _: keycloak.admin.update_client(realm.name, "web", enabled=False),
    "notBefore pushed": lambda keycloak, realm, token: keycloak.admin.update_realm(
        realm.name, notBefore=unverified.claims(token)["iat"] + 1
    ),
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_what_the_realm_ends(
    keycloak: Keycloak, own_myorg: Realm, ending: Callable[[Keycloak, Realm, str], None]
) -> None:
    """401 at once where the realm is asked each time, within introspection_seconds elsewhere; plain until `exp`."""
    token = own_myorg.token("web", user="alice", scope=SCOPE)
    now = Clock(time.time())
    at_once = application(introspecting(own_myorg, introspection_seconds=0, now=now))
    in_a_while = application(introspecting(own_myorg, introspection_seconds=2))
    before = [statuses(client, token, "/asked", "/plain") for client in (at_once, in_a_while)]
    asked_at = time.monotonic()
    ending(keycloak, own_myorg, token)
    after = statuses(at_once, token, "/asked", "/plain")
    eventually(lambda: statuses(in_a_while, token, "/asked") == (401,), within_seconds=5)
    noticed_after = time.monotonic() - asked_at
    later = statuses(in_a_while, token, "/asked", "/plain")
    now.seconds = unverified.claims(token)["exp"] + 30  # the leeway

    assert before == [(200, 200)] * 2
    assert after == (401, 200)
    assert later == (401, 200)
    assert noticed_after < 3
    assert statuses(at_once, token, "/plain") == (401,)


def test_a_role_that_was_taken_away(keycloak: Keycloak, own_myorg: Realm) -> None:
    """403 where the realm is asked, and the plain route lets its writer in until `exp`."""
    token = own_myorg.token("web", user="alice", scope=SCOPE)
    client = application(introspecting(own_myorg, introspection_seconds=0))
    before = statuses(client, token, "/asked-writers", "/writers")
    keycloak.admin.change_role("DELETE", own_myorg.name, "alice", "writer", "orders-api")

    assert before == (200, 200)
    assert statuses(client, token, "/asked-writers", "/writers", "/asked") == (403, 200, 200)


@pytest.mark.parametrize("user", [None, "alice"], ids=["service account", "user"])
def test_lightweight_tokens(own_myorg: Realm, user: str | None) -> None:
    """Served with roles and audience on every route, with one question per introspection_seconds."""
    token = own_myorg.token("lightweight", user=user, scope=SCOPE)
    clock = Clock()
    validator = introspecting(own_myorg, monotonic=clock, timeout_seconds=30)
    first = validator.verify(token)
    with pytest.raises(TokenRejected) as refused:
        RealmTokenValidator(own_myorg.issuer, audience="orders-api").verify(token)

    assert "aud" not in unverified.claims(token)
    assert "orders-api" in first.audience
    assert first.realm_roles
    assert first.client_roles("orders-api") == ({"writer"} if user else set())
    assert statuses(application(validator), token, "/plain", "/asked") == (200, 200)
    assert validator.verify(token) is first  # the very answer: nothing was asked in between
    clock.advance(10)
    assert validator.verify(token) is not first
    assert refused.value.reason is Reason.LIGHTWEIGHT


def test_a_client_that_is_not_in_the_audience(keycloak: Keycloak, own_myorg: Realm) -> None:
    """Inactive, since 26.4.12 and 26.6.2: why the advice in the log names it."""
    token = own_myorg.token("web", user="alice", scope=SCOPE)
    secret = own_myorg.secrets["rfc9068"]
    stranger = RealmTokenValidator(
        own_myorg.issuer, audience="orders-api", client_id="rfc9068", client_secret=secret, introspection_seconds=0
    )
    expected = (401, 200) if keycloak.is_at_least("26.6.2") else (200, 200)

    assert statuses(application(stranger), token, "/asked", "/plain") == expected


@pytest.mark.parametrize(
    ("credentials", "told"),
    [
        pytest.param({"client_secret": "wrong"}, "its secret is wrong", id="wrong secret"),
        pytest.param({"client_id": "web", "client_secret": "x"}, "Client authentication", id="public client"),
        pytest.param({"client_id": "nobody"}, "its secret is wrong", id="no such client"),
    ],
)
def test_credentials_that_the_realm_refuses(own_myorg: Realm, credentials: dict[str, str], told: str) -> None:
    """503 and what to mend, never a word about the caller's token."""
    given: dict[str, Any] = {"client_id": "orders-api", "client_secret": own_myorg.secrets["orders-api"], **credentials}
    validator = RealmTokenValidator(own_myorg.issuer, audience="orders-api", **given)

    with pytest.raises(KeysUnavailable) as unavailable:
        validator.verify(own_myorg.token("web", user="alice", scope=SCOPE), introspect=True)

    assert unavailable.value.reason is Reason.INTROSPECTION_UNAVAILABLE
    assert told in str(unavailable.value.__cause__)


def test_discovery_finds_the_endpoint(own_myorg: Realm) -> None:
    """As the provider names it."""
    validator = RealmTokenValidator.discover(
        own_myorg.issuer, audience="orders-api", client_id="orders-api", client_secret=own_myorg.secrets["orders-api"]
    )

    claims = validator.verify(own_myorg.token("web", user="alice", scope=SCOPE), introspect=True)

    assert claims["active"] is True
    assert claims.username == "alice"
