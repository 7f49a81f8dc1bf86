"""The protector of Flask routes."""

import json
import threading
from typing import Any

import pytest
from flask import Blueprint, Flask, g, jsonify
from flask.views import MethodView

from resource_protector import AccessToken, RealmTokenValidator, TokenRejected
from resource_protector.dev import DevRealm
from resource_protector.flask import ResourceProtector, current_token, get_token


@pytest.fixture
def require_auth(dev_realm: DevRealm) -> ResourceProtector:
    """A protector of the dev realm's tokens."""
    return ResourceProtector(dev_realm.issuer, audience="orders-api")


@pytest.fixture
def app() -> Flask:
    """An application to protect."""
    return Flask(__name__)


# Views of every kind


def test_a_bare_decorator_means_any_valid_token(
    dev_realm: DevRealm, app: Flask, require_auth: ResourceProtector
) -> None:
    """@require_auth equals @require_auth(None)."""

    @app.get("/")
    @require_auth
    def view() -> str:
        return "ok"

    client = app.test_client()
    assert client.get("/").status_code == 401
    assert client.get("/", headers=dev_realm.bearer()).text == "ok"
    assert view.__name__ == "view"


def test_async_views(dev_realm: DevRealm, app: Flask, require_auth: ResourceProtector) -> None:
    """An `async def` view is awaited, not returned as a coroutine."""
    pytest.importorskip("asgiref", reason="Flask's own extra for async views")

    @app.get("/")
    @require_auth("a")
    async def view() -> Any:
        return jsonify(sub=current_token["sub"])

    client = app.test_client()
    assert client.get("/").status_code == 401
    assert client.get("/", headers=dev_realm.bearer(scope="a", sub="alice")).json == {"sub": "alice"}


def test_class_based_views(dev_realm: DevRealm, app: Flask, require_auth: ResourceProtector) -> None:
    """By `decorators`, or on single methods; a class itself is refused with advice."""

    class Whole(MethodView):
        decorators = [require_auth("a")]  # noqa: RUF012 - as Flask documents it

        def get(self) -> str:
            return "whole"

    class Parts(MethodView):
        def get(self) -> str:
            return "open"

        @require_auth("a")
        def post(self) -> str:
            return "closed"

    app.add_url_rule("/whole", view_func=Whole.as_view("whole"))
    app.add_url_rule("/parts", view_func=Parts.as_view("parts"))
    client, good = app.test_client(), dev_realm.bearer(scope="a")

    assert (client.get("/whole").status_code, client.get("/whole", headers=good).text) == (401, "whole")
    assert (client.get("/parts").text, client.post("/parts").status_code) == ("open", 401)
    assert client.post("/parts", headers=good).text == "closed"
    with pytest.raises(TypeError, match=r"decorators = \["):
        require_auth(Whole)
    with pytest.raises(TypeError, match="decorates functions"):
        require_auth("a")("view")  # type: ignore[type-var]  # that is the point


def test_views_with_arguments_in_blueprints(dev_realm: DevRealm, app: Flask, require_auth: ResourceProtector) -> None:
    """What the URL holds reaches the view."""
    blueprint = Blueprint("orders", __name__, url_prefix="/orders")

    @blueprint.get("/<int:number>")
    @require_auth(None)
    def order(number: int) -> Any:
        return jsonify(number=number)

    app.register_blueprint(blueprint)
    assert app.test_client().get("/orders/5", headers=dev_realm.bearer()).json == {"number": 5}


def test_decorators_add_up_and_verify_once(dev_realm: DevRealm, app: Flask, require_auth: ResourceProtector) -> None:
    """Two decorators demand both; the token is the same object in each."""
    seen = []

    @app.get("/")
    @require_auth("a")
    @require_auth(roles="r")
    def view() -> str:
        with require_auth.acquire(None) as token:
            seen.append(token is get_token())
        return "ok"

    client = app.test_client()
    assert client.get("/", headers=dev_realm.bearer(scope="a", realm_access={"roles": []})).status_code == 403
    assert client.get("/", headers=dev_realm.bearer(realm_access={"roles": ["r"]})).status_code == 403
    assert client.get("/", headers=dev_realm.bearer(scope="a", realm_access={"roles": ["r"]})).text == "ok"
    assert seen == [True]


