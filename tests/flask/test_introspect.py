"""Routes that ask the realm, beside routes that do not."""

from typing import Any

import pytest
from flask import Blueprint, Flask, g
from flask.testing import FlaskClient

from resource_protector import MultiRealmValidator, RealmTokenValidator
from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from resource_protector.flask import ResourceProtector, current_token

SECRET = "orders-api-secret"


def validator(issuer: str, **options: Any) -> RealmTokenValidator:
    """The API's validator, with the credentials of its client."""
    given: dict[str, Any] = {"client_id": "orders-api", "client_secret": SECRET}
    return RealmTokenValidator(issuer, audience="orders-api", **{**given, **options})


def without_credentials(issuer: str) -> RealmTokenValidator:
    """A validator that cannot ask."""
    return RealmTokenValidator(issuer, audience="orders-api")


@pytest.fixture
def require_auth(dev_realm: DevRealm) -> ResourceProtector:
    """Asks each time."""
    return ResourceProtector(validator(dev_realm.issuer, introspection_seconds=0))


@pytest.fixture
def client(require_auth: ResourceProtector) -> FlaskClient:
    """An application with routes of both kinds."""
    app = Flask(__name__)

    @app.get("/plain")
    @require_auth("test_api_access")
    def plain() -> Any:
        return {"roles": sorted(current_token.client_roles("orders-api"))}

    @app.get("/asked")
    @require_auth("test_api_access", introspect=True)
    def asked() -> Any:
        return {"roles": sorted(current_token.client_roles("orders-api"))}

    @app.get("/asked-async")
    @require_auth(introspect=True)
    async def asked_async() -> Any:
        return {"roles": sorted(current_token.client_roles("orders-api"))}

    @app.get("/writers")
    @require_auth(client_roles={"orders-api": "writer"}, introspect=True)
    def writers() -> Any:
        return "for writers"

    @app.get("/both")
    @require_auth(introspect=True)
    @require_auth("test_api_access")
    def both() -> Any:
        with require_auth.acquire(introspect=True) as token:
            return {"active": token["active"]}

    @app.get("/inner")
    @require_auth("test_api_access")
    def inner() -> Any:
        with require_auth.acquire(introspect=True) as token:
            return {"active": token["active"], "current": current_token.get("active")}

    @app.get("/optional")
    @require_auth(optional=True, introspect=True)
    def optional() -> Any:
        return {"who": current_token["sub"] if current_token else None}

    return app.test_client()


@pytest.fixture
def alice(dev_realm: DevRealm) -> dict[str, str]:
    """The header of a user with a session."""
    return dev_realm.bearer(dev_realm.token(client="web", user="alice", scope="test_api_access"))


@pytest.mark.parametrize("path", ["/asked", "/asked-async", "/both", "/inner", "/optional"])
def test_a_logout_ends_the_token_where_the_realm_is_asked(
    dev_realm: DevRealm, client: FlaskClient, alice: dict[str, str], path: str
) -> None:
    """401 `inactive` there, while the plain route goes on."""
    before = client.get(path, headers=alice)
    with dev_realm.log_out("alice"):
        after = client.get(path, headers=alice)
        plain = client.get("/plain", headers=alice)

    assert (before.status_code, after.status_code, plain.status_code) == (200, 401, 200)
    assert after.get_json() == {"error": "invalid_token", "error_description": "The access token is no longer active"}
    assert after.headers["Cache-Control"] == "no-store"
    assert "The access token is no longer active" in after.headers["WWW-Authenticate"]


def test_a_removed_role_is_403_at_once(dev_realm: DevRealm, client: FlaskClient, alice: dict[str, str]) -> None:
    """And a view reads the roles of today."""
    with dev_realm.remove_role("alice", "writer", client="orders-api"):
        assert client.get("/writers", headers=alice).status_code == 403
        assert client.get("/asked", headers=alice).get_json() == {"roles": []}
        assert client.get("/plain", headers=alice).get_json() == {"roles": ["writer"]}


def test_the_realm_is_asked_once_per_request(dev_realm: DevRealm, client: FlaskClient, alice: dict[str, str]) -> None:
    """Two decorators and an acquire in the view share one question, also with introspection_seconds=0."""
    answer = client.get("/both", headers=alice)

    assert answer.get_json() == {"active": True}
    assert dev_realm.requests["introspection"] == 1


def test_an_acquire_may_ask_where_the_decorator_did_not(
    dev_realm: DevRealm, client: FlaskClient, alice: dict[str, str]
) -> None:
    """From then on the request's token is the realm's."""
    assert client.get("/inner", headers=alice).get_json() == {"active": True, "current": True}
    assert dev_realm.requests["introspection"] == 1


