"""What `require_auth(...)` returns: a dependency that FastAPI can compare, merge and override."""

from collections.abc import Callable
from itertools import combinations
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Security
from fastapi.testclient import TestClient

from resource_protector import (
    AccessToken,
    Finding,
    MultiRealmValidator,
    RealmTokenValidator,
    Reason,
    TokenRejected,
    any_of,
    exactly,
)
from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from resource_protector.fastapi import ResourceProtector

# No `from __future__ import annotations` here: FastAPI evaluates annotations, and cannot see a function's own names.

SECRET = "orders-api-secret"  # the realm file's
INSUFFICIENT = (
    'Bearer error="insufficient_scope", error_description="The access token lacks a scope that this needs", scope="{}"'
)


class Counting(RealmTokenValidator):
    """Counts how often it is asked."""

    asked = 0

    async def verify_async(self, token_string: str, *, introspect: bool = False) -> AccessToken:
        """As ever."""
        self.asked += 1
        return await super().verify_async(token_string, introspect=introspect)


def test_the_token_is_handed_over(dev_realm: DevRealm, app: FastAPI, require_auth: ResourceProtector) -> None:
    """The parameter is the AccessToken itself, with its properties."""

    @app.get("/")
    async def view(token: Annotated[AccessToken, Depends(require_auth("a"))]) -> dict[str, Any]:
        return {"sub": token.subject, "scopes": sorted(token.scopes), "kind": type(token).__name__}

    answer = TestClient(app).get("/", headers=dev_realm.bearer(sub="alice", scope="a b"))

    assert answer.json() == {"sub": "alice", "scopes": ["a", "b"], "kind": "AccessToken"}


def test_application_router_and_route_verify_once(dev_realm: DevRealm) -> None:
    """Three dependencies add up, and the validator is asked once."""
    validator = Counting(dev_realm.issuer, audience="orders-api", token_cache_size=0)
    require_auth = ResourceProtector(validator)
    app = FastAPI(dependencies=[Depends(require_auth("app"))])
    router = APIRouter(dependencies=[Depends(require_auth("router"))])

    @router.get("/")
    async def view(token: Annotated[AccessToken, Security(require_auth("route"), scopes=["security"])]) -> AccessToken:
        return token

    app.include_router(router, prefix="/inside")
    client = TestClient(app)

    answer = client.get("/inside/", headers=dev_realm.bearer(scope="app router route security", sub="alice"))
    assert (answer.status_code, answer.json()["sub"]) == (200, "alice")
    assert validator.asked == 1
    for missing in ("app", "router", "route", "security"):
        granted = " ".join({"app", "router", "route", "security"} - {missing})
        answer = client.get("/inside/", headers=dev_realm.bearer(scope=granted))

        assert answer.status_code == 403
        assert answer.headers["WWW-Authenticate"] == INSUFFICIENT.format("app router route security")


def test_the_challenge_names_what_the_whole_route_needs(app: FastAPI, require_auth: ResourceProtector) -> None:
    """E1: the first dependency refuses, for all of them."""
    app.router.dependencies.append(Depends(require_auth("app")))

    @app.get("/", dependencies=[Depends(require_auth(any_of("x", "y")))])
    @app.get("/plain", dependencies=[Depends(require_auth("plain"))])
    async def view() -> None: ...

    client = TestClient(app)

    assert client.get("/plain").headers["WWW-Authenticate"] == 'Bearer scope="app plain"'
    assert client.get("/").headers["WWW-Authenticate"] == "Bearer"  # no single list is right


def test_security_scopes_reach_a_dependency_further_in(
    dev_realm: DevRealm, app: FastAPI, require_auth: ResourceProtector
) -> None:
    """`Security(get_user, scopes=[...])` means the token that get_user depends on."""

    async def get_user(token: Annotated[AccessToken, Depends(require_auth(None))]) -> str:
        return str(token.subject)

    @app.get("/")
    async def view(user: Annotated[str, Security(get_user, scopes=["orders:read", "orders:list"])]) -> str:
        return user

    client = TestClient(app)
    assert client.get("/").headers["WWW-Authenticate"] == 'Bearer scope="orders:read orders:list"'
    assert client.get("/", headers=dev_realm.bearer(scope="orders:read")).status_code == 403
    assert client.get("/", headers=dev_realm.bearer(scope="orders:list orders:read", sub="bob")).json() == "bob"