def test_a_token_is_remembered_for_the_validator_that_accepted_it(dev_realm: DevRealm, app: Flask) -> None:
    """Two protectors in one request, one after the other: each judges for itself."""
    headers = dev_realm.bearer()
    with app.test_request_context(headers=headers):
        for _ in range(20):
            with ResourceProtector(dev_realm.issuer, audience="orders-api").acquire():
                pass
            with pytest.raises(TokenRejected), ResourceProtector(dev_realm.issuer, audience="other-api").acquire():
                pass


def test_acquire_may_depend_on_the_request(dev_realm: DevRealm, app: Flask, require_auth: ResourceProtector) -> None:
    """`with require_auth.acquire(...)`: the demand is worked out in the view."""

    @app.get("/<scope>")
    def view(scope: str) -> Any:
        with require_auth.acquire(scope, claims={"sub": "alice"}) as token:
            return jsonify(scopes=sorted(token.scopes))

    client = app.test_client()
    assert client.get("/a").status_code == 401
    assert client.get("/b", headers=dev_realm.bearer(scope="a", sub="alice")).status_code == 403
    assert client.get("/a", headers=dev_realm.bearer(scope="a", sub="bob")).status_code == 403
    assert client.get("/a", headers=dev_realm.bearer(scope="a", sub="alice")).json == {"scopes": ["a"]}


def test_a_route_can_be_narrowed_to_an_issuer(dev_realm: DevRealm, app: Flask, require_auth: ResourceProtector) -> None:
    """issuer= on a route: a token of another one is 401 `issuer`."""
    app.add_url_rule("/a", view_func=require_auth(issuer=dev_realm.issuer)(lambda: "ok"), endpoint="a")
    app.add_url_rule("/b", view_func=require_auth(issuer="https://other.example.com")(lambda: "ok"), endpoint="b")
    client = app.test_client()

    assert client.get("/a", headers=dev_realm.bearer()).text == "ok"
    refused = client.get("/b", headers=dev_realm.bearer())
    assert refused.status_code == 401
    assert refused.json == {
        "error": "invalid_token",
        "error_description": "The access token was issued by another issuer",
    }


@pytest.mark.parametrize("scopes", ["", " ", [], ["a", ""], {"a": 1}], ids=str)
def test_an_empty_requirement_is_refused_at_decoration(require_auth: ResourceProtector, scopes: Any) -> None:
    """It would look like a lock and be none."""
    with pytest.raises(ValueError, match="scopes"):
        require_auth(scopes)
    with pytest.raises(ValueError, match="scopes"):
        require_auth.guard(Flask(__name__), scopes)


@pytest.mark.parametrize(
    "keywords", [{"scope": "a"}, {"role": "a"}, {"introspection": True}, {"operator": "OR"}], ids=str
)
def test_an_unknown_argument_is_refused_at_decoration(require_auth: ResourceProtector, keywords: Any) -> None:
    """A demand that nobody reads must not pass silently."""
    with pytest.raises(TypeError):
        require_auth(None, **keywords)
    with pytest.raises(TypeError):
        require_auth("a", "b")  # type: ignore[call-overload]  # that is the point


# current_token


def test_current_token_is_the_verified_token(dev_realm: DevRealm, app: Flask, require_auth: ResourceProtector) -> None:
    """The proxy and the object: both index, and the object dumps to JSON."""

    @app.get("/")
    @require_auth(None)
    def view() -> Any:
        token = get_token()
        assert type(token) is AccessToken
        assert json.loads(json.dumps(token)) == token == current_token
        assert current_token.get("nothing") is None
        return jsonify(token)

    response = app.test_client().get("/", headers=dev_realm.bearer(sub="alice"))
    assert response.json is not None
    assert response.json["sub"] == "alice"


