import pytest
import requests

from resource_protector.dev import DevRealm
from resource_protector.realm import logout_url
from tests.dev import realms
from tests.dev.asking import INACTIVE, SCOPE, introspected, log_out, refresh, revoke

HERE = "http://localhost:8000/bye"


def browse(realm: DevRealm, **query: str) -> requests.Response:
    """A browser's request, whose redirect is not followed."""
    return requests.get(logout_url(realm.issuer), query, allow_redirects=False, timeout=10)


def test_a_refresh_token(dev_realm: DevRealm) -> None:
    """A client ends its session by the refresh token, as often as it likes; nothing of it is good afterwards."""
    tokens = dev_realm.token_response("web", "alice", SCOPE)
    other = dev_realm.token("web", "alice", SCOPE)

    assert [log_out(dev_realm, tokens["refresh_token"]).status_code for _ in range(2)] == [204, 204]
    assert introspected(dev_realm, tokens["access_token"]) == INACTIVE
    assert refresh(dev_realm, tokens["refresh_token"]).json()["error_description"] == "Session not active"
    assert introspected(dev_realm, other)["active"] is True


def test_an_offline_token(dev_realm: DevRealm) -> None:
    """An offline session is ended by its refresh token, and not by a browser's logout."""
    tokens = dev_realm.token_response("web", "alice", f"{SCOPE} offline_access")
    browse(dev_realm, id_token_hint=tokens["id_token"])

    assert refresh(dev_realm, tokens["refresh_token"]).status_code == 200
    assert log_out(dev_realm, tokens["refresh_token"]).status_code == 204
    assert refresh(dev_realm, tokens["refresh_token"]).json()["error_description"] == "Offline user session not found"


def test_a_refusal(dev_realm: DevRealm) -> None:
    """What is no refresh token of that client ends nothing."""
    tokens = dev_realm.token_response("web", "alice", SCOPE)

    assert log_out(dev_realm, tokens["access_token"]).status_code == 400
    assert log_out(dev_realm, tokens["refresh_token"], "lightweight").status_code == 400
    assert requests.post(logout_url(dev_realm.issuer), {"refresh_token": "x"}, timeout=10).status_code == 401
    assert introspected(dev_realm, tokens["access_token"])["active"] is True


def test_a_hint(dev_realm: DevRealm) -> None:
    """A browser that brings the ID token is logged out and told so; one without it is asked."""
    tokens = dev_realm.token_response("web", "alice", SCOPE)

    assert "Do you want to log out?" in browse(dev_realm).text
    assert "You are logged out" in browse(dev_realm, id_token_hint=tokens["id_token"]).text
    assert introspected(dev_realm, tokens["access_token"]) == INACTIVE


@pytest.mark.parametrize(
    ("uri", "status_code"),
    [
        (HERE, 302),
        ("http://localhost:8000", 302),
        ("http://elsewhere.example/", 400),
        ("http://localhost:8000/../x", 400),
        ("http://localhost:8000/a b", 302),
        ("http://localhost:8000/\r\nSet-Cookie: a=b", 400),
        ("http://localhost:8000/\u6771", 400),
        ("http://localhost:8000/[", 302),
        ("http://[", 400),
    ],
)
def test_a_redirect(dev_realm: DevRealm, uri: str, status_code: int) -> None:
    """A browser is sent on to an address that the client has registered, and to no other; nothing else gets out."""
    answer = browse(dev_realm, client_id="web", post_logout_redirect_uri=uri, state="s")

    assert answer.status_code == status_code
    assert "Set-Cookie" not in answer.headers
    if status_code == 302:
        assert answer.headers["Location"] == f"{uri}?state=s"


def test_a_redirect_without_a_client(dev_realm: DevRealm) -> None:
    """Without client or hint nobody can say whose address it is."""
    answer = browse(dev_realm, post_logout_redirect_uri=HERE)

    assert answer.status_code == 400
    assert "Missing parameters: id_token_hint" in answer.text


def test_registered_addresses() -> None:
    """Addresses after a logout are the redirect URIs, or those that an attribute names instead of them."""
    web = {"clientId": "web", "rootUrl": "http://a.example", "redirectUris": ["/in"]}
    for named, allowed in [(None, {"http://a.example/in"}), ("-", set()), ("http://b.example/out", None)]:
        attributes = {} if named is None else {"post.logout.redirect.uris": named}
        with DevRealm(realms.file({**web, "attributes": attributes})) as realm:
            uris = {"http://a.example/in", "http://b.example/out"}
            found = {
                uri for uri in uris if browse(realm, client_id="web", post_logout_redirect_uri=uri).status_code == 302
            }

        assert found == ({named} if allowed is None else allowed)


def test_a_page_quotes_what_it_shows() -> None:
    """A realm's name is no markup."""
    with DevRealm(realms.file() | {"realm": "<b>"}) as realm:
        page = browse(realm, id_token_hint="x").text

    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_a_logout_by_http_is_undone(dev_realm: DevRealm) -> None:
    """What requests end or revoke within `undoing_changes` is good again after it; what began within it is gone."""
    kept, revoked = (dev_realm.token_response("web", "alice", SCOPE) for _ in range(2))
    with dev_realm.undoing_changes():
        begun = dev_realm.token_response("web", "alice", SCOPE)
        log_out(dev_realm, kept["refresh_token"])
        revoke(dev_realm, revoked["access_token"])

    assert introspected(dev_realm, kept["access_token"])["active"] is True
    assert introspected(dev_realm, revoked["access_token"])["active"] is True
    assert introspected(dev_realm, begun["access_token"]) == INACTIVE
