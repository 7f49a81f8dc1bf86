"""Other libraries that check access tokens, each as its documentation says to use it on every request.

Every function here takes a `Situation` and returns a call that verifies its token: signature, issuer, audience and expiry.
Nothing is fetched: keys are where the library keeps them when they are warm. They have no types, so they are imported
by name; one that is not installed, or that refuses the token, is shown as failing.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from resource_protector.dev import DevRealm

__all__ = ["PEERS", "RS256_ONLY", "Call", "Situation"]

Call = Callable[[], object]
AUDIENCE = "orders-api"
# The hosted providers' libraries insist on https, and on addresses of their own form.
HOSTED = "https://sso.example.com/"


@dataclass(frozen=True)
class Situation:
    """A realm, one of its tokens, the key that signed it, and the key set that it is in."""

    realm: DevRealm
    algorithm: str
    token: str
    jwk: Mapping[str, Any]
    document: Mapping[str, Any]

    @property
    def issuer(self) -> str:
        return self.realm.issuer

    def token_of(self, issuer: str) -> str:
        """The like of the token for another issuer, signed with the realm's own key."""
        return self.realm.mint(iss=issuer, scope="profile email test_api_access")

    @property
    def signing_keys(self) -> dict[str, Any]:
        """The key set without the key for encryption, which most libraries cannot read."""
        return {"keys": [key for key in self.document["keys"] if key.get("use") == "sig"]}


def authlib_validator(situation: Situation) -> Call:
    rfc7523: Any = import_module("authlib.oauth2.rfc7523")
    validator = rfc7523.JWTBearerTokenValidator(_joserfc_set(situation), issuer=situation.issuer)
    validator.claims_options = {
        "exp": {"essential": True},
        "iss": {"essential": True, "value": situation.issuer},
        "aud": {"essential": True, "value": AUDIENCE},
    }

    def call() -> object:
        return _demanded(validator.authenticate_token(situation.token))

    return call


def joserfc(situation: Situation) -> Call:
    jwt: Any = import_module("joserfc.jwt")
    keys = _joserfc_set(situation)
    claims = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": situation.issuer},
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
    )
    algorithms = [situation.algorithm]

    def call() -> object:
        token = jwt.decode(situation.token, keys, algorithms=algorithms)
        claims.validate(token.claims)
        return token

    return call


def authlib_jose(situation: Situation) -> Call:
    jose: Any = import_module("authlib.jose")
    jwt = jose.JsonWebToken([situation.algorithm])
    keys = jose.JsonWebKey.import_key_set(situation.signing_keys)
    options = {
        "iss": {"essential": True, "value": situation.issuer},
        "aud": {"essential": True, "value": AUDIENCE},
        "exp": {"essential": True},
    }

    def call() -> object:
        claims = jwt.decode(situation.token, keys, claims_options=options)
        claims.validate()
        return claims

    return call


def python_jose(situation: Situation) -> Call:
    jwt: Any = import_module("jose.jwt")
    jwk: Any = import_module("jose.jwk")
    key = jwk.construct(dict(situation.jwk), situation.algorithm)
    return lambda: jwt.decode(
        situation.token, key, algorithms=[situation.algorithm], audience=AUDIENCE, issuer=situation.issuer
    )


def pyjwt(situation: Situation) -> Call:
    jwt: Any = import_module("jwt")
    key = jwt.PyJWK(dict(situation.jwk)).key
    return lambda: jwt.decode(
        situation.token, key, algorithms=[situation.algorithm], audience=AUDIENCE, issuer=situation.issuer
    )


def pyjwt_client(situation: Situation) -> Call:
    jwt: Any = import_module("jwt")
    client = jwt.PyJWKClient(situation.issuer + "/protocol/openid-connect/certs")

    def call() -> object:
        key = client.get_signing_key_from_jwt(situation.token).key
        return jwt.decode(
            situation.token, key, algorithms=[situation.algorithm], audience=AUDIENCE, issuer=situation.issuer
        )

    return call


def jwcrypto(situation: Situation) -> Call:
    jwt: Any = import_module("jwcrypto.jwt")
    jwk: Any = import_module("jwcrypto.jwk")
    key = jwk.JWK(**situation.jwk)

    def call() -> object:
        token = jwt.JWT(
            jwt=situation.token,
            key=key,
            algs=[situation.algorithm],
            check_claims={"iss": situation.issuer, "aud": AUDIENCE, "exp": None},
        )
        return json.loads(token.claims)

    return call