def test_nobody_is_asked_about_nothing(dev_realm: DevRealm, client: FlaskClient) -> None:
    """No token, a bad token, a token that lacks something: refused before any question about it, or after one."""
    assert client.get("/optional").get_json() == {"who": None}
    assert client.get("/asked").status_code == 401
    assert client.get("/asked", headers=dev_realm.bearer(wrong="expired")).status_code == 401
    assert dev_realm.requests["introspection"] == 0


def test_a_realm_that_cannot_be_asked(dev_realm: DevRealm, client: FlaskClient, alice: dict[str, str]) -> None:
    """503 with Retry-After where it is asked, 200 where it is not."""
    client.get("/plain", headers=alice)
    with dev_realm.down():
        asked, plain = client.get("/asked", headers=alice), client.get("/plain", headers=alice)

    assert (asked.status_code, plain.status_code) == (503, 200)
    assert asked.get_json() == {
        "error": "temporarily_unavailable",
        "error_description": "The access token cannot be checked at the moment",
    }
    assert asked.headers["Retry-After"] == "1"
    assert "WWW-Authenticate" not in asked.headers


def test_guards(dev_realm: DevRealm, require_auth: ResourceProtector, alice: dict[str, str]) -> None:
    """A guard may ask for all routes, or leave it to those that do, and either way it is asked once."""
    app, asking = Flask(__name__), Blueprint("asking", __name__)

    @app.get("/plain")
    def plain() -> Any:
        return {"active": g.token.get("active")}

    @app.get("/asked")
    @require_auth(introspect=True)
    def asked() -> Any:
        return {"active": g.token.get("active")}

    @asking.get("/guarded")
    def guarded() -> Any:
        return {"active": current_token.get("active")}

    require_auth.guard(app, g_name="token")
    require_auth.guard(asking, introspect=True)
    app.register_blueprint(asking)
    client = app.test_client()

    def questions(path: str) -> tuple[Any, int]:
        dev_realm.requests.clear()
        return client.get(path, headers=alice).get_json(), dev_realm.requests["introspection"]

    assert questions("/plain") == ({"active": None}, 0)
    assert questions("/asked") == ({"active": True}, 1)
    assert questions("/guarded") == ({"active": True}, 1)


def view() -> str:
    """Something to decorate."""
    return ""


def test_without_credentials_it_is_refused_at_decoration(dev_realm: DevRealm) -> None:
    """The validator is there: decorator, guard."""
    require_auth = ResourceProtector(without_credentials(dev_realm.issuer))
    with pytest.raises(ValueError, match="client_id= and client_secret="):
        require_auth(introspect=True)
    with pytest.raises(ValueError, match="client_id= and client_secret="):
        require_auth.guard(Flask(__name__), introspect=True)


def test_without_credentials_it_is_refused_at_registration(dev_realm: DevRealm) -> None:
    """The validator comes later: register_token_validator."""
    require_auth = ResourceProtector()
    require_auth(introspect=True)(view)

    with pytest.raises(ValueError, match="client_id= and client_secret="):
        require_auth.register_token_validator(without_credentials(dev_realm.issuer))
    require_auth.register_token_validator(validator(dev_realm.issuer))  # the refused one was not kept


def test_without_credentials_it_is_refused_at_init_app(dev_realm: DevRealm) -> None:
    """The validator comes from app.config, before the decorator or after it."""
    app, other = Flask(__name__), Flask(__name__)
    for each in (app, other):
        each.config.update(RESOURCE_PROTECTOR_ISSUER=dev_realm.issuer, RESOURCE_PROTECTOR_AUDIENCE="orders-api")
    early, late = ResourceProtector(), ResourceProtector()
    early.init_app(app)
    late(introspect=True)(view)

    with pytest.raises(ValueError, match="client_id= and client_secret="):
        early(introspect=True)
    with pytest.raises(ValueError, match="client_id= and client_secret="):
        late.init_app(other)
    other.config.update(
        RESOURCE_PROTECTOR_CLIENT_ID="orders-api",
        RESOURCE_PROTECTOR_CLIENT_SECRET=SECRET,
        RESOURCE_PROTECTOR_INTROSPECTION_SECONDS="0",
    )
    late.init_app(other)


def test_the_secret_is_not_shown_by_a_mistyped_setting() -> None:
    """A number where text is meant is refused without repeating it."""
    app = Flask(__name__)
    app.config.update(
        RESOURCE_PROTECTOR_ISSUER="https://sso.example.com/realms/myorg",
        RESOURCE_PROTECTOR_AUDIENCE="a",
        RESOURCE_PROTECTOR_CLIENT_ID="a",
        RESOURCE_PROTECTOR_CLIENT_SECRET=83719283,
    )
    with pytest.raises(ValueError, match="RESOURCE_PROTECTOR_CLIENT_SECRET") as wrong:
        ResourceProtector().init_app(app)

    assert "83719283" not in str(wrong.value)