@pytest.mark.parametrize(
    ("demand", "good", "bad"),
    [
        pytest.param({"roles": "admin"}, {"realm_access": {"roles": ["admin"]}}, {}, id="role"),
        pytest.param(
            {"client_roles": {"shop": "clerk"}},
            {"resource_access": {"shop": {"roles": ["clerk"]}}},
            {},
            id="client role",
        ),
        pytest.param({"claims": {"groups": any_of("/a", "/b")}}, {"groups": ["/b"]}, {"groups": ["/c"]}, id="claim"),
    ],
)
def test_other_demands(
    dev_realm: DevRealm, app: FastAPI, require_auth: ResourceProtector, demand: Any, good: Any, bad: Any
) -> None:
    """Roles, client roles and claims, in words of their own."""

    @app.get("/", dependencies=[Depends(require_auth(**demand))])
    async def view() -> None: ...

    client = TestClient(app)

    assert client.get("/", headers=dev_realm.bearer(**good)).status_code == 200
    assert client.get("/", headers=dev_realm.bearer(**bad)).status_code == 403


def test_an_optional_token(dev_realm: DevRealm, app: FastAPI, require_auth: ResourceProtector) -> None:
    """None without one; a bad one is refused; beside a dependency that demands one, it is demanded."""

    @app.get("/")
    async def view(token: Annotated[AccessToken | None, Depends(require_auth("a", optional=True))]) -> str | None:
        return token.subject if token else None

    @app.get("/both", dependencies=[Depends(require_auth(None))])
    async def both(token: Annotated[AccessToken | None, Depends(require_auth(optional=True))]) -> None: ...

    client = TestClient(app)

    assert client.get("/").json() is None
    assert client.get("/", headers=dev_realm.bearer(scope="a", sub="alice")).json() == "alice"
    assert client.get("/", headers=dev_realm.bearer(scope="b")).status_code == 403
    assert client.get("/", headers={"Authorization": "Bearer x"}).status_code == 401
    assert client.get("/both").status_code == 401


# Comparing


def test_equal_dependencies(require_auth: ResourceProtector) -> None:
    """Equal and hashable by protector and demands; True, 1 and optional are told apart."""
    other = ResourceProtector("https://sso.example.com/realms/x", audience="a")
    different = [
        require_auth(),
        require_auth("a"),
        require_auth("a", optional=True),
        require_auth("a", roles="a"),
        require_auth(any_of("a", "b")),
        require_auth("a b"),
        require_auth(claims={"ok": exactly(True)}),
        require_auth(claims={"ok": exactly(1)}),
        other("a"),
    ]

    assert require_auth("a b") == require_auth(["a", "b"])
    assert hash(require_auth("a b")) == hash(require_auth(["a", "b"]))
    assert len(set(different)) == len(different)
    assert not [(one, other) for one, other in combinations(different, 2) if one == other]
    assert require_auth("a") != "a"


def test_an_override_finds_its_dependency(dev_realm: DevRealm, app: FastAPI, require_auth: ResourceProtector) -> None:
    """A user's own tests replace a demand by naming it again; the others stay."""

    @app.get("/")
    async def view(token: Annotated[AccessToken, Depends(require_auth("a"))]) -> str | None:
        return token.username

    @app.get("/other", dependencies=[Depends(require_auth("b"))])
    async def other() -> None: ...

    app.dependency_overrides[require_auth("a")] = lambda: AccessToken({"preferred_username": "alice"})
    client = TestClient(app)

    assert client.get("/").json() == "alice"
    assert client.get("/other").status_code == 401
    app.dependency_overrides.clear()
    assert client.get("/").status_code == 401


def test_the_dev_realm_protects(dev_realm: DevRealm, app: FastAPI) -> None:
    """A user's own tests give a deployed application tokens of the dev realm."""
    require_auth = ResourceProtector("https://sso.example.com/realms/myorg", audience="orders-api")

    @app.get("/")
    async def view(token: Annotated[AccessToken, Depends(require_auth("a"))]) -> str | None:
        return token.subject

    client = TestClient(app)
    with dev_realm.protects(require_auth):
        assert client.get("/", headers=dev_realm.bearer(scope="a", sub="alice")).json() == "alice"
    assert client.get("/", headers=dev_realm.bearer(scope="a")).status_code == 401


# Mistakes


def on_route(app: FastAPI, require_auth: ResourceProtector) -> None:
    """As a parameter."""

    @app.get("/")
    async def view(token: Annotated[AccessToken, Depends(require_auth)]) -> None: ...


def on_router(app: FastAPI, require_auth: ResourceProtector) -> None:
    """For all routes of a router."""
    router = APIRouter(dependencies=[Depends(require_auth)])
    router.get("/")(lambda: None)


def on_application(app: FastAPI, require_auth: ResourceProtector) -> None:
    """For all routes of an application."""
    FastAPI(dependencies=[Depends(require_auth)]).get("/")(lambda: None)


