"""The drop-in and its original, made for a dev realm, and tokens that are wrong in every way."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import keycloak

from resource_protector.dev import DevRealm
from resource_protector.keycloak import KeycloakOpenID

# It has no types, and only its exceptions are of interest here.
jwcrypto_common, jwcrypto_jwk, jwcrypto_jws, jwcrypto_jwt = (
    import_module(f"jwcrypto.{name}") for name in ("common", "jwk", "jws", "jwt")
)

API = "orders-api"
SECRET = "orders-api-secret"
WEB = "web"  # a public client, whose users log in by password
SCOPE = "openid test_api_access"

Token = Callable[[DevRealm], Any]

BAD_TOKENS: Mapping[str, Token] = {
    "expired": lambda realm: realm.mint("expired"),
    "not valid yet": lambda realm: realm.mint("not_yet_valid"),
    "forged": lambda realm: realm.mint("key"),
    "unknown key": lambda realm: realm.mint("unknown_key"),
    "signature changed": lambda realm: realm.mint("signature"),
    "alg none": lambda realm: realm.mint("alg_none"),
    "refresh token": lambda realm: realm.mint("refresh_token"),
    "garbage": lambda realm: "garbage",
    "three parts of garbage": lambda realm: "a.b.c",
    "two parts": lambda realm: realm.mint().rpartition(".")[0],
    "empty": lambda realm: "",
    "not ASCII": lambda realm: "é.é.é",
}
# What python-keycloak's decode_token lets pass, and introspection does not.
LET_PASS_BY_DECODE: Mapping[str, Token] = {
    "other audience": lambda realm: realm.mint("audience"),
    "ID token": lambda realm: realm.mint("id_token"),
}


def server_url(realm: DevRealm) -> str:
    """The address of the realm's server."""
    return realm.issuer.partition("/realms/")[0]


def drop_in(realm: DevRealm, client_id: str = API, secret: str | None = SECRET, **options: Any) -> KeycloakOpenID:
    """Ours."""
    return KeycloakOpenID(server_url(realm), realm.name, client_id, secret, **options)


def original(realm: DevRealm, client_id: str = API, secret: str | None = SECRET) -> keycloak.KeycloakOpenID:
    """python-keycloak's."""
    return keycloak.KeycloakOpenID(server_url(realm), realm.name, client_id, secret)


def outcome(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a call returns, or the exception that it raises."""
    try:
        return call(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 - that is what is compared
        return error
