from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st

from resource_protector.dev.http_exchange import HttpRequest
from resource_protector.dev.minting import mint
from resource_protector.dev.routes import answer_request
from resource_protector.realm import introspection_url, logout_url, revocation_url, token_url, userinfo_url
from tests.dev import realms

ISSUER = realms.issuer(realms.client(), realms.client("web", publicClient=True, redirectUris=["*"]))
PATHS = [url("/realms/small") for url in (introspection_url, logout_url, revocation_url, token_url, userinfo_url)]
NAMES = ["client_id", "client_secret", "token", "token_type_hint", "refresh_token", "id_token_hint", "access_token"]
NAMES += ["post_logout_redirect_uri", "state", "grant_type", "scope", "username", "password"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
CLAIMS = st.dictionaries(
    st.sampled_from(["exp", "iat", "nbf", "sub", "aud", "azp", "sid", "jti", "typ", "scope", "preferred_username"]),
    JSON,
)
TOKENS = st.builds(
    lambda claims, wrong: mint(ISSUER, ["api"], wrong, claims), CLAIMS, st.sampled_from([None, "refresh_token"])
)
VALUES = st.text() | TOKENS | st.sampled_from(["api", "s", "web", "refresh_token", "http://a.example/"])
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=6)


@given(st.sampled_from(PATHS), PAIRS, PAIRS, st.none() | st.text() | TOKENS.map("Bearer {}".format))
def test_no_request_is_an_error_of_ours(
    path: str, form: list[tuple[str, str]], query: list[tuple[str, str]], authorization: str | None
) -> None:
    """Whatever parameters, headers and claims are sent, there is an answer, and header fields can hold it."""
    for method in ("GET", "POST"):
        answer = answer_request(
            ISSUER,
            HttpRequest(
                method,
                f"{path}?{urlencode(query, errors='surrogatepass')}",
                authorization,
                "application/x-www-form-urlencoded",
                urlencode(form, errors="surrogatepass").encode(),
            ),
        )

        assert answer.status_code < 500
        assert all("\r" not in value and "\n" not in value for value in answer.headers.values())
        assert all(value.encode("latin-1") is not None for value in answer.headers.values())


@given(CLAIMS)
def test_nothing_but_bearers_of_a_good_token_is_told_anything(claims: dict[str, object]) -> None:
    """A token with odd claims is active only for a client that they name in `aud`."""
    form = urlencode({"client_id": "api", "client_secret": "s", "token": mint(ISSUER, ["api"], None, claims)})
    request = HttpRequest("POST", PATHS[0], None, "application/x-www-form-urlencoded", form.encode())
    answer = answer_request(ISSUER, request)
    audience = claims.get("aud", "api") if claims.get("aud", "api") is not None else None

    if b'"active": true' in answer.body:
        assert audience == "api" or (isinstance(audience, list) and "api" in audience)
