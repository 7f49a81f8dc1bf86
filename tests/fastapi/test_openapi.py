"""What /openapi.json says of protected operations, and what a response model makes of a token."""

import subprocess
import sys
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Security
from fastapi.testclient import TestClient
from pydantic import BaseModel, TypeAdapter, ValidationError

from resource_protector import AccessToken, MultiRealmValidator, RealmTokenValidator, any_of
from resource_protector.dev import DevRealm
from resource_protector.fastapi import ResourceProtector
from tests.processes import clean_environment

ISSUER = "https://sso.example.com/realms/myorg"
PROTOCOL = f"{ISSUER}/protocol/openid-connect"


def schemes(**options: Any) -> dict[str, Any]:
    """The security schemes of an application with one protected route."""
    app = FastAPI()
    require_auth = ResourceProtector(
        ISSUER, audience="a", jwks_uri="http://127.0.0.1:9/realms/myorg/protocol/openid-connect/certs", **options
    )
    app.get("/", dependencies=[Depends(require_auth("x"))])(lambda: None)
    found: dict[str, Any] = app.openapi()["components"]["securitySchemes"]
    return found


def test_a_bearer_token_from_anywhere() -> None:
    """The default: an HTTP bearer token, which is a JWT."""
    assert schemes() == {"Bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    assert [*schemes(scheme_name="Keycloak")] == ["Keycloak"]


def test_the_realms_login() -> None:
    """The addresses that a browser uses are the issuer's, and never those of jwks_uri."""
    flow = {"authorizationUrl": f"{PROTOCOL}/auth", "tokenUrl": f"{PROTOCOL}/token", "scopes": {"x": "To do x"}}

    assert schemes(openapi_scopes={"x": "To do x"}) == {
        "OAuth2": {"type": "oauth2", "flows": {"authorizationCode": flow}}
    }
    given = schemes(authorization_url="https://a.example/auth", token_url="https://a.example/token")
    assert given["OAuth2"]["flows"]["authorizationCode"] == {
        "authorizationUrl": "https://a.example/auth",
        "tokenUrl": "https://a.example/token",
        "scopes": {},
    }


def test_the_password_form() -> None:
    """token_url alone is a form of the application's own."""
    assert schemes(token_url="/login")["OAuth2"]["flows"] == {"password": {"tokenUrl": "/login", "scopes": {}}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"token_url": ""},
        {"authorization_url": 5},
        {"scheme_name": " "},
        {"openapi_scopes": ["a"]},
        {"openapi_scopes": {"a": 1}},
    ],
)
def test_a_scheme_that_cannot_be(wrong: Any) -> None:
    """ValueError where the protector is made."""
    with pytest.raises(ValueError, match="write"):
        ResourceProtector(ISSUER, audience="a", **wrong)


def test_several_realms_have_no_one_login() -> None:
    """Their addresses have to be given."""
    several = MultiRealmValidator(RealmTokenValidator(ISSUER, audience="a"))

    with pytest.raises(ValueError, match="authorization_url="):
        ResourceProtector(several, openapi_scopes={})
    with pytest.raises(ValueError, match="authorization_url="):
        ResourceProtector(openapi_scopes={}).register_token_validator(several)
    ResourceProtector(token_url="/login").register_token_validator(several)


@pytest.fixture
def documented(app: FastAPI) -> dict[str, Any]:
    """The document of an application with operations of every kind."""
    require_auth = ResourceProtector(ISSUER, audience="a", openapi_scopes={"a": "A"})
    require_auth.init_app(app)
    router = APIRouter(dependencies=[Depends(require_auth("router"))])
    app.get("/open")(lambda: None)
    app.get("/plain", dependencies=[Security(require_auth("a"), scopes=["b"])])(lambda: None)
    app.get("/choice", dependencies=[Depends(require_auth(any_of("a", "b")))])(lambda: None)
    app.get("/optional", dependencies=[Depends(require_auth(optional=True))])(lambda: None)
    app.get("/own", dependencies=[Depends(require_auth())], responses={401: {"description": "Mine"}})(lambda: None)
    app.get("/hidden", dependencies=[Depends(require_auth())], include_in_schema=False)(lambda: None)
    router.get("/inside", dependencies=[Depends(require_auth("a"))])(lambda: None)
    app.include_router(router, prefix="/v1")
    assert app.openapi() is app.openapi()
    return app.openapi()


