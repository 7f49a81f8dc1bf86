"""Scopes and roles of real tokens, on the routes of a Flask application."""

import pytest
from flask.testing import FlaskClient

from resource_protector import RealmTokenValidator
from tests.keycloak import application, unverified
from tests.keycloak.realm import Realm

SERVICE = ("test_api_client", None, "test_api_access")
ALICE = ("web", "alice", None)
ALICE_SCOPED = ("web", "alice", "test_api_access")
BOB_SCOPED = ("web", "bob", "test_api_access")

NO_SCOPE = "The access token lacks a scope that this needs"
NO_ROLE = "The access token lacks a role that this needs"


@pytest.fixture(scope="module")
def app(myorg: Realm) -> FlaskClient:
    """An application that accepts tokens for orders-api."""
    return application.make(RealmTokenValidator(myorg.issuer, audience="orders-api"))


@pytest.mark.parametrize(
    ("path", "grants"),
    [
        ("/any", [SERVICE, ALICE, ALICE_SCOPED, BOB_SCOPED]),
        ("/scope", [SERVICE, ALICE_SCOPED, BOB_SCOPED]),
        ("/two-scopes", [SERVICE, ALICE_SCOPED, BOB_SCOPED]),
        ("/list-of-scopes", [SERVICE, ALICE_SCOPED, BOB_SCOPED]),
        ("/either-scope", [SERVICE, ALICE_SCOPED, BOB_SCOPED]),
        ("/role", [ALICE, ALICE_SCOPED]),
        ("/two-roles", []),
        ("/client-role", [ALICE, ALICE_SCOPED]),
        ("/scope-and-role", [ALICE_SCOPED]),
    ],
)
def test_a_route_lets_in_whom_it_should(
    app: FlaskClient, myorg: Realm, path: str, grants: list[tuple[str, str | None, str | None]]
) -> None:
    """A route answers 200 to those who have what it needs, and 403 with the right sentence to the others."""
    for grant in (SERVICE, ALICE, ALICE_SCOPED, BOB_SCOPED):
        client, user, scope = grant
        token = myorg.token(client, user=user, scope=scope)
        answer = application.ask(app, token, path)

        if grant in grants:
            assert (answer.status_code, answer.json) == (200, {"sub": unverified.claims(token)["sub"]})
        else:
            assert answer.status_code == 403
            assert answer.json is not None
            assert answer.json["error"] == "insufficient_scope"
            assert answer.json["error_description"] in (NO_SCOPE, NO_ROLE)
            assert answer.json["error_description"] in answer.headers["WWW-Authenticate"]


def test_a_route_says_which_scopes_it_needs(app: FlaskClient, myorg: Realm) -> None:
    """The challenge of a 403 names all scopes of the route, as RFC 6750 has it."""
    answer = application.ask(app, myorg.token("web", user="alice"), "/list-of-scopes")

    assert answer.status_code == 403
    assert 'scope="test_api_access email"' in answer.headers["WWW-Authenticate"]


def test_a_refused_token_is_answered_with_its_reason(app: FlaskClient, myorg: Realm) -> None:
    """A token for another audience is 401 with a sentence that says so."""
    answer = application.ask(app, myorg.token("test_api_client"))

    assert answer.status_code == 401
    assert answer.json == {"error": "invalid_token", "error_description": "The access token is not meant for this API"}
    assert answer.headers["Cache-Control"] == "no-store"
