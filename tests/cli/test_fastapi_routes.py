"""`resource-protector routes` and `explain --app`, with a FastAPI application."""

import json
import sys
from pathlib import Path

import pytest
from fastapi import Depends, FastAPI

from resource_protector.cli.fastapi_routes import routes_of
from resource_protector.fastapi import ResourceProtector
from tests.cli.conftest import Run

ISSUER = "https://sso.example.com/realms/myorg"
APPLICATION = f"""
from fastapi import Depends, FastAPI
from resource_protector.fastapi import ResourceProtector

require_auth = ResourceProtector("{ISSUER}", audience="orders-api")
app = FastAPI()
app.get("/orders", dependencies=[Depends(require_auth("test_api_access"))])(lambda: None)

def with_mistake():
    made = FastAPI()
    made.get("/open")(lambda: None)
    return made
"""


def test_what_protects_each_route() -> None:
    """In words, the guard first."""
    app = FastAPI(openapi_url=None)
    require_auth = ResourceProtector(ISSUER, audience="orders-api")
    app.get("/orders", dependencies=[Depends(require_auth("a", optional=True)), Depends(require_auth(roles="x"))])(
        lambda: None
    )
    app.get("/health")(lambda: None)
    assert [(route.rule, route.protection, route.is_covered) for route in routes_of(app)] == [
        ("/health", "nothing", False),
        ("/orders", "optional: scope a; role x", True),
    ]

    require_auth.guard(app, exempt="/health")
    assert [(route.rule, route.protection, route.is_covered) for route in routes_of(app)] == [
        ("/health", "exempt", True),
        ("/orders", "guard: any valid token; optional: scope a; role x", True),
    ]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an application's module in the current folder."""
    name = f"routes_{tmp_path.parent.name}_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(APPLICATION)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return name


def test_the_command(run: Run, module: str) -> None:
    """FastAPI's own pages are listed and count as open on purpose; another open route is exit status 1."""
    good, bad = (run("routes", "--app", f"{module}:{name}", "--json") for name in ("app", "with_mistake"))
    listed = {route["rule"]: route["protection"] for route in json.loads(good.stdout)}

    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert listed["/orders"] == "scope test_api_access"
    assert listed["/docs"] == "nothing: a page of FastAPI's own"
    assert {route["rule"] for route in json.loads(bad.stdout) if not route["is_covered"]} == {"/open"}


def test_explaining_a_token_for_an_application(run: Run, module: str) -> None:
    """`--app` names the application; its dependencies lead to the validator."""
    result = run("explain", "x.y.z", "--app", f"{module}:app")

    assert result.exit_code == 1, result.output
    assert "malformed" in result.stdout


def test_a_protector_is_no_application(run: Run, module: str) -> None:
    """Usage, and it is not called to see what it makes."""
    result = run("routes", "--app", f"{module}:require_auth")

    assert result.exit_code == 2
    assert "is of the type ResourceProtector" in result.stderr
