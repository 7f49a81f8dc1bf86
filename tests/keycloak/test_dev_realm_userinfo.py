"""The dev realm's userinfo endpoint beside Keycloak's."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.keycloak import realm_file
from tests.keycloak.both_realms import BothRealms, both_realms, skip_if_older
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.realm import Realm

Tokens = dict[str, Any]
Send = Callable[[Realm, Tokens], requests.Response]

SCOPE = "openid test_api_access"


@pytest.fixture(scope="module")
def kept(keycloak: Keycloak) -> Iterator[BothRealms]:
    """The realm on Keycloak and as a dev realm; one service account has sessions."""
    skip_if_older(keycloak)
    content = realm_file.content(realm_file.MYORG)
    for client in content["clients"]:
        if client["clientId"] == "rfc9068":
            client["attributes"]["client_credentials.use_refresh_token"] = "true"
    with both_realms(keycloak, content) as both:
        yield both


def bearer(realm: Realm, token: str) -> requests.Response:
    """A GET with a token in the header."""
    return realm.send("GET", "userinfo", Authorization=f"Bearer {token}")


def form(realm: Realm, *pairs: tuple[str, str], **headers: str) -> requests.Response:
    """A POST with a form."""
    return realm.send("POST", "userinfo", pairs, **headers)


@pytest.mark.parametrize("scope", [None, "openid", SCOPE, f"{SCOPE} offline_access"])
@pytest.mark.parametrize("user", [None, "alice", "bob"])
@pytest.mark.parametrize("client", ["web", "test_api_client", "lightweight", "rfc9068", "ps256"])
def test_an_access_token(kept: BothRealms, client: str, user: str | None, scope: str | None) -> None:
    """The same claims about the user, or the same challenge."""
    grants = [realm.ask(realm.grant(client, user=user, scope=scope)) for realm in (kept.real, kept.twin)]
    if {grant.status_code for grant in grants} == {200}:
        real, twin = (grant.json() for grant in grants)

        assert kept.ask((real, twin), lambda realm, tokens: bearer(realm, tokens["access_token"])) == []


BASIC = "Basic " + b64encode(b"a:b").decode()
REQUESTS: dict[str, tuple[int, Send]] = {
    "no token": (401, lambda realm, tokens: realm.send("GET", "userinfo")),
    "no token in a POST": (401, lambda realm, tokens: realm.send("POST", "userinfo")),
    "in a form": (200, lambda realm, tokens: form(realm, ("access_token", tokens["access_token"]))),
    "in a form, another parameter twice": (
        200,
        lambda realm, tokens: form(realm, ("access_token", tokens["access_token"]), ("x", "1"), ("x", "2")),
    ),
    "in a form, beside another scheme": (
        200,
        lambda realm, tokens: form(realm, ("access_token", tokens["access_token"]), Authorization=BASIC),
    ),
    "twice in a form": (400, lambda realm, tokens: form(realm, ("access_token", "x"), ("access_token", "x"))),
    "in a form and the header": (
        400,
        lambda realm, tokens: form(realm, ("access_token", "x"), Authorization=f"Bearer {tokens['access_token']}"),
    ),
    "blank in a form": (401, lambda realm, tokens: form(realm, ("access_token", ""))),
    "in the form of a GET": (
        401,
        lambda realm, tokens: realm.send("GET", "userinfo", {"access_token": tokens["access_token"]}),
    ),
    "in the query": (
        401,
        lambda realm, tokens: realm.send("GET", f"userinfo?access_token={tokens['access_token']}"),
    ),
    "in a JSON body": (
        401,
        lambda realm, tokens: realm.send("POST", "userinfo", '{"access_token": "x"}', Content_Type="application/json"),
    ),
    "by header in a POST": (
        200,
        lambda realm, tokens: realm.send("POST", "userinfo", Authorization=f"Bearer {tokens['access_token']}"),
    ),
    "in small letters": (
        200,
        lambda realm, tokens: realm.send("GET", "userinfo", Authorization=f"bearer {tokens['access_token']}"),
    ),
    "after two blanks": (401, lambda realm, tokens: bearer(realm, " " + tokens["access_token"])),
    "with more after it": (401, lambda realm, tokens: bearer(realm, tokens["access_token"] + " x")),
    "Bearer alone": (401, lambda realm, tokens: realm.send("GET", "userinfo", Authorization="Bearer")),
    "another scheme": (401, lambda realm, tokens: realm.send("GET", "userinfo", Authorization=BASIC)),
    "not a token": (401, lambda realm, tokens: bearer(realm, "x")),
    "a tampered token": (401, lambda realm, tokens: bearer(realm, tokens["access_token"][:-8] + "AAAAAAAA")),
    "an ID token": (401, lambda realm, tokens: bearer(realm, tokens["id_token"])),
    "a refresh token": (401, lambda realm, tokens: bearer(realm, tokens["refresh_token"])),
    "HEAD": (
        200,
        lambda realm, tokens: realm.send("HEAD", "userinfo", Authorization=f"Bearer {tokens['access_token']}"),
    ),
    "PUT": (405, lambda realm, tokens: realm.send("PUT", "userinfo")),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_request(kept: BothRealms, name: str) -> None:
    """A token is looked for in the same places, and its absence challenged in the same words."""
    status, send = REQUESTS[name]
    tokens = kept.tokens("web", user="alice", scope=SCOPE)

    assert send(kept.real, tokens[0]).status_code == status
    assert kept.ask(tokens, send) == []
