"""The claims of an access token, and every check that they have to pass."""

import copy
import json
import pickle
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_protector import AccessToken, Reason
from resource_protector.claims import find_problems
from resource_protector.policy import Policy

NOW = 1_800_000_000
ISSUER = "https://sso.example.com/realms/myorg"
POLICY = Policy.of(ISSUER, "orders-api")
CLAIMS: dict[str, Any] = {
    "exp": NOW + 300,
    "iat": NOW,
    "jti": "trrtcc:00000000-0000-4000-8000-000000000000",
    "iss": ISSUER,
    "aud": ["orders-api", "account"],
    "sub": "7f0c0b0e-0000-4000-8000-000000000000",
    "typ": "Bearer",
    "azp": "web",
    "acr": "1",
    "realm_access": {"roles": ["reader"]},
    "resource_access": {"orders-api": {"roles": ["writer"]}},
    "scope": "profile orders:read",
    "preferred_username": "alice",
}
ABSENT = object()


def found(
    policy: Policy = POLICY, *, header_type: str | None = "JWT", **changes: Any
) -> list[tuple[Reason, str | None]]:
    """Every finding about the good claims with these changes."""
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ABSENT}
    return [(f.reason, f.claim) for f in find_problems(AccessToken(claims), policy, NOW, header_type=header_type)]


def first(policy: Any = POLICY, *, header_type: Any = "JWT", **changes: Any) -> Reason | None:
    """The reason that a request would be refused for."""
    problems = found(policy, header_type=header_type, **changes)
    return problems[0][0] if problems else None


ACCEPTED = [
    pytest.param({}, id="a Keycloak token"),
    pytest.param({"aud": "orders-api"}, id="aud as a string"),
    pytest.param({"exp": NOW - 29}, id="expired within the leeway"),
    pytest.param({"exp": NOW - 29.5}, id="a fraction within the leeway"),
    pytest.param({"nbf": NOW + 30}, id="nbf at the leeway"),
    pytest.param({"iat": NOW + 30}, id="iat at the leeway"),
    pytest.param({"scope": ABSENT, "scp": ["orders:read"]}, id="scp as a list"),
    pytest.param({"scope": ["orders:read"]}, id="scope as a list of strings"),
    pytest.param({"nonce": "x"}, id="a nonce in a bearer token"),
    pytest.param({"scope": ABSENT}, id="no scope at all"),
    pytest.param({"acr": ABSENT, "realm_access": ABSENT, "resource_access": ABSENT}, id="no roles"),
]


@pytest.mark.parametrize("changes", ACCEPTED)
def test_a_good_token_has_no_problem(changes: dict[str, Any]) -> None:
    """Both sides of every boundary: this is the inner one."""
    assert found(**changes) == []


