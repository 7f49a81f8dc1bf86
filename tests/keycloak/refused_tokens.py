"""Twelve tokens of a real Keycloak, each wrong in one way, with the cure that `explain` has to name first.

`python -m tests.keycloak.refused_tokens` records them anew into `tests/explain/transcripts`, on the Keycloak that
`KEYCLOAK_URL` names, or on one of its own.
"""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.explain.transcript import Transcript
from tests.keycloak import realm_file, unverified
from tests.keycloak.keycloak import Keycloak, running
from tests.keycloak.realm import Realm

API = "orders-api"
SCOPE = "test_api_access"
CLIENT = "test_api_client"
# The realms made for a recording, so that transcripts say the same each time.
OWN = "explained"


def refused(
    keycloak: Keycloak,
    realm: Realm,
    token: str,
    *,
    reason: str,
    cure: str,
    scope: str | None = None,
    later: float = 4.0,
    options: Mapping[str, Any] | None = None,
) -> Transcript:
    """A transcript of a token that is measured against `realm`, `later` seconds after it was issued."""
    return Transcript(
        name="",
        keycloak=keycloak.version,
        token=token,
        issuer=realm.issuer,
        audience=API,
        certs={"keys": realm.certs()},
        now=unverified.claims(token)["iat"] + later,
        reason=reason,
        cure=cure,
        scope=scope,
        options=options or {},
    )


def no_audience(keycloak: Keycloak) -> Transcript:
    """Asked for without the scope whose mapper names the API."""
    realm = keycloak.realm(realm_file.MYORG)
    return refused(
        keycloak, realm, realm.token(CLIENT), reason="audience", cure="Add an Audience mapper for 'orders-api'"
    )


def scope_not_requested(keycloak: Keycloak) -> Transcript:
    """An optional scope that nobody asked for; the user's role has brought the audience."""
    realm = keycloak.realm(realm_file.MYORG)
    token = realm.token("web", user="alice")
    return refused(
        keycloak, realm, token, reason="insufficient_scope", cure=f"Ask for the scope '{SCOPE}'", scope=SCOPE
    )


def lightweight(keycloak: Keycloak) -> Transcript:
    """A client whose access tokens are lightweight."""
    realm = keycloak.realm(realm_file.MYORG)
    token = realm.token("lightweight", user="alice")
    cure = "Switch off 'Always use lightweight access token'"
    return refused(keycloak, realm, token, reason="lightweight", cure=cure)


def id_token(keycloak: Keycloak) -> Transcript:
    """The ID token of a login to the API's own client: issuer, audience and signature are good."""
    with keycloak.own_realm(_with_api_login(), OWN) as realm:
        token = str(realm.tokens(API, user="alice", scope="openid")["id_token"])
        return refused(keycloak, realm, token, reason="token_type", cure="Send the access token: this is an ID token")


def refresh_token(keycloak: Keycloak) -> Transcript:
    """The refresh token in place of the access token beside it."""
    realm = keycloak.realm(realm_file.MYORG)
    token = str(realm.tokens("web", user="alice")["refresh_token"])
    cure = "Send the access token, and revoke this one: it is a refresh token"
    return refused(keycloak, realm, token, reason="algorithm", cure=cure)


def another_realm(keycloak: Keycloak) -> Transcript:
    """A token of the realm next door."""
    realm = keycloak.realm(realm_file.MYORG)
    token = keycloak.realm(realm_file.LOCAL).token("local-api", user="alice")
    return refused(keycloak, realm, token, reason="issuer", cure="Get a token from realm 'myorg'")


def another_host(keycloak: Keycloak) -> Transcript:
    """The same realm, asked by another name of the same machine."""
    realm = keycloak.realm(realm_file.MYORG)
    token = realm.token(CLIENT, scope=SCOPE, Host=realm.server_url.partition("//")[2].replace("127.0.0.1", "localhost"))
    return refused(keycloak, realm, token, reason="issuer", cure="Get the token by the same host name")


def no_subject(keycloak: Keycloak) -> Transcript:
    """A client without the client scope that adds `sub` since Keycloak 25."""
    content = realm_file.content(realm_file.MYORG)
    _client(content, "web")["defaultClientScopes"].remove("basic")
    with keycloak.own_realm(content, OWN) as realm:
        token = realm.token("web", user="alice")
        cure = "Give the client the client scope 'basic'"
        return refused(keycloak, realm, token, reason="missing_claim", cure=cure)


def clock_behind(keycloak: Keycloak) -> Transcript:
    """A good token, looked at by a machine whose clock is five minutes behind the realm's."""
    realm = keycloak.realm(realm_file.MYORG)
    token = realm.token(CLIENT, scope=SCOPE)
    cure = "Set the clocks, by NTP (timedatectl): this machine's is 300 s (5 minutes) behind"
    return refused(keycloak, realm, token, reason="not_yet_valid", cure=cure, later=-300)


def expired(keycloak: Keycloak) -> Transcript:
    """A good token, an hour later."""
    realm = keycloak.realm(realm_file.MYORG)
    token = realm.token(CLIENT, scope=SCOPE)
    return refused(keycloak, realm, token, reason="expired", cure="Get a new token: this one expired", later=3600)


def key_withdrawn(keycloak: Keycloak) -> Transcript:
    """A token from before its key was deleted."""
    with keycloak.own_realm(realm_file.content(realm_file.MYORG), OWN) as realm:
        token = realm.token(CLIENT, scope=SCOPE)
        old = keycloak.admin.provider_of_key(realm.name, unverified.header(token)["kid"])
        keycloak.admin.add_key(realm.name, "rsa-generated", 200, algorithm="RS256", keySize="2048")
        keycloak.admin.delete_key_provider(realm.name, old)
        cure = "Get a new token: the realm has withdrawn this one's key"
        return refused(keycloak, realm, token, reason="unknown_key", cure=cure)


def algorithm_not_allowed(keycloak: Keycloak) -> Transcript:
    """A client that is set to ES256, and an API that accepts RS256 alone."""
    realm = keycloak.realm(realm_file.MYORG)
    token = realm.token("es256", scope=SCOPE)
    cure = "Choose another 'Access token signature algorithm'"
    return refused(keycloak, realm, token, reason="algorithm", cure=cure, options={"algorithms": ["RS256"]})


TOKENS: Mapping[str, Callable[[Keycloak], Transcript]] = {
    scenario.__name__: scenario
    for scenario in (
        no_audience,
        scope_not_requested,
        lightweight,
        id_token,
        refresh_token,
        another_realm,
        another_host,
        no_subject,
        clock_behind,
        expired,
        key_withdrawn,
        algorithm_not_allowed,
    )
}


def _client(content: dict[str, Any], client_id: str) -> dict[str, Any]:
    client: dict[str, Any] = next(client for client in content["clients"] if client["clientId"] == client_id)
    return client


def _with_api_login() -> dict[str, Any]:
    content = realm_file.content(realm_file.MYORG)
    _client(content, API)["directAccessGrantsEnabled"] = True
    return content


def record() -> None:
    """Ask for all of them and keep them, as they look in UTC."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    with running() as keycloak:
        for name, scenario in TOKENS.items():
            made = scenario(keycloak)
            Transcript(**{**made.__dict__, "name": name}).save()


if __name__ == "__main__":
    record()
