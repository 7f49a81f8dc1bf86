"""The guard in place of a hand-written hook: what an application around it had, it keeps."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import authlib.integrations.flask_oauth2
import pytest
from authlib.oauth2.rfc7662 import IntrospectTokenValidator
from flask import Blueprint, Flask, g, jsonify, request
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

from resource_protector import RealmTokenValidator, TokenRejected
from resource_protector.dev import DevRealm
from resource_protector.flask import ResourceProtector, current_token
from tests.polling import Clock

PREFLIGHT = {"Origin": "https://spa.example.com", "Access-Control-Request-Method": "POST"}


class ApplicationError(Exception):
    """The application's own exception, as it raised it in its hook."""

    def __init__(self, message: str, status_code: int) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code


class Application:
    """An application that had a hook which decoded the token, between two other hooks; `install` is what replaces it."""

    def __init__(self, install: Callable[[Flask], None]) -> None:
        self.seen: list[str] = []
        self.app = app = Flask(__name__)
        app.testing = True

        @app.before_request
        def begin() -> None:
            g.tenant = request.headers.get("X-Tenant", "none")
            self.seen.append(f"before: {g.get('auth_token', 'not yet')}")

        install(app)

        @app.before_request
        def load_user() -> None:
            auth = g.auth_token
            g.user = f"{g.tenant}/{auth['sub']}" if auth is not None else None
            self.seen.append(f"after: {g.user}")

        @app.after_request
        def sign(response: Any) -> Any:
            response.headers["X-Served-By"] = "orders"
            return response

        @app.teardown_request
        def end(error: BaseException | None) -> None:
            self.seen.append(f"teardown: {g.auth_token and g.auth_token['sub']}")

        @app.route("/me", methods=["GET", "POST"])
        def me() -> Any:
            auth = g.auth_token
            return jsonify(user=g.user, auth=auth)

        @app.get("/health")
        def health() -> Any:
            return jsonify(auth=g.auth_token)

        @app.get("/files/<path:name>")
        def files(name: str) -> str:
            return name

        api = Blueprint("api", __name__, url_prefix="/api")

        @api.before_request
        def count() -> None:
            self.seen.append(f"blueprint: {g.user}")

        @api.get("/orders")
        def orders() -> Any:
            return jsonify(sub=g.auth_token["sub"])

        app.register_blueprint(api)
        self.client: FlaskClient = app.test_client()


@pytest.fixture
def clock() -> Clock:
    """The clock of the keys' age."""
    return Clock()


@pytest.fixture
def require_auth(dev_realm: DevRealm, clock: Clock) -> ResourceProtector:
    """A protector of the dev realm's tokens."""
    return ResourceProtector(dev_realm.issuer, audience="orders-api", monotonic=clock)


@pytest.fixture
def guarded(require_auth: ResourceProtector) -> Callable[..., Application]:
    """The application with a guard in place of its hook."""

    def make(**keywords: Any) -> Application:
        given = {"optional": True, "g_name": "auth_token", **keywords}
        return Application(lambda app: require_auth.guard(app, **given))

    return make


# Hooks


def test_other_hooks_keep_their_order(dev_realm: DevRealm, guarded: Callable[..., Application]) -> None:
    """The guard stands where the hook stood: what came before it, after it, in a blueprint and at the end still does."""
    ump = guarded()
    response = ump.client.get("/api/orders", headers={**dev_realm.bearer(sub="alice"), "X-Tenant": "acme"})

    assert response.json == {"sub": "alice"}
    assert ump.seen == ["before: not yet", "after: acme/alice", "blueprint: acme/alice", "teardown: alice"]


def test_a_refusal_ends_the_hooks_that_follow(dev_realm: DevRealm, guarded: Callable[..., Application]) -> None:
    """As the exception of a hand-written hook did; what runs after a response runs, and finds None."""
    ump = guarded()
    response = ump.client.get("/me", headers=dev_realm.bearer(wrong="expired"))

    assert response.status_code == 401
    assert response.headers["X-Served-By"] == "orders"
    assert ump.seen == ["before: not yet", "teardown: None"]


def test_without_a_token_it_is_none_everywhere(guarded: Callable[..., Application]) -> None:
    """In hooks, views, error pages and at the end; another scheme is no token."""
    ump = guarded()
    ump.app.register_error_handler(404, lambda error: (jsonify(auth=g.auth_token), 404))

    assert ump.client.get("/me").json == {"user": None, "auth": None}
    assert ump.client.get("/me", headers={"Authorization": "Basic eDp5"}).json == {"user": None, "auth": None}
    assert (ump.client.get("/nowhere").status_code, ump.client.get("/nowhere").json) == (404, {"auth": None})
    assert set(ump.seen) == {"before: not yet", "after: None", "teardown: None"}