NO_DATES: list[Any] = [float("nan"), float("inf"), -float("inf"), True, "123", [NOW], {}, 10**400, -(10**400)]
REFUSED = [
    pytest.param({"iss": ISSUER + "/"}, Reason.ISSUER, id="issuer with a slash"),
    pytest.param({"iss": ISSUER.upper()}, Reason.ISSUER, id="issuer in another case"),
    pytest.param({"iss": ISSUER[:-1]}, Reason.ISSUER, id="a prefix of the issuer"),
    pytest.param({"iss": [ISSUER]}, Reason.MISSING_CLAIM, id="issuer as a list"),
    pytest.param({"iss": ABSENT}, Reason.MISSING_CLAIM, id="no issuer"),
    pytest.param({"cnf": {"jkt": "x"}}, Reason.BOUND, id="bound by cnf"),
    pytest.param({"cnf": None}, Reason.BOUND, id="cnf, whatever is in it"),
    pytest.param({"typ": "DPoP"}, Reason.BOUND, id="a DPoP token without cnf"),
    pytest.param({"typ": "ID"}, Reason.TOKEN_TYPE, id="an ID token"),
    pytest.param({"typ": ABSENT}, Reason.TOKEN_TYPE, id="an untyped token"),
    pytest.param({"typ": "Refresh"}, Reason.TOKEN_TYPE, id="a refresh token"),
    pytest.param({"typ": "Offline"}, Reason.TOKEN_TYPE, id="an offline token"),
    pytest.param({"typ": "Logout"}, Reason.TOKEN_TYPE, id="a logout token"),
    pytest.param({"typ": "bearer"}, Reason.TOKEN_TYPE, id="a claim typ in another case"),
    pytest.param({"typ": ["Bearer"]}, Reason.TOKEN_TYPE, id="typ as a list"),
    pytest.param({"typ": {"Bearer": 1}}, Reason.TOKEN_TYPE, id="typ as an object"),
    pytest.param({"exp": NOW - 30}, Reason.EXPIRED, id="expired at the leeway"),
    pytest.param({"exp": 0}, Reason.EXPIRED, id="expired in 1970"),
    pytest.param({"nbf": NOW + 31}, Reason.NOT_YET_VALID, id="nbf beyond the leeway"),
    pytest.param({"iat": NOW + 31}, Reason.NOT_YET_VALID, id="iat beyond the leeway"),
    pytest.param({"aud": "account"}, Reason.AUDIENCE, id="only account"),
    pytest.param({"aud": []}, Reason.AUDIENCE, id="an empty list"),
    pytest.param({"aud": ""}, Reason.AUDIENCE, id="an empty string"),
    pytest.param({"aud": "orders-api-admin"}, Reason.AUDIENCE, id="a longer name"),
    pytest.param({"aud": "orders"}, Reason.AUDIENCE, id="a shorter name"),
    pytest.param({"aud": "orders-api account"}, Reason.AUDIENCE, id="two names in one string"),
    pytest.param({"aud": ["orders-api", 1]}, Reason.MISSING_CLAIM, id="mixed types"),
    pytest.param({"aud": {"orders-api": True}}, Reason.MISSING_CLAIM, id="an object"),
    pytest.param({"aud": ABSENT}, Reason.MISSING_CLAIM, id="no audience in a whole token"),
    pytest.param({"sub": ABSENT}, Reason.MISSING_CLAIM, id="no subject in a whole token"),
    pytest.param({"sub": None}, Reason.MISSING_CLAIM, id="null as subject"),
    pytest.param({"sub": 5}, Reason.MISSING_CLAIM, id="a number as subject"),
    pytest.param({"sub": ""}, Reason.MISSING_CLAIM, id="a blank subject"),
    pytest.param({"iat": ABSENT}, Reason.MISSING_CLAIM, id="no iat"),
    pytest.param({"scope": 5}, Reason.MALFORMED, id="a number as scope"),
    pytest.param({"scope": {"a": 1}}, Reason.MALFORMED, id="an object as scope"),
    pytest.param({"scope": ["a", 1]}, Reason.MALFORMED, id="a mixed list as scope"),
    pytest.param({"scope": None}, Reason.MALFORMED, id="null as scope"),
    *(
        pytest.param({name: value}, Reason.MISSING_CLAIM, id=f"{name}: {value!r}"[:30])
        for name in ("exp", "nbf", "iat")
        for value in NO_DATES
    ),
    *(pytest.param({name: None}, Reason.MISSING_CLAIM, id=f"{name}: null") for name in ("exp", "nbf", "iat")),
    pytest.param({"exp": ABSENT}, Reason.MISSING_CLAIM, id="no exp"),
]


@pytest.mark.parametrize(("changes", "reason"), REFUSED)
def test_a_bad_token_is_refused_for_its_reason(changes: dict[str, Any], reason: Reason) -> None:
    """One change, one reason, and it comes first."""
    assert first(**changes) is reason


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        pytest.param({"sub": ABSENT}, "aud", id="a user's: neither aud nor sub"),
        pytest.param({}, "aud", id="a service account's: no aud"),
    ],
)
def test_a_lightweight_token_is_named(changes: dict[str, Any], claim: str) -> None:
    """Keycloak's lightweight tokens lack aud, roles and names together."""
    lean: dict[str, Any] = dict.fromkeys(
        ("aud", "realm_access", "resource_access", "acr", "preferred_username"), ABSENT
    )

    assert found(**lean, **changes)[0] == (Reason.LIGHTWEIGHT, claim)