def test_without_a_token_it_is_false_and_says_what_is_missing(app: Flask) -> None:
    """Using it in an unprotected view raises RuntimeError that names the decorator; outside of requests too."""
    assert not current_token
    assert get_token() is None

    with app.test_request_context():
        assert not current_token
        with pytest.raises(RuntimeError, match="@require_auth"):
            current_token["sub"]
    with pytest.raises(RuntimeError, match="@require_auth"):
        current_token.get("sub")


def test_a_request_under_an_outer_context_never_sees_anothers_token(
    dev_realm: DevRealm, app: Flask, require_auth: ResourceProtector
) -> None:
    """The token is kept on the request: under an outer app_context() `g` may be shared, requests are not."""

    @app.get("/private")
    @require_auth(None)
    def private() -> str:
        return current_token["sub"]  # type: ignore[no-any-return]  # a string

    @app.get("/public")
    def public() -> Any:
        return jsonify(token=bool(current_token))

    client = app.test_client()
    with app.app_context():
        g.shared = True
        assert client.get("/private", headers=dev_realm.bearer(sub="alice")).text == "alice"
        assert client.get("/public").json == {"token": False}
        assert not current_token
        assert client.get("/private").status_code == 401


def test_nested_requests_keep_their_own_tokens(
    dev_realm: DevRealm, app: Flask, require_auth: ResourceProtector
) -> None:
    """A view that calls another route of the application gets its own token back."""

    @app.get("/inner")
    @require_auth(None)
    def inner() -> str:
        return current_token["sub"]  # type: ignore[no-any-return]  # a string

    @app.get("/outer")
    @require_auth(None)
    def outer() -> str:
        called = app.test_client().get("/inner", headers=dev_realm.bearer(sub="bob")).text
        return f"{current_token['sub']} called as {called}"

    assert app.test_client().get("/outer", headers=dev_realm.bearer(sub="alice")).text == "alice called as bob"


