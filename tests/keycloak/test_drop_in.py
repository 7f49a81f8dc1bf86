"""The drop-in for python-keycloak beside its original, on the same tokens of the same realm."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keycloak as original
import pytest

from resource_protector import keycloak as ours
from tests.drop_in import seed_application
from tests.drop_in.drop_ins import outcome
from tests.keycloak import realm_file
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.realm import Realm

API = "orders-api"
SCOPE = "openid test_api_access"
ODD_SECRET = "%41+ &=:;/?#é€\u2603\"'\\"


@pytest.fixture(scope="module")
def logged_in(myorg: Realm) -> dict[str, Any]:
    """What alice gets for her password."""
    return myorg.tokens("web", user="alice", scope=SCOPE)


def test_introspection_is_equal_for_a_user(myorg: Realm, logged_in: dict[str, Any]) -> None:
    """Claim by claim, and in the same order."""
    mine, theirs = (api.introspect(logged_in["access_token"]) for api in both(myorg))

    assert mine == theirs
    assert list(mine) == list(theirs)


def test_introspection_of_a_service_account_tells_less(myorg: Realm) -> None:
    """The realm leaves out where it logged in from; all else is equal."""
    token = myorg.token("test_api_client", scope="test_api_access")
    mine, theirs = (api.introspect(token) for api in both(myorg))

    assert {name: mine[name] for name in theirs} == theirs
    assert mine.keys() - theirs.keys() == {"clientHost", "clientAddress"}


@pytest.mark.parametrize("client", ["rfc9068", "ps256", "es256", "eddsa"])
def test_introspection_knows_every_algorithm(myorg: Realm, client: str) -> None:
    """Whatever the client's tokens are signed with, `token_type` is Bearer."""
    token = myorg.token(client, scope="test_api_access")
    mine, theirs = (api.introspect(token) for api in both(myorg))

    assert {name: mine[name] for name in theirs} == theirs


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(lambda tokens: tokens["refresh_token"], id="refresh token"),
        pytest.param(lambda tokens: tokens["id_token"], id="ID token"),
        pytest.param(lambda tokens: tokens["access_token"][:-10] + "AAAAAAAAAA", id="signature changed"),
        pytest.param(lambda tokens: tokens["access_token"].rpartition(".")[0] + ".", id="no signature"),
        pytest.param(lambda tokens: "garbage", id="garbage"),
        pytest.param(lambda tokens: "", id="empty"),
    ],
)
def test_a_bad_token_is_the_same_to_both(
    myorg: Realm, logged_in: dict[str, Any], bad: Callable[[dict[str, Any]], str]
) -> None:
    """Introspection says inactive; userinfo 401; and whoever refuses to decode it is caught by the same clause."""
    token = bad(logged_in)
    mine, theirs = both(myorg)
    decoded, decoded_before = outcome(mine.decode_token, token), outcome(theirs.decode_token, token)
    names = [kind.__name__ for kind in type(decoded).__mro__]

    assert mine.introspect(token) == theirs.introspect(token) == {"active": False}
    assert [type(outcome(api.userinfo, token)).__name__ for api in (mine, theirs)] == [
        "KeycloakAuthenticationError"
    ] * 2
    assert isinstance(decoded, ours.JWException)
    assert isinstance(decoded_before, dict) or type(decoded_before).__name__ in names


def test_userinfo_is_equal_but_for_roles(myorg: Realm, logged_in: dict[str, Any]) -> None:
    """The realm leaves the roles out by default."""
    mine, theirs = (api.userinfo(logged_in["access_token"]) for api in both(myorg))

    assert {name: value for name, value in mine.items() if not name.endswith("_access")} == theirs


def test_decode_token_is_equal(myorg: Realm, logged_in: dict[str, Any]) -> None:
    """The claims of the token."""
    mine, theirs = (api.decode_token(logged_in["access_token"]) for api in both(myorg))

    assert mine == theirs


def test_an_id_token_of_the_api_itself_is_refused(keycloak: Keycloak) -> None:
    """The realm calls it active where the API is the client that logged the user in; it is no access token."""
    content = realm_file.content(realm_file.MYORG)
    next(client for client in content["clients"] if client["clientId"] == API)["directAccessGrantsEnabled"] = True
    with keycloak.own_realm(content) as realm:
        token = realm.tokens(API, user="alice", scope="openid")["id_token"]
        mine, theirs = (api.introspect(token) for api in both(realm))

    assert mine == {"active": False}
    assert theirs["active"] is True


def test_a_lightweight_token_is_completed(myorg: Realm) -> None:
    """The realm fills in what it lacks, for the one as for the other."""
    token = myorg.token("lightweight", user="alice", scope=SCOPE)
    mine, theirs = (api.introspect(token) for api in both(myorg))

    assert mine == theirs
    assert mine["active"] is True


