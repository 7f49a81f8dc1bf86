import pytest
import requests

from resource_protector.dev import DevRealm
from resource_protector.realm import userinfo_url
from tests.dev import realms
from tests.dev.asking import SCOPE, userinfo


def test_the_user(dev_realm: DevRealm) -> None:
    """What scopes and mappers let the client know about the user."""
    answer = userinfo(dev_realm, dev_realm.token("web", "alice", SCOPE))

    assert answer.status_code == 200
    assert answer.json() == {
        "sub": dev_realm.users["alice"].id,
        "preferred_username": "alice",
        "name": "Alice Example",
        "given_name": "Alice",
        "family_name": "Example",
        "email": "alice@example.com",
        "email_verified": True,
    }


def test_a_minted_token(dev_realm: DevRealm) -> None:
    """Of a minted token, its own claims about the user."""
    token = dev_realm.mint(sub="carol", scope="openid", preferred_username="carol", email_verified=None)

    assert userinfo(dev_realm, token).json() == {"sub": "carol", "preferred_username": "carol"}


@pytest.mark.parametrize(
    ("client", "user", "scope", "status_code", "error"),
    [
        ("web", "alice", None, 403, "insufficient_scope"),
        ("lightweight", "alice", "openid", 401, "invalid_token"),
        ("test_api_client", None, "openid", 200, None),
    ],
)
def test_who_may_ask(
    dev_realm: DevRealm, client: str, user: str | None, scope: str | None, status_code: int, error: str | None
) -> None:
    """The scope openid is needed, and a lightweight token refused; the challenge names the realm."""
    answer = userinfo(dev_realm, dev_realm.token(client, user, scope))

    assert answer.status_code == status_code
    if error:
        assert answer.headers["WWW-Authenticate"].startswith(f'Bearer realm="myorg", error="{error}", ')
        assert answer.content == b""


def test_no_token(dev_realm: DevRealm) -> None:
    """Without a token the challenge has no error."""
    for headers in ({}, {"Authorization": "Basic x"}, {"Authorization": "Bearer"}, {"Authorization": "Bearer  x"}):
        answer = requests.get(userinfo_url(dev_realm.issuer), headers=headers, timeout=10)

        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="myorg"')


def test_a_form(dev_realm: DevRealm) -> None:
    """A POST may have the token in its form, once and not in the header too."""
    url, token = userinfo_url(dev_realm.issuer), dev_realm.token("web", "alice", SCOPE)
    form = {"access_token": token}

    assert requests.post(url, form, timeout=10).status_code == 200
    assert requests.get(url, data=form, timeout=10).status_code == 401
    assert requests.post(url, form, headers=dev_realm.bearer(token), timeout=10).status_code == 400
    assert requests.post(url, [*form.items(), *form.items()], timeout=10).status_code == 400


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é"])
def test_garbage(dev_realm: DevRealm, token: str) -> None:
    """What is no token of the realm is refused."""
    answer = requests.post(userinfo_url(dev_realm.issuer), {"access_token": token}, timeout=10)

    assert answer.status_code == 401
    assert "Token verification failed" in answer.headers["WWW-Authenticate"]


def test_a_realm_that_no_header_can_name() -> None:
    """A name that a header field cannot hold is spelled with question marks, as Keycloak does it."""
    with DevRealm(realms.file() | {"realm": "東 büro"}) as realm:
        answer = requests.get(userinfo_url(realm.issuer), timeout=10)

    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="? büro"'


def test_an_offline_token_of_a_disabled_user(dev_realm: DevRealm) -> None:
    """The challenge says what has become of the user."""
    token = dev_realm.token("web", "alice", f"{SCOPE} offline_access")
    with dev_realm.log_out("alice"):
        assert "User not valid" in userinfo(dev_realm, token).headers["WWW-Authenticate"]
        with dev_realm.disable_user("alice"):
            assert "User disabled" in userinfo(dev_realm, token).headers["WWW-Authenticate"]
