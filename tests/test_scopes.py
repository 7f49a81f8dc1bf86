"""What a route requires of a token, and what of it is missing."""

from typing import Any

import pytest

from resource_protector import AccessToken, Reason, all_of, any_of, exactly
from resource_protector.scopes import Requirements

TOKEN = AccessToken(
    {
        "iss": "https://sso.example.com/realms/myorg",
        "scope": "a b",
        "realm_access": {"roles": ["reader", "Power User"]},
        "resource_access": {"orders-api": {"roles": ["writer"]}},
        "groups": ["/staff"],
        "department": "Human Resources",
        "email_verified": True,
        "level": 1,
    }
)


def missing(*args: Any, **keywords: Any) -> list[Reason]:
    """The reasons that the token falls short."""
    return [finding.reason for finding in Requirements.of(*args, **keywords).problems(TOKEN)]


@pytest.mark.parametrize(
    "scopes",
    [
        None,
        "a",
        "a b",
        "b a",
        ["a", "b"],
        ("a", "b"),
        any_of("a c", "b"),
        any_of("c", "a b"),
        all_of("a", "b"),
        all_of("a", any_of("b", "c")),
        any_of(all_of("a", "b"), "c"),
        [any_of("a", "c"), "b"],
        any_of(["a", "b"], "c"),
    ],
    ids=str,
)
def test_scopes_that_the_token_has(scopes: Any) -> None:
    """Strings and lists mean all; any_of says any in words."""
    assert missing(scopes) == []


@pytest.mark.parametrize(
    "scopes",
    ["c", "a c", ["a", "c"], ["c", "a"], any_of("a c", "c"), all_of("a", any_of("c", "d")), "A", "ab", "a b c"],
    ids=str,
)
def test_scopes_that_the_token_lacks(scopes: Any) -> None:
    """A list is never content with one of its members."""
    assert missing(scopes) == [Reason.INSUFFICIENT_SCOPE]


@pytest.mark.parametrize(
    ("keywords", "reasons"),
    [
        ({"roles": "reader"}, []),
        ({"roles": "admin"}, [Reason.INSUFFICIENT_ROLE]),
        ({"roles": ["reader", "admin"]}, [Reason.INSUFFICIENT_ROLE]),
        ({"roles": any_of("reader", "admin")}, []),
        ({"roles": exactly("Power User")}, []),
        ({"roles": ["reader", exactly("Power User")]}, []),
        ({"client_roles": {"orders-api": "writer"}}, []),
        ({"client_roles": {"orders-api": "reader"}}, [Reason.INSUFFICIENT_ROLE]),
        ({"client_roles": {"other": "writer"}}, [Reason.INSUFFICIENT_ROLE]),
        ({"claims": {"groups": any_of("/staff", "/admins")}}, []),
        ({"claims": {"groups": "/admins"}}, [Reason.INSUFFICIENT_ROLE]),
        ({"claims": {"department": exactly("Human Resources")}}, []),
        ({"claims": {"email_verified": True}}, []),
        ({"claims": {"email_verified": 1}}, [Reason.INSUFFICIENT_ROLE]),
        ({"claims": {"level": 1}}, []),
        ({"claims": {"level": True}}, [Reason.INSUFFICIENT_ROLE]),
        ({"claims": {"absent": "x"}}, [Reason.INSUFFICIENT_ROLE]),
        ({"issuer": "https://sso.example.com/realms/myorg"}, []),
        ({"issuer": "https://sso.example.com/realms/other"}, [Reason.ISSUER]),
        ({"roles": "admin", "claims": {"groups": "/admins"}}, [Reason.INSUFFICIENT_ROLE, Reason.INSUFFICIENT_ROLE]),
    ],
    ids=str,
)
def test_everything_given_must_hold(keywords: dict[str, Any], reasons: list[Reason]) -> None:
    """Realm roles, client roles, claims and the issuer, in the same shapes."""
    assert missing(**keywords) == reasons


