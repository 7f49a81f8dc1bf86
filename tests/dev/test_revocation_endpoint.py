import pytest
import requests

from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from resource_protector.realm import revocation_url
from tests.dev import realms
from tests.dev.asking import INACTIVE, SCOPE, introspected, log_out, refresh, revoke, userinfo
from tests.polling import Clock


def test_an_access_token(dev_realm: DevRealm) -> None:
    """An access token is taken back by itself: its session goes on."""
    tokens = dev_realm.token_response("web", "alice", SCOPE)

    assert [revoke(dev_realm, tokens["access_token"]).content for _ in range(2)] == [b"", b""]
    assert introspected(dev_realm, tokens["access_token"]) == INACTIVE
    assert userinfo(dev_realm, tokens["access_token"]).status_code == 401
    renewed = refresh(dev_realm, tokens["refresh_token"]).json()["access_token"]
    assert introspected(dev_realm, renewed)["active"] is True


def test_a_refresh_token(dev_realm: DevRealm) -> None:
    """A refresh token is taken back with its session."""
    tokens = dev_realm.token_response("web", "alice", SCOPE)

    assert revoke(dev_realm, tokens["refresh_token"]).content == b""
    assert introspected(dev_realm, tokens["access_token"]) == INACTIVE
    assert refresh(dev_realm, tokens["refresh_token"]).status_code == 400


def test_a_service_account_s_token(dev_realm: DevRealm) -> None:
    """A token without a session is taken back, and no other of its client."""
    token, other = dev_realm.token(scope=SCOPE), dev_realm.token(scope=SCOPE)
    revoke(dev_realm, token, "test_api_client")

    assert introspected(dev_realm, token) == INACTIVE
    assert introspected(dev_realm, other)["active"] is True


def test_what_cannot_be_revoked(dev_realm: DevRealm) -> None:
    """ID tokens, another client's tokens, those of ended sessions and garbage are each named in Keycloak's words."""
    tokens = dev_realm.token_response("web", "alice", SCOPE)
    answers = {
        "id": revoke(dev_realm, tokens["id_token"]),
        "other": revoke(dev_realm, tokens["access_token"], "lightweight"),
        "garbage": revoke(dev_realm, "x"),
    }
    log_out(dev_realm, tokens["refresh_token"])
    answers["ended"] = revoke(dev_realm, tokens["access_token"])
    found = {name: (answer.status_code, answer.json()["error"]) for name, answer in answers.items()}

    assert found == {
        "id": (400, "unsupported_token_type"),
        "other": (400, "invalid_request"),
        "garbage": (200, "invalid_token"),
        "ended": (200, "invalid_token"),
    }


def test_an_expired_token() -> None:
    """What has expired cannot be taken back."""
    clock = Clock(realms.NOW)
    with DevRealm(DEMO_REALM_FILE, now=clock) as realm:
        token = realm.token(scope=SCOPE)
        clock.advance(301)

        assert revoke(realm, token, "test_api_client").json()["error"] == "invalid_token"


@pytest.mark.parametrize("jti", [None, 7])
def test_a_minted_token_without_an_id(dev_realm: DevRealm, jti: int | None) -> None:
    """A token without a proper `jti` cannot be told from others, so that revoking it changes nothing."""
    token = dev_realm.mint(jti=jti, typ="Bearer")

    assert revoke(dev_realm, token, "test_api_client").status_code == 200
    assert introspected(dev_realm, token)["active"] is True


def test_a_minted_refresh_token(dev_realm: DevRealm) -> None:
    """A minted refresh token has no session to end with it."""
    assert revoke(dev_realm, dev_realm.mint("refresh_token"), "test_api_client").content == b""


@pytest.mark.parametrize(
    ("form", "status_code", "error"),
    [
        ([], 401, "invalid_client"),
        ([("client_id", "web")], 400, "invalid_request"),
        ([("client_id", "web"), ("token", "x"), ("token", "x")], 400, "invalid_request"),
    ],
)
def test_a_refusal(dev_realm: DevRealm, form: list[tuple[str, str]], status_code: int, error: str) -> None:
    """Who may not ask, or asks badly, is refused."""
    answer = requests.post(revocation_url(dev_realm.issuer), form, timeout=10)

    assert (answer.status_code, answer.json()["error"]) == (status_code, error)


def test_a_disabled_realm() -> None:
    """A disabled realm takes nothing back."""
    with DevRealm(realms.file(enabled=False)) as realm:
        answer = requests.post(revocation_url(realm.issuer), timeout=10)

    assert (answer.status_code, answer.json()["error"]) == (403, "access_denied")