def test_a_hook_before_it_may_answer(dev_realm: DevRealm, require_auth: ResourceProtector) -> None:
    """A maintenance page or a rate limit: then nobody is asked for a token, as before."""

    def install(app: Flask) -> None:
        app.before_request(lambda: ("maintenance", 503) if request.path == "/me" else None)
        require_auth.guard(app, g_name="auth_token")

    ump = Application(install)
    ump.app.teardown_request_funcs.clear()  # it reads what no hook has set
    assert ump.client.get("/me").text == "maintenance"
    assert ump.client.get("/health").status_code == 401


def test_a_shared_application_context_shows_each_request_its_own(
    dev_realm: DevRealm, guarded: Callable[..., Application]
) -> None:
    """Under an outer app_context() `g` outlives a request."""
    ump = guarded()
    with ump.app.app_context():
        ump.client.get("/me", headers=dev_realm.bearer(sub="alice"))
        response = ump.client.get("/me")

    assert response.json == {"user": None, "auth": None}


# The claims


def test_the_claims_are_read_as_the_plain_dict_was(dev_realm: DevRealm, guarded: Callable[..., Application]) -> None:
    """Index, .get with nested values, `in`, iteration, merging, comparison, json.dumps, jsonify, `**`."""
    ump, read = guarded(), []

    def claim(sub: str, **rest: Any) -> str:
        return sub

    @ump.app.get("/read")
    def view() -> Any:
        auth = g.auth_token
        plain = json.loads(json.dumps(auth))
        read.append(
            {
                "index": auth["sub"],
                "get": auth.get("realm_access", {}).get("roles", []),
                "absent": auth.get("email", "nobody@example.com"),
                "in": "sub" in auth and "email" not in auth,
                "merged": (auth | {"x": 1})["x"] + {**auth, "x": 2}["x"],
                "same": auth == plain and plain == auth and isinstance(auth, dict),
                "called": claim(**auth),
                "truth": bool(auth),
            }
        )
        return jsonify(auth)

    response = ump.client.get("/read", headers=dev_realm.bearer(sub="alice", realm_access={"roles": ["admin"]}))

    assert response.json is not None
    assert response.json["realm_access"] == {"roles": ["admin"]}
    assert read == [
        {
            "index": "alice",
            "get": ["admin"],
            "absent": "nobody@example.com",
            "in": True,
            "merged": 3,
            "same": True,
            "called": "alice",
            "truth": True,
        }
    ]


def test_a_token_without_sub_never_reaches_the_code_that_reads_it(
    dev_realm: DevRealm, guarded: Callable[..., Application]
) -> None:
    """`auth["sub"]` raises no KeyError: such a token is refused."""
    assert guarded().client.get("/me", headers=dev_realm.bearer(sub=None)).status_code == 401


def test_changing_the_claims_says_what_to_do(dev_realm: DevRealm, guarded: Callable[..., Application]) -> None:
    """The one thing that the plain dict could and this cannot."""
    ump = guarded()

    @ump.app.get("/change")
    def change() -> str:
        g.auth_token["roles"] = []
        return "changed"

    with pytest.raises(TypeError, match=r"copy\.deepcopy"):
        ump.client.get("/change", headers=dev_realm.bearer())


# What passes


def test_exempt_endpoints_and_rules(dev_realm: DevRealm, guarded: Callable[..., Application]) -> None:
    """By name, of a blueprint too, or by the whole rule; their views find None, also beside a bad token."""
    ump = guarded(optional=False, exempt=["health", "api.orders", "/files/<path:name>"])

    assert ump.client.get("/health").json == {"auth": None}
    assert ump.client.get("/health", headers=dev_realm.bearer(wrong="expired")).json == {"auth": None}
    assert ump.client.get("/files/a/b").text == "a/b"
    with pytest.raises(TypeError, match="NoneType"):
        ump.client.get("/api/orders")  # it was let through
    assert (ump.client.get("/me").status_code, ump.client.get("/files").status_code) == (401, 401)


def test_preflights_pass(dev_realm: DevRealm, guarded: Callable[..., Application]) -> None:
    """And answers carry what other hooks add to them, refusals too, so that a browser can read them."""
    ump = guarded(optional=False)

    assert (ump.client.options("/me", headers=PREFLIGHT).status_code, ump.client.options("/me").status_code) == (
        200,
        401,
    )
    assert ump.client.post("/me", headers=PREFLIGHT).headers["X-Served-By"] == "orders"
    assert ump.seen[:3] == ["before: not yet", "after: None", "teardown: None"]


