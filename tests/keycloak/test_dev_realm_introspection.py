"""The dev realm's introspection endpoint beside Keycloak's: the same questions, claim by claim."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.keycloak import realm_file
from tests.keycloak.both_realms import BothRealms, both_realms, skip_if_older
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.realm import Realm
from tests.polling import eventually

Tokens = dict[str, Any]

SCOPE = "openid test_api_access"
ADDRESS = "token/introspect"
FORM = {"client_id": "orders-api", "client_secret": "orders-api-secret"}


@pytest.fixture
def both(keycloak: Keycloak) -> Iterator[BothRealms]:
    """The realm on Keycloak and as a dev realm, to be changed at will."""
    skip_if_older(keycloak)
    with both_realms(keycloak, realm_file.content(realm_file.MYORG)) as both:
        yield both


@pytest.fixture(scope="module")
def kept(keycloak: Keycloak) -> Iterator[BothRealms]:
    """The same for tests that change nothing."""
    skip_if_older(keycloak)
    with both_realms(keycloak, realm_file.content(realm_file.MYORG)) as both:
        yield both


def introspect(realm: Realm, tokens: Tokens) -> requests.Response:
    """The API's question about the access token."""
    return realm.introspect(tokens["access_token"])


@pytest.mark.parametrize("scope", [None, "openid", "test_api_access", SCOPE, f"{SCOPE} offline_access"])
@pytest.mark.parametrize("user", [None, "alice", "bob"])
@pytest.mark.parametrize("client", ["web", "test_api_client", "lightweight", "rfc9068", "es256", "eddsa"])
def test_an_access_token(kept: BothRealms, client: str, user: str | None, scope: str | None) -> None:
    """An API gets the same claims of every kind of access token, or the same `active: false`."""
    grants = [realm.ask(realm.grant(client, user=user, scope=scope)) for realm in (kept.real, kept.twin)]
    if {grant.status_code for grant in grants} == {200}:
        real, twin = (grant.json() for grant in grants)

        assert kept.ask((real, twin), introspect) == []


def test_claims_are_computed_and_not_repeated(kept: BothRealms) -> None:
    """Both leave out of a service account's claims what only the token request knew."""
    for realm in (kept.real, kept.twin):
        answer = realm.introspect(realm.token("test_api_client", scope=SCOPE)).json()

        assert answer["active"] is True
        assert {"client_id", "username", "token_type", "aud"} <= set(answer)
        assert {"clientHost", "clientAddress"}.isdisjoint(answer)


def test_a_lightweight_token_comes_back_whole(kept: BothRealms) -> None:
    """What a lightweight token leaves out, both tell a client of its audience, and nobody else."""
    for realm in (kept.real, kept.twin):
        token = realm.token("lightweight", user="alice", scope=SCOPE)

        assert realm.introspect(token).json()["resource_access"]["orders-api"] == {"roles": ["writer"]}
        assert realm.introspect(token, "lightweight").json() == {"active": False}


OTHER_TOKENS: dict[str, Callable[[Realm, Tokens], requests.Response]] = {
    "by another client": lambda realm, tokens: realm.introspect(tokens["access_token"], "test_api_client"),
    "ID token": lambda realm, tokens: realm.introspect(tokens["id_token"]),
    "ID token, by its own client": lambda realm, tokens: realm.introspect(tokens["id_token"], "lightweight"),
    "refresh token": lambda realm, tokens: realm.introspect(tokens["refresh_token"]),
    "refresh token, by its own client": lambda realm, tokens: realm.introspect(tokens["refresh_token"], "lightweight"),
    "refresh token with the hint": lambda realm, tokens: realm.introspect(
        tokens["refresh_token"], token_type_hint="refresh_token"
    ),
    "refresh token with the hint, by its own client": lambda realm, tokens: realm.introspect(
        tokens["refresh_token"], "lightweight", token_type_hint="refresh_token"
    ),
    "access token with the hint": lambda realm, tokens: realm.introspect(
        tokens["access_token"], token_type_hint="access_token"
    ),
    "access token with the other hint": lambda realm, tokens: realm.introspect(
        tokens["access_token"], token_type_hint="refresh_token"
    ),
    "an unknown hint": lambda realm, tokens: realm.introspect(tokens["access_token"], token_type_hint="nonsense"),
    "a blank hint": lambda realm, tokens: realm.introspect(tokens["access_token"], token_type_hint=""),
    "a tampered token": lambda realm, tokens: realm.introspect(tokens["access_token"][:-8] + "AAAAAAAA"),
    "a blank in front": lambda realm, tokens: realm.introspect(" " + tokens["access_token"]),
    "not a token": lambda realm, tokens: realm.introspect("x"),
    "not a token, with dots": lambda realm, tokens: realm.introspect("x.y.z"),
    "a blank token": lambda realm, tokens: realm.introspect(""),
}


@pytest.mark.parametrize("scope", [SCOPE, f"{SCOPE} offline_access"])
@pytest.mark.parametrize("name", OTHER_TOKENS)
def test_other_tokens(kept: BothRealms, name: str, scope: str) -> None:
    """Also about anything but an access token of its audience, both say the same."""
    tokens = kept.tokens("lightweight", user="alice", scope=scope)

    assert kept.ask(tokens, OTHER_TOKENS[name]) == []


