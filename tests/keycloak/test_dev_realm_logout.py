"""The dev realm's logout and revocation beside Keycloak's, with what becomes of the tokens."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.keycloak import realm_file
from tests.keycloak.both_realms import BothRealms, both_realms, skip_if_older
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.realm import Realm

Tokens = dict[str, Any]
Send = Callable[[Realm, Tokens], requests.Response]

SCOPE = "openid test_api_access"
WEB = {"client_id": "web"}
OTHER = {"client_id": "lightweight", "client_secret": "lightweight-secret"}
HERE = "http://localhost:8000/bye"
ELSEWHERE = "http://elsewhere.example/"


@pytest.fixture(scope="module")
def kept(keycloak: Keycloak) -> Iterator[BothRealms]:
    """The realm on Keycloak and as a dev realm."""
    skip_if_older(keycloak)
    with both_realms(keycloak, realm_file.content(realm_file.MYORG)) as both:
        yield both


def post(path: str, *names: str, **form: str) -> Send:
    """A POST of a form with these members; `token="id_token"` among the names takes one from the tokens."""
    taken = dict(name.split("=") for name in names)
    return lambda realm, tokens: realm.send(
        "POST", path, form | {name: tokens[member] for name, member in taken.items()}
    )


def browse(*names: str, **query: str) -> Send:
    """A GET of the logout endpoint with these parameters, some of them taken from the tokens."""
    taken = dict(name.split("=") for name in names)

    def send(realm: Realm, tokens: Tokens) -> requests.Response:
        parameters = query | {name: tokens[member] for name, member in taken.items()}
        written = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
        return realm.send("GET", f"logout?{written}")

    return send


LOGOUTS: dict[str, tuple[int, Send]] = {
    "refresh token": (204, post("logout", "refresh_token=refresh_token", **WEB)),
    "refresh token and hint": (
        204,
        post("logout", "refresh_token=refresh_token", "id_token_hint=id_token", **WEB),
    ),
    "another client's refresh token": (400, post("logout", "refresh_token=refresh_token", **OTHER)),
    "a wrong secret": (
        401,
        post("logout", "refresh_token=refresh_token", **OTHER | {"client_secret": "wrong"}),
    ),
    "no client": (401, post("logout", "refresh_token=refresh_token")),
    "an unknown client": (401, post("logout", "refresh_token=refresh_token", client_id="nobody")),
    "not a refresh token": (400, post("logout", refresh_token="x", **WEB)),
    "a blank refresh token": (400, post("logout", refresh_token="", **WEB)),
    "an access token as refresh token": (400, post("logout", "refresh_token=access_token", **WEB)),
    "an ID token as refresh token": (400, post("logout", "refresh_token=id_token", **WEB)),
    "only a client": (200, post("logout", **WEB)),
    "nothing": (200, post("logout")),
    "nothing in the query": (200, browse()),
    "a refresh token in the query": (200, browse("refresh_token=refresh_token", **WEB)),
    "hint": (200, browse("id_token_hint=id_token")),
    "hint in a form": (200, post("logout", "id_token_hint=id_token")),
    "hint and client": (200, browse("id_token_hint=id_token", **WEB)),
    "hint and another client": (400, browse("id_token_hint=id_token", client_id="lightweight")),
    "hint and an unknown client": (400, browse("id_token_hint=id_token", client_id="nobody")),
    "hint and a blank client": (200, browse("id_token_hint=id_token", client_id="")),
    "a blank hint": (200, browse(id_token_hint="")),
    "a hint that is no token": (400, browse(id_token_hint="x")),
    "an access token as hint": (400, browse("id_token_hint=access_token")),
    "a refresh token as hint": (400, browse("id_token_hint=refresh_token")),
    "redirect": (302, browse("id_token_hint=id_token", post_logout_redirect_uri=HERE)),
    "redirect with a state": (302, browse("id_token_hint=id_token", post_logout_redirect_uri=HERE, state="a b&c")),
    "redirect in a form": (302, post("logout", "id_token_hint=id_token", post_logout_redirect_uri=HERE, state="s")),
    "redirect to a query": (302, browse(post_logout_redirect_uri=f"{HERE}?a=b", state="s", **WEB)),
    "redirect to a fragment": (302, browse(post_logout_redirect_uri=f"{HERE}#f", state="s", **WEB)),
    "redirect to the root": (302, browse(post_logout_redirect_uri="http://localhost:8000", state="s", **WEB)),
    "redirect with a client only": (302, browse(post_logout_redirect_uri=HERE, **WEB)),
    "redirect without either": (400, browse(post_logout_redirect_uri=HERE)),
    "redirect elsewhere": (400, browse("id_token_hint=id_token", post_logout_redirect_uri=ELSEWHERE)),
    "redirect upwards": (400, browse(post_logout_redirect_uri="http://localhost:8000/../x", **WEB)),
    "redirect to a path": (400, browse(post_logout_redirect_uri="/bye", **WEB)),
    "redirect to a script": (400, browse(post_logout_redirect_uri="javascript:alert(1)", **WEB)),
    "PUT": (405, lambda realm, tokens: realm.send("PUT", "logout")),
    "HEAD": (200, lambda realm, tokens: realm.send("HEAD", f"logout?id_token_hint={tokens['id_token']}")),
}

REVOCATIONS: dict[str, tuple[int, Send]] = {
    "access token": (200, post("revoke", "token=access_token", **WEB)),
    "refresh token": (200, post("revoke", "token=refresh_token", **WEB)),
    "access token with the other hint": (
        200,
        post("revoke", "token=access_token", token_type_hint="refresh_token", **WEB),
    ),
    "an unknown hint": (200, post("revoke", "token=access_token", token_type_hint="nonsense", **WEB)),
    "ID token": (400, post("revoke", "token=id_token", **WEB)),
    "ID token of another client": (400, post("revoke", "token=id_token", **OTHER)),
    "another client's access token": (400, post("revoke", "token=access_token", **OTHER)),
    "another client's refresh token": (400, post("revoke", "token=refresh_token", **OTHER)),
    "not a token": (200, post("revoke", token="x", **WEB)),
    "a blank token": (200, post("revoke", token="", **WEB)),
    "no token": (400, post("revoke", **WEB)),
    "no client": (401, post("revoke", "token=access_token")),
    "nothing": (401, post("revoke")),
    "a wrong secret": (401, post("revoke", "token=access_token", **OTHER | {"client_secret": "wrong"})),
    "a parameter twice": (
        400,
        lambda realm, tokens: realm.send("POST", "revoke", [*WEB.items(), ("token", "x"), ("token", "x")]),
    ),
    "GET": (405, lambda realm, tokens: realm.send("GET", "revoke")),
    "PUT": (405, lambda realm, tokens: realm.send("PUT", "revoke")),
}

AFTERWARDS: dict[str, Send] = {
    "introspection": lambda realm, tokens: realm.introspect(tokens["access_token"]),
    "userinfo": lambda realm, tokens: realm.send("GET", "userinfo", Authorization=f"Bearer {tokens['access_token']}"),
    "revocation": post("revoke", "token=access_token", **WEB),
    "refresh": lambda realm, tokens: realm.ask(realm.refresh("web", tokens["refresh_token"])),
    "revocation of the refresh token": post("revoke", "token=refresh_token", **WEB),
    "logout": post("logout", "refresh_token=refresh_token", **WEB),
    "logout of the last one": browse("id_token_hint=id_token", post_logout_redirect_uri=HERE),
}


@pytest.mark.parametrize("scope", [SCOPE, f"{SCOPE} offline_access"], ids=["online", "offline"])
@pytest.mark.parametrize("name", [*LOGOUTS, *(f"revoke: {name}" for name in REVOCATIONS)])
def test_request(kept: BothRealms, name: str, scope: str) -> None:
    """Each request is answered alike, and so are those about its tokens after it."""
    status, send = REVOCATIONS[name.removeprefix("revoke: ")] if name.startswith("revoke: ") else LOGOUTS[name]
    tokens = kept.tokens("web", user="alice", scope=scope)
    others = kept.tokens("web", user="alice", scope=scope)
    answers = [send(realm, found) for realm, found in zip((kept.real, kept.twin), tokens, strict=True)]

    assert answers[0].status_code == status
    assert kept.differences(*answers) == []
    assert {then: kept.ask(tokens, ask) for then, ask in AFTERWARDS.items()} == {then: [] for then in AFTERWARDS}
    assert kept.ask(others, AFTERWARDS["introspection"]) == []


@pytest.mark.parametrize("registered", ["+", "-", f"{HERE}##+", "http://elsewhere.example/*", HERE, ""])
def test_where_a_logout_may_lead(keycloak: Keycloak, registered: str) -> None:
    """The client's setting for addresses after a logout is read alike."""
    skip_if_older(keycloak)
    content = realm_file.content(realm_file.MYORG)
    for client in content["clients"]:
        if client["clientId"] == "web":
            client["attributes"] = {"post.logout.redirect.uris": registered}
    with both_realms(keycloak, content) as both:
        for uri in (HERE, f"{HERE}?a=b", "http://127.0.0.1:8000/x", f"{ELSEWHERE}x", "http://elsewhere.example"):
            send = browse(post_logout_redirect_uri=uri, **WEB)

            assert both.ask(({}, {}), send) == [], uri