def test_a_guarded_blueprint_leaves_the_others_alone(dev_realm: DevRealm, require_auth: ResourceProtector) -> None:
    """Its hooks keep their order, too: the application's, then the blueprint's in the order of their lines."""
    app, seen = Flask(__name__), []
    app.before_request(lambda: seen.append("application"))
    admin, public = Blueprint("admin", __name__, url_prefix="/admin"), Blueprint("public", __name__)
    admin.before_request(lambda: seen.append("first"))
    require_auth.guard(admin, g_name="auth_token", exempt=["admin.login", "/admin/about"])
    admin.before_request(lambda: seen.append(g.auth_token and g.auth_token["sub"]))
    for rule, endpoint in (("/", "index"), ("/login", "login"), ("/about", "about")):
        admin.add_url_rule(rule, endpoint, lambda: "admin")
    public.add_url_rule("/", "index", lambda: str(g.get("auth_token", "untouched")))
    app.register_blueprint(admin)
    app.register_blueprint(public)
    client = app.test_client()

    assert client.get("/").text == "untouched"
    assert client.get("/admin/").status_code == 401
    assert client.get("/admin/login").text == client.get("/admin/about").text == "admin"
    assert client.get("/admin/", headers=dev_realm.bearer(sub="alice")).text == "admin"
    assert seen == ["application"] + ["application", "first"] + ["application", "first", None] * 2 + [
        "application",
        "first",
        "alice",
    ]


# An application's own error body

BAD: list[Any] = [
    pytest.param("expired", "The access token expired", id="expired"),
    pytest.param("audience", "The access token is not meant for this API", id="other audience"),
    pytest.param("signature", "The signature of the access token could not be verified", id="forged"),
    pytest.param("id_token", "The token is not a bearer access token", id="ID token"),
]


@pytest.mark.parametrize(("wrong", "description"), BAD)
def test_an_error_handler_that_rewrites_bodies_sees_the_reason(
    dev_realm: DevRealm, guarded: Callable[..., Application], wrong: Any, description: str
) -> None:
    """errorhandler(HTTPException): `.description`, `.code` and `.name` say it, and no header field is lost."""
    ump = guarded()

    @ump.app.errorhandler(HTTPException)
    def rewrite(error: HTTPException) -> Any:
        return {"message": error.description, "code": error.code, "name": error.name}, error.code or 500

    refused = ump.client.get("/me", headers=dev_realm.bearer(wrong=wrong))

    assert refused.status_code == 401
    assert refused.json == {"message": description, "code": 401, "name": "Unauthorized"}
    assert refused.headers["WWW-Authenticate"] == f'Bearer error="invalid_token", error_description="{description}"'
    assert refused.headers["Cache-Control"] == "no-store"
    assert ump.client.get("/nowhere").json == {
        "message": "The requested URL was not found on the server. If you entered the URL manually please check your "
        "spelling and try again.",
        "code": 404,
        "name": "Not Found",
    }


def test_an_error_handler_sees_400_403_and_503_too(
    dev_realm: DevRealm, clock: Clock, guarded: Callable[..., Application]
) -> None:
    """Malformed request, missing scope, keys that cannot be had: with challenge and Retry-After."""
    ump = guarded(scopes="orders:read")
    ump.app.register_error_handler(
        HTTPException, lambda error: ({"message": error.description, "code": error.code}, error.code)
    )
    with dev_realm.down():
        down = ump.client.get("/me", headers=dev_realm.bearer())
    malformed = ump.client.get("/me", headers={"Authorization": "Bearer"})
    clock.advance(2)  # past Retry-After
    lacking = ump.client.get("/me", headers=dev_realm.bearer(scope="a"))

    assert (malformed.json, malformed.headers["WWW-Authenticate"][:30]) == (
        {"message": "The request must carry exactly one bearer token", "code": 400},
        'Bearer error="invalid_request"',
    )
    assert lacking.json == {"message": "The access token lacks a scope that this needs", "code": 403}
    assert lacking.headers["WWW-Authenticate"].endswith('scope="orders:read"')
    assert (down.json, down.headers["Retry-After"]) == (
        {"message": "The access token cannot be checked at the moment", "code": 503},
        "1",
    )
    assert "WWW-Authenticate" not in down.headers


