"""Keycloak killed and started again, under an application that keeps running."""

from joserfc import jwt
from joserfc.jwk import RSAKey

from resource_protector import RealmTokenValidator
from tests.keycloak import application, realm_file, unverified
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.polling import poll


def test_an_outage_is_survived_without_a_restart_of_the_application(own_keycloak: Keycloak) -> None:
    """Killed: known keys 200, unknown keys 503 with Retry-After. Started again: all is 200, nothing was restarted."""
    server, admin = own_keycloak.server, own_keycloak.admin
    assert server is not None
    with own_keycloak.own_realm(realm_file.content(realm_file.MYORG)) as realm:
        running = application.make(RealmTokenValidator(realm.issuer, audience="orders-api"))
        started_late = application.make(RealmTokenValidator(realm.issuer, audience="orders-api"))
        known = realm.token("test_api_client", scope="test_api_access")
        before = application.ask(running, known).status_code
        admin.add_key(realm.name, "rsa-generated", 200, algorithm="RS256", keySize="2048")
        unknown = realm.token("test_api_client", scope="test_api_access")
        forged = forge(unknown)
        foreign = forge(unknown, iss="https://elsewhere.example/realms/myorg")
        server.kill_once_written()
        try:
            while_down = {
                name: application.ask(running, token)
                for name, token in {"known": known, "unknown": unknown, "forged": forged, "foreign": foreign}.items()
            }
            late_while_down = application.ask(started_late, known)
        finally:
            server.start()

        def recovered() -> bool:
            return application.ask(running, unknown).status_code == 200

        poll(recovered, seconds=40, what="200 for the token of the key that was unknown")
        poll(
            lambda: application.ask(started_late, known).status_code == 200,
            seconds=40,
            what="200 from the application that was started during the outage",
        )
        fresh = realm.token("test_api_client", scope="test_api_access")
        after = {
            name: application.ask(running, token).status_code
            for name, token in {"known": known, "unknown": unknown, "fresh": fresh, "forged": forged}.items()
        }

    assert before == 200
    assert {name: answer.status_code for name, answer in while_down.items()} == {
        "known": 200,
        "unknown": 503,
        "forged": 503,
        "foreign": 401,
    }
    assert late_while_down.status_code == 503
    for unavailable in (while_down["unknown"], while_down["forged"], late_while_down):
        assert 1 <= int(unavailable.headers["Retry-After"]) <= 30
        assert "WWW-Authenticate" not in unavailable.headers
        assert unavailable.json is not None
        assert unavailable.json["error"] == "temporarily_unavailable"
    assert after == {"known": 200, "unknown": 200, "fresh": 200, "forged": 401}


def forge(token: str, **changes: object) -> str:
    """The token's claims under a key that the realm never had."""
    key = RSAKey.generate_key(2048)
    header = unverified.header(token) | {"kid": "a-key-of-nobody"}
    return jwt.encode(header, unverified.claims(token) | changes, key, algorithms=["RS256"])