def inside(app: FastAPI, require_auth: ResourceProtector) -> None:
    """Of a dependency."""

    def get_user(token: Annotated[AccessToken, Depends(require_auth)]) -> None: ...

    app.get("/", dependencies=[Depends(get_user)])(lambda: None)


def on_application_with_routers(app: FastAPI, require_auth: ResourceProtector) -> None:
    """Where FastAPI itself would look at it with the first request only."""
    require_auth.init_app(FastAPI(dependencies=[Depends(require_auth)]))


def as_decorator(app: FastAPI, require_auth: ResourceProtector) -> None:
    """As with Flask."""
    require_auth(lambda: None)  # type: ignore[call-overload]  # that is the mistake


@pytest.mark.parametrize(
    "mistake", [on_route, on_router, on_application, inside, on_application_with_routers, as_decorator]
)
def test_forgetting_the_brackets_fails_at_import(
    app: FastAPI, require_auth: ResourceProtector, mistake: Callable[[FastAPI, ResourceProtector], None]
) -> None:
    """`Depends(require_auth)` would call the protector with the request, and leave the route open."""
    with pytest.raises(TypeError, match=r"Depends\(require_auth\(None\)\)"):
        mistake(app, require_auth)


@pytest.mark.parametrize("scopes", ["", " ", [], any_of])
def test_an_empty_demand(require_auth: ResourceProtector, scopes: Any) -> None:
    """Only None means any valid token."""
    with pytest.raises((ValueError, TypeError)):
        require_auth(scopes)


def test_an_unknown_demand(require_auth: ResourceProtector) -> None:
    """A keyword that is none is an error where the route is written."""
    with pytest.raises(TypeError):
        require_auth("a", role="b")  # type: ignore[call-overload]  # that is the mistake
    with pytest.raises(ValueError, match="optional"):
        require_auth("a", optional="yes")  # type: ignore[call-overload]  # likewise


def test_introspection_needs_credentials(require_auth: ResourceProtector) -> None:
    """ValueError where the route is written, or where the validator comes."""
    later = ResourceProtector()
    later(introspect=True)

    with pytest.raises(ValueError, match="client_secret="):
        require_auth(introspect=True)
    with pytest.raises(ValueError, match="client_secret="):
        later.register_token_validator(RealmTokenValidator("https://sso.example.com/realms/x", audience="a"))


def test_a_verify_of_ones_own_is_not_by_passed(dev_realm: DevRealm) -> None:
    """A subclass that overrides `verify` alone would check nothing here, and is refused."""

    class Stricter(RealmTokenValidator):
        def verify(self, token_string: str, *, introspect: bool = False) -> AccessToken:
            raise AssertionError("nobody calls this")

    with pytest.raises(ValueError, match="override verify_async too"):
        ResourceProtector(Stricter(dev_realm.issuer, audience="orders-api"))


def test_a_verdict_of_ones_own_is_asked_for_each_time(dev_realm: DevRealm, app: FastAPI) -> None:
    """What the cache holds does not stand in for a subclass's `verify_async`."""
    validator = Counting(dev_realm.issuer, audience="orders-api")
    require_auth = ResourceProtector(validator)
    app.get("/", dependencies=[Depends(require_auth())])(lambda: None)
    client, headers = TestClient(app), dev_realm.bearer()

    assert {client.get("/", headers=headers).status_code for _ in range(3)} == {200}
    assert validator.asked == 3


def test_no_validator(app: FastAPI) -> None:
    """At request time, RuntimeError says what to call."""
    require_auth = ResourceProtector()
    app.get("/", dependencies=[Depends(require_auth())])(lambda: None)

    with pytest.raises(RuntimeError, match="register_token_validator"):
        TestClient(app).get("/")


def test_several_realms(dev_realm: DevRealm) -> None:
    """A token seen before is its own realm's; a route for one realm asks nobody about another's tokens."""
    with DevRealm(DEMO_REALM_FILE) as other:
        here, there = (
            RealmTokenValidator(realm.issuer, audience="orders-api", client_id="orders-api", client_secret=SECRET)
            for realm in (dev_realm, other)
        )
        require_auth = ResourceProtector(MultiRealmValidator(here, there))
        app = FastAPI()
        app.get("/", dependencies=[Depends(require_auth(None))])(lambda: "good")
        app.get("/asked", dependencies=[Depends(require_auth(introspect=True, issuer=here.policy.issuer))])(
            lambda: "good"
        )
        client, theirs = TestClient(app), other.bearer()
        answers = [client.get("/", headers=theirs).status_code for _ in range(2)]
        refused = client.get("/asked", headers=theirs)
        asked = client.get("/asked", headers=dev_realm.bearer())
        questions = other.requests["introspection"]

    assert answers == [200, 200]
    assert (refused.status_code, asked.status_code) == (401, 200)
    assert "issued by another issuer" in refused.headers["WWW-Authenticate"]
    assert questions == 0
    assert dev_realm.requests["introspection"] == 1