def test_an_id_token_is_active_for_its_own_client(kept: BothRealms) -> None:
    """Keycloak calls an ID token active when its own client asks: only `typ` tells it from an access token."""
    for realm in (kept.real, kept.twin):
        tokens = realm.tokens("lightweight", user="alice", scope=SCOPE)
        answer = realm.introspect(tokens["id_token"], "lightweight").json()

        assert (answer["active"], answer["typ"], answer["token_type"]) == (True, "ID", "ID")


REFUSALS: dict[str, tuple[int, Any]] = {
    "no token": (400, FORM),
    "nothing": (401, {}),
    "no client": (401, {"token": "x"}),
    "an unknown client": (401, {"client_id": "nobody", "client_secret": "x", "token": "x"}),
    "a wrong secret": (401, FORM | {"client_secret": "wrong", "token": "x"}),
    "a wrong secret and no token": (401, FORM | {"client_secret": "wrong"}),
    "no secret": (401, {"client_id": "orders-api", "token": "x"}),
    "a public client": (403, {"client_id": "web", "token": "x"}),
    "a public client and no token": (403, {"client_id": "web"}),
    "a parameter twice": (400, [*FORM.items(), ("token", "x"), ("token", "x")]),
    "a parameter twice and no client": (401, [("token", "x"), ("x", "1"), ("x", "2")]),
    "an unknown hint and no token": (400, FORM | {"token_type_hint": "nonsense"}),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(kept: BothRealms, name: str) -> None:
    """What is refused at all is refused with the same status, error and header fields."""
    status, form = REFUSALS[name]
    real, twin = (realm.send("POST", ADDRESS, form) for realm in (kept.real, kept.twin))

    assert real.status_code == status
    assert kept.differences(real, twin) == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_methods(kept: BothRealms, method: str) -> None:
    """Only POST is answered."""
    real, twin = (realm.send(method, ADDRESS) for realm in (kept.real, kept.twin))

    assert real.status_code == 405
    assert kept.differences(real, twin) == []


def test_what_is_no_form(kept: BothRealms) -> None:
    """A JSON body and the query are not read."""
    basic = requests.Request("POST", "http://x", auth=("orders-api", "orders-api-secret")).prepare().headers
    header = basic["Authorization"]
    for path, body, kind in [
        (ADDRESS, '{"token": "x"}', "application/json"),
        (f"{ADDRESS}?token=x", "", "application/x-www-form-urlencoded"),
    ]:
        real, twin = (
            realm.send("POST", path, body, Content_Type=kind, Authorization=header) for realm in (kept.real, kept.twin)
        )

        assert real.status_code == 400
        assert kept.differences(real, twin) == []


def test_a_bearer_only_client_may_ask(keycloak: Keycloak) -> None:
    """A client that can have no tokens of its own may introspect, with its secret."""
    skip_if_older(keycloak)
    content = realm_file.content(realm_file.MYORG)
    for client in content["clients"]:
        client["bearerOnly"] = client["clientId"] == "orders-api"
    with both_realms(keycloak, content) as bearer_only:
        tokens = bearer_only.tokens("web", user="alice", scope=SCOPE)

        assert bearer_only.real.introspect(tokens[0]["access_token"]).json()["active"] is True
        assert bearer_only.ask(tokens, introspect) == []


def log_out_by_refresh_token(both: BothRealms, tokens: tuple[Tokens, Tokens]) -> None:
    """End the session as its client does it."""
    for realm, token in zip((both.real, both.twin), tokens, strict=True):
        assert realm.logout("web", token["refresh_token"]).status_code == 204


def revoke(both: BothRealms, tokens: tuple[Tokens, Tokens]) -> None:
    """Take the access token back."""
    for realm, token in zip((both.real, both.twin), tokens, strict=True):
        form = {"client_id": "web", "token": token["access_token"]}
        assert realm.send("POST", "revoke", form).status_code == 200


ENDINGS: dict[str, Callable[[BothRealms, tuple[Tokens, Tokens]], None]] = {
    "logged out": lambda both, tokens: both.log_out("alice"),
    "logged out by its refresh token": log_out_by_refresh_token,
    "revoked": revoke,
    "session ended": lambda both, tokens: both.end_session(tokens[0]["session_state"], tokens[1]["session_state"]),
    "user disabled": lambda both, tokens: both.disable_user("alice"),
    "client disabled": lambda both, tokens: both.disable_client("web"),
    "notBefore": lambda both, tokens: both.push_not_before(),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_ends_a_token(both: BothRealms, ending: str) -> None:
    """What makes a token inactive on Keycloak does so on the dev realm; userinfo and a refresh answer alike, too."""
    tokens = both.tokens("web", user="alice", scope=SCOPE)
    assert both.ask(tokens, introspect) == []
    ENDINGS[ending](both, tokens)

    assert introspect(both.real, tokens[0]).json() == {"active": False}
    assert both.ask(tokens, introspect) == []
    assert both.ask(tokens, userinfo) == []
    assert both.ask(tokens, lambda realm, found: realm.ask(realm.refresh("web", found["refresh_token"]))) == []
    if ending != "client disabled":
        assert both.ask(tokens, lambda realm, found: realm.introspect(found["id_token"])) == []


def userinfo(realm: Realm, tokens: Tokens) -> requests.Response:
    """The bearer's question who he is."""
    return realm.send("GET", "userinfo", Authorization=f"Bearer {tokens['access_token']}")


@pytest.mark.parametrize(
    ("client", "user", "scope"),
    [("web", "alice", f"{SCOPE} offline_access"), ("test_api_client", None, SCOPE)],
    ids=["offline", "service account"],
)
def test_a_logout_ends_what_has_no_session(both: BothRealms, client: str, user: str | None, scope: str) -> None:
    """An offline token and a service account's outlive the sessions, and are void as of the next second all the same."""
    tokens = both.tokens(client, user=user, scope=scope)
    issued_at = time.time()
    eventually(lambda: int(time.time()) > int(issued_at))
    both.log_out(user or f"service-account-{client}")

    assert introspect(both.real, tokens[0]).json() == {"active": False}
    assert both.ask(tokens, introspect) == []
    assert both.ask(tokens, userinfo) == []
    if user:
        assert both.ask(tokens, lambda realm, found: realm.ask(realm.refresh(client, found["refresh_token"]))) == []


def test_roles_are_today_s(both: BothRealms) -> None:
    """A role that was taken away or given is out of the claims or in them; the token's audience stays."""
    tokens = both.tokens("web", user="alice", scope="openid")
    both.remove_role("alice", "writer", "orders-api")
    both.remove_role("alice", "reader")
    both.add_role("alice", "admin")
    answer = introspect(both.real, tokens[0]).json()

    assert "orders-api" in answer["aud"]
    assert "orders-api" not in answer["resource_access"]
    assert {"admin"} <= set(answer["realm_access"]["roles"])
    assert "reader" not in answer["realm_access"]["roles"]
    assert both.ask(tokens, introspect) == []
    assert both.ask(both.tokens("web", user="alice", scope=SCOPE), introspect) == []


def test_a_service_account_whose_user_is_disabled(both: BothRealms) -> None:
    """Its token is inactive, and it gets no other."""
    tokens = both.tokens("test_api_client", scope=SCOPE)
    both.disable_user("service-account-test_api_client")

    assert introspect(both.real, tokens[0]).json() == {"active": False}
    assert both.ask(tokens, introspect) == []
    assert both.ask(tokens, userinfo) == []
    assert both.ask(tokens, lambda realm, _: realm.ask(realm.grant("test_api_client"))) == []


def test_the_asking_client_disabled(both: BothRealms) -> None:
    """A disabled client is refused as if it did not exist."""
    tokens = both.tokens("web", user="alice", scope=SCOPE)
    both.disable_client("orders-api")

    assert introspect(both.real, tokens[0]).status_code == 401
    assert both.ask(tokens, introspect) == []


def test_a_disabled_realm(keycloak: Keycloak) -> None:
    """A disabled realm refuses to introspect and to revoke before it looks at anything else, but lets log out."""
    skip_if_older(keycloak)
    with both_realms(keycloak, realm_file.content(realm_file.MYORG) | {"enabled": False}) as disabled:
        for path, form in [(ADDRESS, {}), ("revoke", {}), ("userinfo", {}), ("logout", {"refresh_token": "x"})]:
            real, twin = (realm.send("POST", path, form) for realm in (disabled.real, disabled.twin))

            assert disabled.differences(real, twin) == []


def test_mappers_choose_where_they_write(keycloak: Keycloak) -> None:
    """A mapper that does not say whether it writes into introspection does as for access tokens; userinfo is as ID tokens."""
    content = realm_file.content(realm_file.MYORG)
    profile = next(scope for scope in content["clientScopes"] if scope["name"] == "profile")
    flags: dict[str, dict[str, str]] = {
        "nothing": {},
        "access": {"access.token.claim": "true"},
        "introspection": {"introspection.token.claim": "true"},
        "not-introspection": {"access.token.claim": "true", "introspection.token.claim": "false"},
        "userinfo": {"userinfo.token.claim": "true"},
        "id": {"id.token.claim": "true"},
        "not-userinfo": {"id.token.claim": "true", "userinfo.token.claim": "false"},
        "lightweight": {"lightweight.claim": "true"},
    }
    profile["protocolMappers"] += [
        {
            "name": name,
            "protocol": "openid-connect",
            "protocolMapper": "oidc-usermodel-attribute-mapper",
            "config": {"user.attribute": "username", "claim.name": name, "jsonType.label": "String", **config},
        }
        for name, config in flags.items()
    ]
    skip_if_older(keycloak)
    with both_realms(keycloak, content) as both:
        for client in ("web", "lightweight"):
            tokens = both.tokens(client, user="alice", scope=SCOPE)
            answer = introspect(both.real, tokens[0]).json()

            assert set(flags) & set(answer) == {"access", "introspection"}
            assert both.ask(tokens, introspect) == []
            assert both.ask(tokens, userinfo) == []