def test_tokens_are_got_refreshed_and_ended(own_myorg: Realm) -> None:
    """The whole life of a session; after logout the realm says inactive, and the token is good until it expires."""
    web = drop_in(own_myorg, "web")
    first = web.token("alice", "alice", scope=SCOPE)
    second = web.refresh_token(first["refresh_token"])
    ended = web.logout(second["refresh_token"])
    mine, theirs = (api.introspect(second["access_token"])["active"] for api in both(own_myorg))

    assert ended == {}
    assert (mine, theirs) == (True, False)
    assert isinstance(outcome(web.refresh_token, second["refresh_token"]), ours.KeycloakPostError)


def test_documents_are_equal(myorg: Realm) -> None:
    """Configuration, keys and the one public key."""
    mine, theirs = both(myorg)

    assert mine.well_known() == theirs.well_known()
    assert mine.certs() == theirs.certs()
    assert mine.public_key() == theirs.public_key()


@pytest.mark.parametrize(
    ("client", "call"),
    [
        pytest.param("web", lambda api: api.token("alice", "wrong"), id="wrong password"),
        pytest.param("web", lambda api: api.token(None, None), id="no user"),
        pytest.param("web", lambda api: api.token("alice", "alice", scope=""), id="empty scope"),
        pytest.param("web", lambda api: api.token(grant_type="client_credentials"), id="public client"),
        pytest.param("nobody", lambda api: api.token("alice", "alice"), id="unknown client"),
        pytest.param("web", lambda api: api.refresh_token("x"), id="bad refresh token"),
        pytest.param("web", lambda api: api.logout("x"), id="bad logout"),
    ],
)
def test_a_refusal_is_equal(myorg: Realm, client: str, call: Callable[[Any], Any]) -> None:
    """The same class by name, status and body."""
    mine, theirs = (outcome(call, api) for api in both(myorg, client))

    assert type(mine).__name__ == type(theirs).__name__
    assert (mine.response_code, mine.response_body) == (theirs.response_code, theirs.response_body)


def test_every_character_of_a_secret_arrives(keycloak: Keycloak) -> None:
    """Also those that mean something in a form."""
    content = realm_file.content(realm_file.MYORG)
    next(client for client in content["clients"] if client["clientId"] == "test_api_client")["secret"] = ODD_SECRET
    with keycloak.own_realm(content) as realm:
        api = ours.KeycloakOpenID(realm.server_url, realm.name, "test_api_client", ODD_SECRET, audience=API)
        token = api.token(grant_type="client_credentials", scope="test_api_access")["access_token"]

    assert token


def test_shadow_mode_has_no_difference(own_myorg: Realm) -> None:
    """Beside the realm's own answers, on good and bad tokens."""
    tokens = own_myorg.tokens("web", user="alice", scope=SCOPE)
    api = drop_in(own_myorg, shadow="online")
    for token in (
        tokens["access_token"],
        tokens["refresh_token"],
        tokens["access_token"][:-9] + "AAAAAAAAA",
        "garbage",
    ):
        for method in (api.introspect, api.decode_token, api.userinfo):
            outcome(method, token)
    assert api.shadow is not None

    assert api.shadow.report().disagreements == {}
    assert api.shadow.report().agreements == 12


@pytest.mark.parametrize("key_at_startup", [False, True], ids=["keys of the realm", "key at startup"])
def test_seed_003_runs(local: Realm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key_at_startup: bool) -> None:
    """The article's application, but for its import lines, the `/auth` and the undefined `token`."""
    secret = local.secrets["local-api"]
    assert secret is not None
    options: dict[str, Any] = {"server_url": local.server_url, "secret": secret, "key_at_startup": key_at_startup}
    with seed_application.running(tmp_path, monkeypatch, **options) as client:
        login = client.post("/login", data={"username": "alice", "password": "alice"})
        wrong = client.post("/login", data={"username": "alice", "password": "wrong"})
        token = login.json()["access_token"]
        me = client.post("/me", headers={"Authorization": f"Bearer {token}"})
        forged = client.post("/me", headers={"Authorization": f"Bearer {token[:-9]}AAAAAAAAA"})

    assert (login.status_code, wrong.status_code) == (200, 400)
    assert (me.status_code, me.json()["preferred_username"]) == (200, "alice")
    assert (forged.status_code, forged.json()["detail"]) == (400, "Token signature couldn't be verified")


def drop_in(realm: Realm, client: str = API, **options: Any) -> ours.KeycloakOpenID:
    """Ours."""
    return ours.KeycloakOpenID(realm.server_url, realm.name, client, realm.secrets.get(client), **options)


def both(realm: Realm, client: str = API) -> tuple[Any, Any]:
    """Ours, and python-keycloak's."""
    theirs = original.KeycloakOpenID(realm.server_url, realm.name, client, realm.secrets.get(client))
    return drop_in(realm, client), theirs