def test_the_scopes_of_an_operation(documented: dict[str, Any]) -> None:
    """Each operation lists the scopes that it needs, those of its router too."""
    security = {path: item["get"].get("security") for path, item in documented["paths"].items()}

    assert security == {
        "/open": None,
        "/plain": [{"OAuth2": ["b", "a"]}],
        "/choice": [{"OAuth2": []}],
        "/optional": [{"OAuth2": []}, {}],
        "/own": [{"OAuth2": []}],
        "/v1/inside": [{"OAuth2": ["router", "a"]}],
    }


def test_the_answers_of_an_operation(documented: dict[str, Any]) -> None:
    """401, 403 and 503 with schema and header fields; an answer that the application describes stays."""
    answers = documented["paths"]["/plain"]["get"]["responses"]

    assert {*answers} == {"200", "401", "403", "503"}
    assert {*documented["paths"]["/open"]["get"]["responses"]} == {"200"}
    assert [*answers["401"]["headers"]] == [*answers["403"]["headers"]] == ["WWW-Authenticate"]
    assert [*answers["503"]["headers"]] == ["Retry-After"]
    reference = answers["503"]["content"]["application/json"]["schema"]["$ref"]
    assert {*documented["components"]["schemas"][reference.rpartition("/")[2]]["properties"]} == {
        "error",
        "error_description",
    }
    assert documented["paths"]["/own"]["get"]["responses"]["401"] == {"description": "Mine"}


def test_a_guarded_application(app: FastAPI) -> None:
    """A guard's demand is every operation's, but for what is exempt."""
    require_auth = ResourceProtector(ISSUER, audience="a")
    require_auth.guard(app, "a", exempt="/health")
    require_auth.init_app(app)
    app.get("/health")(lambda: None)
    app.get("/orders")(lambda: None)
    paths = app.openapi()["paths"]

    assert paths["/orders"]["get"]["security"] == [{"Bearer": ["a"]}]
    assert "security" not in paths["/health"]["get"]


def test_a_route_that_comes_later(app: FastAPI) -> None:
    """The document is completed again when FastAPI makes it again."""
    require_auth = ResourceProtector(ISSUER, audience="a")
    require_auth.init_app(app)
    app.get("/a", dependencies=[Depends(require_auth("a"))])(lambda: None)
    app.openapi()
    app.get("/b", dependencies=[Depends(require_auth("b"))])(lambda: None)

    assert app.openapi()["paths"]["/b"]["get"]["security"] == [{"Bearer": ["b"]}]


# A token as a response


def test_a_token_as_return_annotation(dev_realm: DevRealm, app: FastAPI, require_auth: ResourceProtector) -> None:
    """All of its claims are the answer, and OpenAPI calls it an object."""

    @app.get("/me")
    async def me(token: Annotated[AccessToken, Depends(require_auth())]) -> AccessToken:
        return token

    claims = TestClient(app).get("/me", headers=dev_realm.bearer(sub="alice", groups=["a", {"b": None}])).json()
    schema = app.openapi()["paths"]["/me"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]

    assert (claims["sub"], claims["groups"]) == ("alice", ["a", {"b": None}])
    assert schema["type"] == "object"


def test_a_token_in_a_model() -> None:
    """It is kept as it is, a plain object in JSON, and never made of what somebody sends."""

    class Session(BaseModel):
        token: AccessToken

    session = Session(token=AccessToken({"sub": "alice", "realm_access": {"roles": ["x"]}}))

    assert session.token.realm_roles == {"x"}
    assert session.model_dump_json() == '{"token":{"sub":"alice","realm_access":{"roles":["x"]}}}'
    with pytest.raises(ValidationError, match="nobody has verified"):
        Session.model_validate_json(session.model_dump_json())
    for sent in ({"sub": "alice"}, "eyJ", None):
        with pytest.raises(ValidationError):
            TypeAdapter(AccessToken).validate_python(sent)


def test_without_fastapi() -> None:
    """One sentence says what to install; the core needs none of it."""
    program = (
        "import sys; sys.modules['fastapi'] = sys.modules['pydantic_core'] = None\n"
        "import resource_protector.validator, resource_protector.flask\n"
        "try:\n    import resource_protector.fastapi\n"
        "except ImportError as error:\n    print(error)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=clean_environment({})
    )

    assert ran.stdout == (
        "resource_protector.fastapi needs FastAPI, and it is not installed: pip install 'resource-protector[fastapi]'\n"
    )