def test_of_several_realms_only_those_that_a_route_accepts_need_credentials(dev_realm: DevRealm) -> None:
    """`issuer=` narrows a route to one of them."""
    other = "https://sso.example.com/realms/other"
    require_auth = ResourceProtector(MultiRealmValidator(validator(dev_realm.issuer), without_credentials(other)))
    with pytest.raises(ValueError, match=other):
        require_auth(introspect=True)
    with pytest.raises(ValueError, match=other):
        require_auth(introspect=True, issuer=other)

    require_auth(introspect=True, issuer=dev_realm.issuer)(view)


@pytest.mark.parametrize("other_asks", [False, True])
def test_a_token_of_another_realm_than_the_routes_is_asked_about_nowhere(dev_realm: DevRealm, other_asks: bool) -> None:
    """401 `issuer`, whether its own realm could be asked or not."""
    with DevRealm(DEMO_REALM_FILE) as other:
        theirs = validator(other.issuer) if other_asks else without_credentials(other.issuer)
        require_auth = ResourceProtector(MultiRealmValidator(validator(dev_realm.issuer), theirs))
        app = Flask(__name__)
        app.get("/asked")(require_auth(introspect=True, issuer=dev_realm.issuer)(view))
        client = app.test_client()
        refused = client.get("/asked", headers=other.bearer())
        good = client.get("/asked", headers=dev_realm.bearer())
        questions = other.requests["introspection"]

    assert refused.status_code == 401
    assert "issued by another issuer" in refused.headers["WWW-Authenticate"]
    assert good.status_code == 200
    assert questions == 0


@pytest.mark.parametrize("issuer", [None, "https://sso.example.com/realms/mistyped"])
def test_a_mistyped_issuer_is_no_way_around_credentials(dev_realm: DevRealm, issuer: str | None) -> None:
    """Of one realm, or of several, where the name is none of theirs."""
    one = without_credentials(dev_realm.issuer)
    for without in (one, MultiRealmValidator(one)):
        with pytest.raises(ValueError, match="client_id= and client_secret="):
            ResourceProtector(without)(introspect=True, issuer=issuer)


def test_two_protectors_each_ask_by_their_own_credentials(dev_realm: DevRealm) -> None:
    """What one of them has to ask the realm is not demanded of the other, which may be unable to."""
    plain = ResourceProtector(without_credentials(dev_realm.issuer))
    asking = ResourceProtector(validator(dev_realm.issuer))
    app, guarded = Flask(__name__), Flask("guarded")
    app.get("/")(plain(None)(asking(introspect=True)(view)))
    guarded.get("/")(asking(introspect=True)(view))
    guarded.get("/accepted")(plain.accept_token(True)(asking(introspect=True)(lambda: "")))
    plain.guard(guarded)

    assert app.test_client().get("/", headers=dev_realm.bearer()).status_code == 200
    assert guarded.test_client().get("/", headers=dev_realm.bearer()).status_code == 200
    assert guarded.test_client().get("/accepted", headers=dev_realm.bearer()).status_code == 200
    assert dev_realm.requests["introspection"] == 3


@pytest.mark.parametrize("value", [None, "yes", 1])
def test_introspect_is_true_or_false(require_auth: ResourceProtector, value: Any) -> None:
    """Anything else is a mistake."""
    with pytest.raises(ValueError, match="introspect is"):
        require_auth(introspect=value)


def test_the_test_realm_stands_in_for_one_that_is_asked(dev_realm: DevRealm) -> None:
    """Of several realms' validators, one with credentials: the routes of all are to be tested."""
    first = without_credentials("https://sso.example.com/realms/a")
    second = validator("https://sso.example.com/realms/b")
    require_auth = ResourceProtector(MultiRealmValidator(first, second))
    app = Flask(__name__)
    app.get("/asked")(require_auth(introspect=True, issuer=second.policy.issuer)(view))
    with dev_realm.protects(require_auth):
        answer = app.test_client().get("/asked", headers=dev_realm.bearer())

    assert answer.status_code == 401  # the route wants the realm's own name, and says so in place of a 500


def test_the_validator_of_a_test_keeps_the_credentials(dev_realm: DevRealm) -> None:
    """`dev_realm.protects` serves an application of another realm, introspected routes too."""
    require_auth = ResourceProtector(validator("https://sso.example.com/realms/myorg"))
    app = Flask(__name__)
    app.get("/asked")(require_auth(introspect=True)(view))
    token = dev_realm.bearer(dev_realm.token(client="web", user="alice", scope="test_api_access"))
    with dev_realm.protects(require_auth):
        before = app.test_client().get("/asked", headers=token)
        with dev_realm.disable_user("alice"):
            after = app.test_client().get("/asked", headers=token)

    assert before.status_code == 200
    assert after.status_code == 200  # for introspection_seconds
    assert dev_realm.requests["introspection"] == 1