def test_on_refused_has_the_applications_body(dev_realm: DevRealm, guarded: Callable[..., Application]) -> None:
    """A dict, a response or a tuple; status and header fields stay, and the application's own are added."""
    ump = guarded(
        on_refused=lambda error: ({"error": {"text": error.description, "id": str(error.reason)}}, {"X-Error": "auth"})
    )
    refused = ump.client.get("/me", headers=dev_realm.bearer(wrong="expired"))

    assert refused.status_code == 401
    assert refused.json == {"error": {"text": "The access token expired", "id": "expired"}}
    assert (refused.headers["X-Error"], refused.headers["X-Served-By"]) == ("auth", "orders")
    assert refused.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
    assert refused.headers["Cache-Control"] == "no-store"


def test_on_refused_may_raise_the_applications_exception(
    dev_realm: DevRealm, guarded: Callable[..., Application]
) -> None:
    """As the hook did: the handler of that exception answers, and the challenge is not lost."""

    def refuse(error: TokenRejected) -> None:
        raise ApplicationError("Invalid or expired token", status_code=401) from error

    ump = guarded(on_refused=refuse)
    ump.app.register_error_handler(ApplicationError, lambda error: ({"message": error.message}, error.status_code))
    refused = ump.client.get("/me", headers=dev_realm.bearer(wrong="expired"))

    assert (refused.status_code, refused.json) == (401, {"message": "Invalid or expired token"})
    assert refused.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
    assert ump.seen[-1] == "teardown: None"


# Authlib's IntrospectTokenValidator


def introspecting(base: type, introspect: Callable[[str], Mapping[str, Any] | None] | None) -> type:
    """The application's validator over either base class; `introspect_token` is deleted with the old one."""

    class OrdersValidator(base):  # type: ignore[misc]  # that is the point
        TOKEN_TYPE = "bearer"

        if introspect is not None:

            def introspect_token(self, token_string: str) -> Mapping[str, Any] | None:
                return introspect(token_string)

    return OrdersValidator


def statuses(dev_realm: DevRealm, protector: Any, validator: object, token_proxy: Any) -> dict[str, tuple[int, str]]:
    """What an application answers with this protector and this validator."""
    protector.register_token_validator(validator)
    app = Flask(__name__)
    app.add_url_rule("/any", "any", protector(None)(lambda: token_proxy["sub"]))
    app.add_url_rule("/scope", "scope", protector("a b")(lambda: token_proxy["sub"]))
    client = app.test_client()
    asked = {
        "good": ("/any", dev_realm.bearer(sub="alice")),
        "both scopes": ("/scope", dev_realm.bearer(sub="alice", scope="b a")),
        "one scope": ("/scope", dev_realm.bearer(sub="alice", scope="a")),
        "expired": ("/any", dev_realm.bearer(wrong="expired")),
        "forged": ("/any", dev_realm.bearer(wrong="signature")),
        "garbage": ("/any", {"Authorization": "Bearer garbage"}),
        "none": ("/any", {}),
    }
    answers = {name: client.get(path, headers=headers) for name, (path, headers) in asked.items()}
    return {name: (a.status_code, a.text if a.status_code == 200 else "") for name, a in answers.items()}


EXPECTED = {
    "good": (200, "alice"),
    "both scopes": (200, "alice"),
    "one scope": (403, ""),
    "expired": (401, ""),
    "forged": (401, ""),
    "garbage": (401, ""),
    "none": (401, ""),
}


def test_an_introspecting_validator_swaps_its_base_class_under_authlibs_protector(dev_realm: DevRealm) -> None:
    """The application's other lines stay, and every answer has the status that it had."""
    realm = RealmTokenValidator(dev_realm.issuer, audience="orders-api")

    def online(token: str) -> Mapping[str, Any] | None:
        try:
            return {**realm.verify(token), "active": True}
        except TokenRejected:
            return {"active": False}

    module = authlib.integrations.flask_oauth2
    before = introspecting(IntrospectTokenValidator, online)()
    after = introspecting(RealmTokenValidator, None)(dev_realm.issuer, audience="orders-api")

    assert statuses(dev_realm, module.ResourceProtector(), before, module.current_token) == EXPECTED
    assert statuses(dev_realm, module.ResourceProtector(), after, module.current_token) == EXPECTED


def test_an_introspecting_validator_swaps_its_base_class_under_our_protector(dev_realm: DevRealm) -> None:
    """And the import of the protector with it."""
    after = introspecting(RealmTokenValidator, None)(dev_realm.issuer, audience="orders-api")

    assert statuses(dev_realm, ResourceProtector(), after, current_token) == EXPECTED