def test_a_forgotten_depends_takes_no_claims_from_a_body(dev_realm: DevRealm, require_auth: ResourceProtector) -> None:
    """FastAPI would make a body parameter of it: in an annotation it fails at import, else nobody gets in."""
    app = FastAPI()

    @app.post("/bare")
    async def bare(token: AccessToken) -> AccessToken:
        return token

    @app.post("/default")
    async def default(token: AccessToken = require_auth(None)) -> AccessToken:  # type: ignore[assignment]  # noqa: B008 - the mistake
        return token

    client = TestClient(app, raise_server_exceptions=False)
    answers = [client.post(path, json={"sub": "evil"}) for path in ("/bare", "/default")]

    assert all(answer.status_code >= 400 for answer in answers)
    assert not any("evil" in answer.text and answer.status_code == 200 for answer in answers)
    assert require_auth.unprotected(app) == ["POST /bare", "POST /default"]
    with pytest.raises(TypeError, match=r"write Depends\(require_auth"):

        @app.get("/annotated")
        async def annotated(token: Annotated[AccessToken, require_auth(None)]) -> AccessToken:
            return token


def test_lightweight_tokens(dev_realm: DevRealm) -> None:
    """Completed by the realm on every request: what is remembered of them is never the whole."""
    validator = RealmTokenValidator(
        dev_realm.issuer,
        audience="orders-api",
        client_id="orders-api",
        client_secret=SECRET,
        introspection_seconds=0,
    )
    require_auth = ResourceProtector(validator)
    app = FastAPI()
    app.get("/", dependencies=[Depends(require_auth(None))])(lambda: "good")
    client = TestClient(app)
    headers = dev_realm.bearer(dev_realm.token(client="lightweight", user="alice", scope="test_api_access"))
    before = [client.get("/", headers=headers).status_code for _ in range(2)]
    with dev_realm.log_out("alice"):
        after = [client.get("/", headers=headers).status_code for _ in range(2)]

    assert (before, after) == ([200, 200], [401, 401])


class Banning:
    """Rules of one's own, to be mixed in."""

    def verify(self, token_string: str, *, introspect: bool = False) -> AccessToken:
        """Nobody."""
        raise TokenRejected(Finding(Reason.INACTIVE))

    async def verify_async(self, token_string: str, *, introspect: bool = False) -> AccessToken:
        """Only the first time."""
        token: AccessToken = await super().verify_async(token_string, introspect=introspect)  # type: ignore[misc]  # of what it is mixed into
        if token.subject == "banned":
            raise TokenRejected(Finding(Reason.INACTIVE))
        return token


def test_rules_that_are_mixed_in_are_asked_each_time(dev_realm: DevRealm) -> None:
    """A verdict that was remembered would by-pass them."""
    kind: Any = type("Mixed", (Banning, RealmTokenValidator), {})
    require_auth = ResourceProtector(kind(dev_realm.issuer, audience="orders-api"))
    app = FastAPI()
    app.get("/", dependencies=[Depends(require_auth(None))])(lambda: "good")
    client, headers = TestClient(app), dev_realm.bearer(sub="banned")

    assert [client.get("/", headers=headers).status_code for _ in range(3)] == [401, 401, 401]


def test_rules_that_nobody_would_ask_are_refused(dev_realm: DevRealm) -> None:
    """For one realm of several, and a `require` of one's own."""
    kind: Any = type("Mixed", (Banning, RealmTokenValidator), {})
    strict: Any = type("Strict", (RealmTokenValidator,), {"require": lambda *_: None})
    with pytest.raises(ValueError, match="overrides verify"):
        MultiRealmValidator(kind(dev_realm.issuer, audience="orders-api"))
    with pytest.raises(ValueError, match="overrides require"):
        ResourceProtector(strict(dev_realm.issuer, audience="orders-api"))


def test_a_router_that_forgot_the_brackets_stops_the_start(require_auth: ResourceProtector) -> None:
    """FastAPI looks at routers that are included with dependencies when it first needs them."""
    app = FastAPI(lifespan=require_auth.lifespan)
    router = APIRouter()
    router.get("/")(lambda: "open?")
    app.include_router(router, dependencies=[Depends(require_auth)])

    with pytest.raises(TypeError, match=r"write Depends\(require_auth\(None\)\)"), TestClient(app):
        pass