def test_a_lightweight_token_will_do_where_nothing_is_missing() -> None:
    """Without an audience to check, a service account's lightweight token has all that is needed."""
    lean: dict[str, Any] = dict.fromkeys(
        ("aud", "realm_access", "resource_access", "acr", "preferred_username"), ABSENT
    )

    assert found(Policy.of(ISSUER, None), **lean) == []


def test_an_audience_that_is_not_checked_may_be_anything() -> None:
    """audience=None: said so, and meant."""
    assert found(Policy.of(ISSUER, None), aud="account") == []
    assert found(Policy.of(ISSUER, None), aud=ABSENT) == []


@pytest.mark.parametrize("header_type", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"])
def test_an_rfc_9068_header_says_access_token(header_type: str) -> None:
    """RFC 9068 section 4: compared without case, the application/ prefix may be left out."""
    assert found(header_type=header_type, typ=ABSENT) == []


def test_a_header_cannot_overrule_the_claim() -> None:
    """at+jwt in the header and ID in the claims is no access token."""
    assert first(header_type="at+jwt", typ="ID") is Reason.TOKEN_TYPE


@pytest.mark.parametrize("header_type", ["dpop+jwt", "logout+jwt", "secevent+jwt", "JOSE", "", "application/"])
def test_a_header_of_another_kind_of_token_is_refused(header_type: str) -> None:
    """RFC 8725 section 3.11: explicit typing keeps kinds of tokens apart."""
    assert first(header_type=header_type) is Reason.TOKEN_TYPE
    assert first(Policy.of(ISSUER, "orders-api", token_types=("JWT",)), header_type=header_type, typ=ABSENT) is (
        Reason.TOKEN_TYPE
    )


def test_untyped_tokens_are_accepted_where_somebody_names_them() -> None:
    """Other providers' access tokens say only JWT, or nothing at all."""
    policy = Policy.of(ISSUER, "orders-api", token_types=("JWT",))

    assert found(policy, typ=ABSENT) == []
    assert found(policy, header_type=None, typ=ABSENT) == []
    assert first(policy) is Reason.TOKEN_TYPE


@pytest.mark.parametrize("mark", ["nonce", "at_hash", "c_hash"])
def test_marks_of_an_id_token_refuse_an_untyped_one_even_then(mark: str) -> None:
    """Another provider's ID token is untyped too."""
    assert first(Policy.of(ISSUER, "orders-api", token_types=("JWT",)), typ=ABSENT, **{mark: "x"}) is Reason.TOKEN_TYPE
    assert first(header_type="at+jwt", typ=ABSENT, **{mark: "x"}) is Reason.TOKEN_TYPE


def test_only_what_is_named_is_an_access_token() -> None:
    """token_types= with one of the two defaults: the other one's tokens are refused, whoever says so."""
    bearer, at_jwt = (Policy.of(ISSUER, "orders-api", token_types=(name,)) for name in ("Bearer", "at+jwt"))

    assert first(bearer, header_type="at+jwt", typ=ABSENT) is Reason.TOKEN_TYPE
    assert first(bearer, header_type="application/at+jwt", typ=ABSENT) is Reason.TOKEN_TYPE
    assert first(bearer, header_type="JWT", typ="at+jwt") is Reason.TOKEN_TYPE
    assert first(at_jwt) is Reason.TOKEN_TYPE
    assert first(at_jwt, header_type="at+jwt") is Reason.TOKEN_TYPE  # its claim says Bearer
    assert found(bearer) == found(at_jwt, header_type="at+jwt", typ=ABSENT) == []


def test_header_types_of_ones_own_can_be_named() -> None:
    """token_types= names what a provider's tokens say, in header or claim."""
    policy = Policy.of(ISSUER, "orders-api", token_types=("my+jwt",))

    assert found(policy, header_type="my+jwt", typ=ABSENT) == []


def test_all_problems_are_found_not_only_the_first() -> None:
    """Whoever explains a token shows what the first problem hides."""
    assert found(iss="https://evil.example.com", typ="ID", exp=0, aud="web") == [
        (Reason.ISSUER, "iss"),
        (Reason.TOKEN_TYPE, "typ"),
        (Reason.EXPIRED, "exp"),
        (Reason.AUDIENCE, "aud"),
    ]


def test_further_claims_can_be_required() -> None:
    """required_claims names what must be there, of whatever type."""
    policy = Policy.of(ISSUER, "orders-api", required_claims=("tenant",))

    assert found(policy) == [(Reason.MISSING_CLAIM, "tenant")]
    assert found(policy, tenant=0, iat=ABSENT, sub=ABSENT) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=3), values, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted([*CLAIMS, "cnf", "nbf", "scp", "nonce"])), JSON), st.none() | st.text())
