"""Questions to a dev realm over HTTP, in the name of its clients."""

from typing import Any

import requests

from resource_protector.dev import DevRealm
from resource_protector.realm import introspection_url, logout_url, revocation_url, token_url, userinfo_url

API = "orders-api"
SCOPE = "openid test_api_access"
INACTIVE = {"active": False}


def credentials(realm: DevRealm, client: str) -> dict[str, str]:
    """A client's id, and its secret if it has one."""
    secret = realm.clients[client].secret
    return {"client_id": client} | ({"client_secret": secret} if secret else {})


def introspect(realm: DevRealm, token: str, client: str = API, **form: str) -> requests.Response:
    """The answer about a token to a client."""
    return requests.post(
        introspection_url(realm.issuer), {**credentials(realm, client), "token": token, **form}, timeout=10
    )


def introspected(realm: DevRealm, token: str, client: str = API) -> dict[str, Any]:
    """The claims in it."""
    answer = introspect(realm, token, client)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def userinfo(realm: DevRealm, token: str) -> requests.Response:
    """What the realm says about the user of a token."""
    return requests.get(userinfo_url(realm.issuer), headers=realm.bearer(token), timeout=10)


def revoke(realm: DevRealm, token: str, client: str = "web") -> requests.Response:
    """A client takes a token back."""
    return requests.post(revocation_url(realm.issuer), {**credentials(realm, client), "token": token}, timeout=10)


def log_out(realm: DevRealm, refresh_token: str, client: str = "web") -> requests.Response:
    """A client ends the session of a refresh token."""
    form = {**credentials(realm, client), "refresh_token": refresh_token}
    return requests.post(logout_url(realm.issuer), form, timeout=10)


def refresh(realm: DevRealm, refresh_token: str, client: str = "web") -> requests.Response:
    """A client asks for new tokens of a session."""
    form = {**credentials(realm, client), "grant_type": "refresh_token", "refresh_token": refresh_token}
    return requests.post(token_url(realm.issuer), form, timeout=10)
