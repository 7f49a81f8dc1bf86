from resource_protector.dev.issuer import Issuer
from resource_protector.dev.realm_file import read_realm
from tests.dev import realms
from tests.keycloak import unverified
from tests.polling import Clock


def test_a_refresh_goes_on() -> None:
    """A refresh gives new tokens of the same session, also for a second time."""
    issuer = realms.issuer()
    first = realms.password(issuer, scope="openid")[1]
    second = realms.ask(issuer, "refresh_token", refresh_token=first["refresh_token"])[1]
    third = realms.ask(issuer, "refresh_token", refresh_token=second["refresh_token"])[1]

    assert third["session_state"] == first["session_state"]
    assert third["scope"] == first["scope"]
    assert "id_token" in third
    assert unverified.claims(third["access_token"])["jti"].startswith("onrtrt:")


def test_a_refresh_may_ask_for_less() -> None:
    """A narrower scope is for the access token; the refresh token keeps what was granted."""
    issuer = realms.issuer()
    first = realms.password(issuer, scope="openid phone")[1]
    second = realms.ask(issuer, "refresh_token", refresh_token=first["refresh_token"], scope="email")[1]

    assert set(second["scope"].split()) == {"email", "profile"}
    assert unverified.claims(second["access_token"])["scope"] == second["scope"]
    assert {"openid", "phone"} <= set(unverified.claims(second["refresh_token"])["scope"].split())
    assert "id_token" in second


def test_a_refresh_does_not_get_more() -> None:
    """What was not granted at first is not granted by a refresh either, and is no mistake."""
    issuer = realms.issuer()
    first = realms.password(issuer)[1]
    second = realms.ask(issuer, "refresh_token", refresh_token=first["refresh_token"], scope="openid phone")[1]

    assert set(second["scope"].split()) == {"email", "profile"}
    assert "id_token" not in second


def test_an_offline_answer_names_the_whole_scope() -> None:
    """Of an offline session, the answer names all that was granted, whatever the refresh asked for."""
    issuer = realms.issuer()
    first = realms.password(issuer, scope="openid offline_access")[1]
    second = realms.ask(issuer, "refresh_token", refresh_token=first["refresh_token"], scope="email")[1]

    assert second["scope"] == first["scope"]
    assert "offline_access" not in unverified.claims(second["access_token"])["scope"]


def test_a_refresh_with_an_unknown_scope() -> None:
    """A scope that is not the client's is refused before the refresh token is looked at."""
    answer = realms.ask(realms.issuer(), "refresh_token", refresh_token="x", scope="nope")

    assert answer == (400, {"error": "invalid_scope", "error_description": "Invalid scopes: nope"})


def test_another_client() -> None:
    """A refresh token is for the client that got it."""
    issuer = realms.issuer(realms.client(), realms.client("other"))
    refresh = realms.password(issuer)[1]["refresh_token"]
    status_code, body = realms.ask(issuer, "refresh_token", client_id="other", refresh_token=refresh)

    assert status_code == 400
    assert body["error_description"] == "Invalid refresh token. Token client and authorized client don't match"


def test_tokens_that_are_no_refresh_tokens() -> None:
    """An access token, an ID token, another realm's refresh token and a tampered one are all the same."""
    issuer = realms.issuer()
    answer = realms.password(issuer, scope="openid")[1]
    foreign = realms.password(realms.issuer())[1]["refresh_token"]
    tampered = answer["refresh_token"][:-8] + "AAAAAAAA"
    not_an_object = ".".join([answer["refresh_token"].split(".")[0], "W10", "AAAA"])

    for token in (answer["access_token"], answer["id_token"], foreign, tampered, not_an_object, "", ".", "..", "é.é.é"):
        status_code, body = realms.ask(issuer, "refresh_token", refresh_token=token)
        assert status_code == 400
        assert body == {"error": "invalid_grant", "error_description": "Invalid refresh token"}


def test_a_refresh_token_expires() -> None:
    """After the session's idle time the refresh token is no longer active; an offline token stays."""
    clock = Clock(realms.NOW)
    issuer = Issuer(read_realm(realms.file()), realms.URL, clock)
    online = realms.password(issuer)[1]["refresh_token"]
    offline = realms.password(issuer, scope="offline_access")[1]["refresh_token"]

    clock.advance(1800)  # the second that `exp` names is still good
    assert realms.ask(issuer, "refresh_token", refresh_token=online)[0] == 200
    clock.advance(1)
    assert realms.ask(issuer, "refresh_token", refresh_token=online)[1]["error_description"] == "Token is not active"
    clock.advance(10_000_000)
    assert realms.ask(issuer, "refresh_token", refresh_token=offline)[0] == 200