def test_claims_of_any_type_are_judged_without_an_exception(changes: dict[str, Any], header_type: str | None) -> None:
    """Whatever JSON a claim holds, the outcome is a list of findings; and every property can be read."""
    found(header_type=header_type, **changes)
    token = AccessToken({**CLAIMS, **changes})
    token.scopes, token.realm_roles, token.client_roles("orders-api"), token.client_id


class TestAccessToken:
    """What a view holds in its hands."""

    token = AccessToken(CLAIMS)

    def test_speaks_the_fields_words(self) -> None:
        """The properties are the claims, under the names that people use."""
        assert self.token.subject == CLAIMS["sub"]
        assert self.token.issuer == ISSUER
        assert self.token.audience == ("orders-api", "account")
        assert self.token.client_id == "web"
        assert self.token.username == "alice"
        assert self.token.scopes == {"profile", "orders:read"}
        assert self.token.realm_roles == {"reader"}
        assert self.token.client_roles("orders-api") == {"writer"}
        assert self.token.client_roles("other") == frozenset()
        assert self.token.expires_at == NOW + 300

    @pytest.mark.parametrize(
        ("claims", "scopes"),
        [
            ({"scope": "read readall"}, {"read", "readall"}),
            ({"scope": "a  b"}, {"a", "b"}),
            ({"scope": ""}, set()),
            ({"scope": "a\u00a0b"}, {"a\u00a0b"}),
            ({"scope": "a\tb"}, {"a\tb"}),
            ({"scope": ["a b", "c"]}, {"a b", "c"}),
            ({"scp": "a b"}, {"a", "b"}),
            ({"scp": ["a", "b"]}, {"a", "b"}),
            ({"scope": "", "scp": "a"}, set()),
            ({}, set()),
            ({"scope": 5}, set()),
        ],
    )
    def test_splits_scopes_on_single_spaces_only(self, claims: dict[str, Any], scopes: set[str]) -> None:
        """RFC 6749 section 3.3: U+0020 and nothing else; scp only where scope is absent."""
        assert AccessToken(claims).scopes == scopes

    @pytest.mark.parametrize("claims", [{"aud": "a"}, {"aud": ["a"]}])
    def test_has_its_audience_as_a_tuple(self, claims: dict[str, Any]) -> None:
        """A string is an audience of one."""
        assert AccessToken(claims).audience == ("a",)
        assert AccessToken({}).audience == ()

    def test_prefers_client_id_to_azp(self) -> None:
        """Service accounts say client_id; users' tokens only azp."""
        assert AccessToken({"client_id": "a", "azp": "b"}).client_id == "a"

    def test_is_a_dict_to_everybody(self) -> None:
        """json, pickle, ** and == see the plain dict."""
        assert self.token == CLAIMS
        assert json.loads(json.dumps(self.token)) == CLAIMS
        assert dict(**self.token) == CLAIMS
        assert pickle.loads(pickle.dumps(self.token)) == self.token  # noqa: S301 - our own bytes
        assert type(pickle.loads(pickle.dumps(self.token))) is AccessToken  # noqa: S301 - likewise
        assert type(copy.deepcopy(self.token)) is dict
        assert repr(self.token).startswith("AccessToken({")

    def test_is_made_from_any_mapping_and_freezes_it(self) -> None:
        """The mapping that it was made from stays as it was, and so does the token."""
        source: Mapping[str, Any] = {"realm_access": {"roles": ("a",)}}
        token = AccessToken(source)

        with pytest.raises(TypeError, match="copy"):
            token["realm_access"]["roles"].append("admin")
        assert token.realm_roles == {"a"}