@pytest.mark.parametrize(
    ("args", "keywords"),
    [
        (("",), {}),
        ((" ",), {}),
        (([],), {}),
        (((),), {}),
        ((["a", ""],), {}),
        ((b"a",), {}),
        (({"a": 1},), {}),
        ((5.0,), {}),
        ((True,), {}),
        (("a\tb",), {}),
        (('a"b',), {}),
        (("ü",), {}),
        ((exactly("a b"),), {}),
        ((), {"roles": ""}),
        ((), {"roles": []}),
        ((), {"client_roles": {}}),
        ((), {"client_roles": "writer"}),
        ((), {"client_roles": {"orders-api": []}}),
        ((), {"client_roles": {"": "writer"}}),
        ((), {"claims": {"groups": ""}}),
        ((), {"claims": ["groups"]}),
        ((), {"issuer": ""}),
        ((), {"issuer": 5}),
    ],
    ids=str,
)
def test_an_empty_or_impossible_requirement_is_refused(args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    """Only None means "any valid token": what looks like a demand and is none would leave a door open."""
    with pytest.raises(ValueError, match=r".+"):
        Requirements.of(*args, **keywords)


@pytest.mark.parametrize("value", [["a"], None, "", 1.5], ids=str)
def test_exactly_takes_one_value(value: Any) -> None:
    """Refused where it is written, not at each request."""
    with pytest.raises(ValueError, match="exactly"):
        exactly(value)


@pytest.mark.parametrize("make", [any_of, all_of])
def test_any_of_nothing_is_refused(make: Any) -> None:
    """An empty choice fails closed, where it is written."""
    with pytest.raises(ValueError, match="requires nothing"):
        make()
    with pytest.raises(ValueError, match="single spaces"):
        make("")


@pytest.mark.parametrize(
    ("scopes", "parameter"),
    [
        (None, None),
        ("a", "a"),
        ("b a", "b a"),
        (["a", "b c"], "a b c"),
        (["a", "a"], "a"),
        (all_of("a", "b"), "a b"),
        (any_of("a", "b"), None),
        (all_of("a", any_of("b", "c")), None),
    ],
    ids=str,
)
def test_the_challenge_names_the_scopes_where_one_list_is_right(scopes: Any, parameter: str | None) -> None:
    """RFC 6750 section 3: every scope needed; for a choice no single list is right."""
    assert Requirements.of(scopes).scope_parameter == parameter


def test_requirements_join() -> None:
    """Guard and decorator add up."""
    both = Requirements.of("a", roles="x", issuer="i").joined(Requirements.of("b", claims={"g": "1"}))

    assert both.scope_parameter == "a b"
    assert both == Requirements.of(["a", "b"], roles="x", claims={"g": "1"}, issuer="i")
    assert Requirements.of().joined(Requirements.of("b")).scope_parameter == "b"


def test_requirements_are_equal_by_what_they_require() -> None:
    """Two spellings of one demand are one."""
    assert Requirements.of("a b") == Requirements.of(["a", "b"])
    assert hash(Requirements.of("a b")) == hash(Requirements.of(["a", "b"]))


def test_a_demand_reads_as_english() -> None:
    """The log says what was needed."""
    finding = next(iter(Requirements.of(any_of("x y", "z")).problems(TOKEN)))

    assert finding.expected == "(x and y) or z"
    assert finding.actual == ["a", "b"]
    assert str(all_of("x", any_of("y", "z"))) == "x and (y or z)"


@pytest.mark.parametrize("required", [5, True, ["reader", 5], any_of("reader", exactly(5)), exactly(5)], ids=str)
def test_a_role_is_text(required: Any) -> None:
    """No token could ever have another one, so the route would be shut for everybody; a claim may be a number."""
    with pytest.raises(ValueError, match=r"^roles holds (5|True), and a role is text"):
        Requirements.of(roles=required)
    with pytest.raises(ValueError, match=r"client_roles\['orders-api'\] holds (5|True), and a role is text"):
        Requirements.of(client_roles={"orders-api": required})
    assert Requirements.of(claims={"level": required}).claims