def test_threads_keep_their_own_tokens(dev_realm: DevRealm, app: Flask, require_auth: ResourceProtector) -> None:
    """Eight threads, eight users, no mix-up."""
    barrier = threading.Barrier(8)

    @app.get("/")
    @require_auth(None)
    def view() -> str:
        barrier.wait(10)
        return current_token["sub"]  # type: ignore[no-any-return]  # a string

    answers: dict[str, str] = {}

    def call(user: str) -> None:
        answers[user] = app.test_client().get("/", headers=dev_realm.bearer(sub=user)).text

    threads = [threading.Thread(target=call, args=(f"user-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == {f"user-{number}": f"user-{number}" for number in range(8)}


# Which validator serves


def test_two_applications_of_one_protector_have_their_own_realms(dev_realm: DevRealm) -> None:
    """Two factories in one process: what belongs to an application lives in its extensions."""
    require_auth = ResourceProtector()

    def create_app(**config: Any) -> Flask:
        app = Flask(__name__)
        app.config.update({f"RESOURCE_PROTECTOR_{name}": value for name, value in config.items()})
        require_auth.init_app(app)

        @app.get("/")
        @require_auth(None)
        def view() -> str:
            return current_token["aud"]  # type: ignore[no-any-return]  # a string

        return app

    orders = create_app(ISSUER=dev_realm.issuer, AUDIENCE="orders-api").test_client()
    billing = create_app(ISSUER=dev_realm.issuer, AUDIENCE=["billing-api"]).test_client()
    foreign = create_app(ISSUER="https://sso.example.com/realms/other", AUDIENCE="orders-api").test_client()

    assert orders.get("/", headers=dev_realm.bearer()).text == "orders-api"
    assert billing.get("/", headers=dev_realm.bearer()).status_code == 401
    assert billing.get("/", headers=dev_realm.bearer(aud="billing-api")).text == "billing-api"
    assert foreign.get("/", headers=dev_realm.bearer()).json == {
        "error": "invalid_token",
        "error_description": "The access token was issued by another issuer",
    }


def test_without_a_validator_the_error_names_init_app(app: Flask) -> None:
    """RuntimeError at the request, for the developer; nothing is let through."""
    require_auth = ResourceProtector()
    app.testing = True
    app.add_url_rule("/", view_func=require_auth(lambda: "ok"))

    with pytest.raises(RuntimeError, match="init_app"):
        app.test_client().get("/")


def test_a_second_validator_is_refused(dev_realm: DevRealm, require_auth: ResourceProtector, app: Flask) -> None:
    """Which of two would serve is not for chance to decide."""
    validator = RealmTokenValidator(dev_realm.issuer, audience="a")
    with pytest.raises(ValueError, match="already has"):
        require_auth.register_token_validator(validator)
    with pytest.raises(ValueError, match="not a validator"):
        ResourceProtector().register_token_validator("https://sso.example.com")  # type: ignore[arg-type]  # the point

    app.config.update(RESOURCE_PROTECTOR_ISSUER=dev_realm.issuer, RESOURCE_PROTECTOR_AUDIENCE="a")
    with pytest.raises(ValueError, match="give these to the validator"):
        ResourceProtector(leeway_seconds=1).register_token_validator(validator)
    with pytest.raises(ValueError, match="optional"):
        require_auth(None, optional="false")(lambda: "")  # type: ignore[call-overload]  # that is the point

    require_auth.init_app(app)
    with pytest.raises(ValueError, match="already called"):
        require_auth.init_app(app)


def test_the_constructor_refuses_what_it_cannot_use(dev_realm: DevRealm) -> None:
    """A missing audience, keywords beside a finished validator, unknown keywords."""
    with pytest.raises(TypeError, match="audience is missing"):
        ResourceProtector(dev_realm.issuer)
    with pytest.raises(TypeError, match="give these to the validator"):
        ResourceProtector(RealmTokenValidator(dev_realm.issuer, audience="a"), realm="x")
    with pytest.raises(TypeError, match="leeway_seconds"):
        ResourceProtector(dev_realm.issuer, audience="a", leeway=5)  # type: ignore[call-arg]  # that is the point
    with pytest.raises(ValueError, match="write"):
        ResourceProtector(dev_realm.issuer + "/", audience="a")


def test_replaced_by_serves_another_validator_for_a_while(dev_realm: DevRealm, app: Flask) -> None:
    """For tests of an application whose protector was made at import; called once per original."""
    require_auth = ResourceProtector("https://sso.example.com/realms/myorg", audience="orders-api")
    app.add_url_rule("/", view_func=require_auth(lambda: "ok"))
    client, made = app.test_client(), []

    def make(original: RealmTokenValidator | None) -> RealmTokenValidator:
        assert original is not None
        made.append(original)
        return original.with_issuer(dev_realm.issuer)

    with require_auth.replaced_by(make):
        assert client.get("/", headers=dev_realm.bearer()).text == "ok"
        assert client.get("/", headers=dev_realm.bearer()).text == "ok"
    assert len(made) == 1
    assert client.get("/", headers=dev_realm.bearer()).status_code == 401


@pytest.mark.parametrize("name", ["validate_request", "authenticate_token", "validate_token"])
def test_a_rule_that_nobody_would_ask_is_refused(dev_realm: DevRealm, name: str) -> None:
    """A subclass written for Authlib's own protector may hold rules of its own, which ours does not call."""
    subclass = type("Strict", (RealmTokenValidator,), {name: lambda *_, **__: None})

    with pytest.raises(ValueError, match=f"Strict.{name} is called by Authlib's own ResourceProtector only"):
        ResourceProtector(subclass(dev_realm.issuer, audience="orders-api"))