def python_keycloak(situation: Situation) -> Call:
    keycloak: Any = import_module("keycloak")
    jwk: Any = import_module("jwcrypto.jwk")
    server, _, realm = situation.issuer.partition("/realms/")
    provider = keycloak.KeycloakOpenID(server_url=server, realm_name=realm, client_id=AUDIENCE)
    key = jwk.JWK(**situation.jwk)
    claims = {"iss": situation.issuer, "aud": AUDIENCE, "exp": None}
    return lambda: provider.decode_token(situation.token, key=key, algs=[situation.algorithm], check_claims=claims)


def auth0(situation: Situation) -> Call:
    package: Any = import_module("auth0_api_python")
    token = situation.token_of(HOSTED)

    async def fetch(url: str) -> object:
        return (
            {"issuer": HOSTED, "jwks_uri": HOSTED + "certs"}
            if "openid-configuration" in url
            else situation.signing_keys
        )

    client = package.ApiClient(
        package.ApiClientOptions(domain="sso.example.com", audience=AUDIENCE, custom_fetch=fetch)
    )
    return lambda: _ended(client.verify_access_token(token))


def guardpost(situation: Situation) -> Call:
    jwts: Any = import_module("guardpost.jwts")
    jwks: Any = import_module("guardpost.jwks")
    keys = jwks.JWKS.from_dict({"keys": [situation.jwk]})

    async def get_keys(self: object) -> object:
        return keys

    # The base class is only known now: this is `class Warm(jwks.KeysProvider)`.
    provider = types.new_class("Warm", (jwks.KeysProvider,), exec_body=lambda body: body.update(get_keys=get_keys))
    validator = jwts.AsymmetricJWTValidator(
        valid_issuers=[situation.issuer],
        valid_audiences=[AUDIENCE],
        algorithms=[situation.algorithm],
        keys_provider=provider(),
    )
    return lambda: _ended(validator.validate_jwt(situation.token))


def okta(situation: Situation) -> Call:
    package: Any = import_module("okta_jwt_verifier")
    executor: Any = import_module("okta_jwt_verifier.request_executor")
    issuer = HOSTED + "oauth2/default"
    token = situation.token_of(issuer)

    # The retries and the throttle around it are the library's own; its cache of answers is not measured.
    async def fire_request(self: object, uri: str, **parameters: object) -> object:
        return situation.signing_keys

    warm = types.new_class(
        "Warm", (executor.RequestExecutor,), exec_body=lambda body: body.update(fire_request=fire_request)
    )
    verifier = package.AccessTokenVerifier(issuer=issuer, audience=AUDIENCE, request_executor=warm)
    return lambda: _ended(verifier.verify(token))


def axioms(situation: Situation) -> Call:
    core: Any = import_module("axioms_core")
    helper: Any = import_module("axioms_core.helper")
    url = situation.issuer + "/protocol/openid-connect/certs"
    config = {"AXIOMS_ISS_URL": situation.issuer, "AXIOMS_AUDIENCE": AUDIENCE, "AXIOMS_JWKS_URL": url}
    core.initialize_jwks_manager(jwks_url=url)

    # The body of its decorator without the request around it.
    def call() -> object:
        header = helper.validate_token_header(situation.token)
        key = helper.get_key_from_jwks_json(header["kid"], config)
        return helper.check_token_validity(
            token=situation.token, key=key, alg=header["alg"], audience=AUDIENCE, issuer=situation.issuer
        )

    return call


def _joserfc_set(situation: Situation) -> Any:
    return import_module("joserfc.jwk").KeySet.import_key_set(situation.signing_keys)


def _demanded(answer: object) -> object:
    if not answer:
        raise ValueError("refused, without a reason")
    return answer


def _ended(coroutine: Coroutine[Any, Any, Any]) -> object:
    """What a coroutine returns that awaits nothing, without the price of an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("it waited for something")


PEERS: dict[str, Callable[[Situation], Call]] = {
    "Authlib, rfc7523 validator": authlib_validator,
    "joserfc, decode with a KeySet": joserfc,
    "authlib.jose (deprecated)": authlib_jose,
    "python-jose": python_jose,
    "PyJWT, prepared key": pyjwt,
    "PyJWT, warm PyJWKClient": pyjwt_client,
    "jwcrypto": jwcrypto,
    "python-keycloak, decode_token(key=)": python_keycloak,
    "guardpost": guardpost,
}
#: Those that know no other algorithm, or no other issuer than their provider's.
RS256_ONLY: dict[str, Callable[[Situation], Call]] = {
    "auth0-api-python": auth0,
    "okta-jwt-verifier": okta,
    "axioms-flask": axioms,
}
