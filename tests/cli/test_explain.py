from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from resource_protector.dev import DevRealm
from tests.cli.conftest import Run

APPLICATION = """
from flask import Flask
from flask.views import MethodView
from resource_protector import MultiRealmValidator, RealmTokenValidator
from resource_protector.flask import ResourceProtector

ISSUER = "{issuer}"
validator = RealmTokenValidator(ISSUER, audience="orders-api")
several = MultiRealmValidator(validator, RealmTokenValidator("https://sso.example.com/realms/x", audience="x"))
require_auth = ResourceProtector(validator)
later = ResourceProtector()
app = Flask(__name__)
app.config.update(RESOURCE_PROTECTOR_ISSUER=ISSUER, RESOURCE_PROTECTOR_AUDIENCE="orders-api")

@app.get("/orders")
@require_auth("test_api_access")
def orders():
    return "orders"

def create_app():
    made = Flask("made")
    made.config.update(app.config)
    later.init_app(made)
    return made

def guarded():
    made = Flask("guarded")
    require_auth.guard(made)
    return made

def with_class():
    made = Flask("with_class")
    class View(MethodView):
        @require_auth(None)
        def get(self):
            return ""
    made.add_url_rule("/view", view_func=View.as_view("view"))
    return made

def two():
    made = create_app()
    require_auth.guard(made)
    return made

def fails():
    raise ValueError("no\\nway\\x1b[2J")

bare = Flask("bare")
number = 5

class Namespace:
    app = app
"""


@pytest.fixture
def module(dev_realm: DevRealm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an application's module in the current folder, of a new name each time."""
    name = f"shop_{tmp_path.parent.name}_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(APPLICATION.replace("{issuer}", dev_realm.issuer))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return name


def test_an_accepted_token(run: Run, dev_realm: DevRealm) -> None:
    """Exit status 0, and every check has its mark."""
    token = dev_realm.token(scope="test_api_access")
    result = run(
        "explain", token, "--issuer", dev_realm.issuer, "--audience", "orders-api", "--scope", "test_api_access"
    )

    assert result.exit_code == 0, result.output
    assert "ACCEPTED" in result.stdout
    assert result.stdout.count("\n  ok  ") == 12
    assert "  NO  " not in result.stdout


def test_a_refused_token(run: Run, dev_realm: DevRealm) -> None:
    """Exit status 1, the reason, and what to do."""
    result = run("explain", dev_realm.token(), "--issuer", dev_realm.issuer, "--audience", "orders-api")

    assert result.exit_code == 1
    assert "REFUSED (audience): the API answers 401 invalid_token" in result.stdout
    assert "1. Add an Audience mapper for 'orders-api'" in result.stdout


@pytest.mark.parametrize("arguments", [(), ("-",)], ids=["none", "-"])
def test_the_token_on_standard_input(run: Run, dev_realm: DevRealm, arguments: tuple[str, ...]) -> None:
    """A pasted curl line on standard input is as good, and leaves nothing in the shell's history."""
    line = f"curl -H 'Authorization: Bearer {dev_realm.mint()}' http://127.0.0.1:5000/orders\n"
    options = ("--issuer", dev_realm.issuer, "--audience", "orders-api")
    result = run("explain", *arguments, *options, stdin=line)

    assert result.exit_code == 0, result.output


def test_against_nothing(run: Run, dev_realm: DevRealm) -> None:
    """Without an issuer nothing is fetched, the signature is "not checked", and the exit status is never 0."""
    token = dev_realm.mint()
    dev_realm.requests.clear()
    result = run("explain", token)

    assert result.exit_code == 1
    assert "--  signature            not checked" in result.stdout
    assert "Claims, which nobody has verified" in result.stdout
    assert f"--issuer '{dev_realm.issuer}' --audience NAME" in " ".join(result.stdout.split())
    assert dev_realm.requests.total() == 0


@pytest.mark.parametrize(
    "options",
    [("--audience", "orders-api"), ("--scope", "test_api_access"), ("--audience", "orders-api", "--scope", "a")],
)
def test_without_an_issuer_nothing_is_accepted(run: Run, dev_realm: DevRealm, options: tuple[str, ...]) -> None:
    """An audience or a scope alone is measured, and never enough."""
    result = run("explain", dev_realm.mint(scope="test_api_access"), *options)

    assert result.exit_code == 1
    assert "ACCEPTED" not in result.stdout


def test_an_issuer_without_an_audience(run: Run, dev_realm: DevRealm) -> None:
    """The signature is checked, and what is not checked is said; nobody warns about audience=None."""
    result = run("explain", dev_realm.mint(), "--issuer", dev_realm.issuer)

    assert result.exit_code == 1
    assert "UNDECIDED" in result.stdout
    assert "Say what this API is called in 'aud': add --audience NAME" in result.stdout
    assert result.stderr == ""


def test_a_realm_that_is_away(run: Run, dev_realm: DevRealm) -> None:
    """That the realm could not be reached is said plainly, with its address."""
    token = dev_realm.mint()
    with dev_realm.down():
        result = run("explain", token, "--issuer", dev_realm.issuer, "--audience", "orders-api")

    assert result.exit_code == 1
    assert f"not checked: could not get the keys of {dev_realm.issuer}" in " ".join(result.stdout.split())
    assert f"resource-protector doctor {dev_realm.issuer}" in result.stdout


def test_keys_from_another_address(run: Run, dev_realm: DevRealm) -> None:
    """--jwks-uri is where to ask, --issuer is whom to trust."""
    certs = f"{dev_realm.issuer}/protocol/openid-connect/certs"
    issuer = "https://sso.example.com/realms/myorg"
    options = ("--issuer", issuer, "--audience", "orders-api", "--jwks-uri", certs)
    result = run("explain", dev_realm.mint(iss=issuer), *options)

    assert result.exit_code == 0, result.output


def test_the_document_for_programs(run: Run, dev_realm: DevRealm) -> None:
    """--json says the same to a program, with stable reasons."""
    options = ("--issuer", dev_realm.issuer, "--audience", "orders-api", "--json")
    refused = run("explain", dev_realm.mint("expired"), *options)
    accepted = run("explain", dev_realm.mint(), *options)
    document = json.loads(refused.stdout)

    assert (refused.exit_code, accepted.exit_code) == (1, 0)
    assert (document["accepted"], document["reason"], document["status"]) == (False, "expired", 401)
    assert document["checks"][7]["problems"][0]["reason"] == "expired"
    assert document["claims"]["iss"] == dev_realm.issuer
    assert json.loads(accepted.stdout)["reason"] is None


def test_a_token_cannot_write_to_the_terminal(run: Run, dev_realm: DevRealm) -> None:
    """Whatever is in a token, the output holds no control character."""
    evil = "\x1b[2J\x07\x9b\u202e\r\nACCEPTED"
    claims: dict[str, Any] = {
        "iss": evil,
        "sub": evil,
        "azp": evil,
        "jti": evil,
        "scope": evil,
        evil: [evil, {evil: evil}],
    }
    token = dev_realm.mint(**claims)
    for options in (("--issuer", dev_realm.issuer, "--audience", "a"), (), ("--json",)):
        result = run("explain", token, *options)

        assert all(line.isprintable() for line in result.output.split("\n"))
        assert "\nACCEPTED" not in result.output


@pytest.mark.parametrize("token", ["\x1b[2J", "a\x1b.b.c", "é" * 3])
def test_odd_arguments_are_printable(run: Run, token: str) -> None:
    """An argument that is no token is refused without being printed raw."""
    result = run("explain", token)

    assert result.exit_code == 1
    assert all(line.isprintable() for line in result.output.split("\n"))


@pytest.mark.parametrize(
    "name",
    [
        "app",
        "create_app",
        "create_app()",
        "require_auth",
        "validator",
        "several",
        "guarded",
        "with_class",
        "Namespace.app",
    ],
)
def test_against_an_application(run: Run, dev_realm: DevRealm, module: str, name: str) -> None:
    """--app takes an application, a factory, a protector or a validator, of several realms too."""
    good = run("explain", dev_realm.mint(), "--app", f"{module}:{name}")
    bad = run("explain", dev_realm.mint("audience"), "--app", f"{module}:{name}")

    assert good.exit_code == 0, good.output
    assert bad.exit_code == 1
    assert "expected 'orders-api'" in bad.stdout


def test_a_token_of_none_of_several_realms(run: Run, dev_realm: DevRealm, module: str) -> None:
    """With several realms, a token of another one is refused before any key is asked for."""
    result = run("explain", dev_realm.mint("issuer"), "--app", f"{module}:several")

    assert result.exit_code == 1
    assert "REFUSED (issuer)" in result.stdout
    assert "no key was asked for: the token names none of the accepted issuers" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("bare", "no protector of this package is in use there", id="without a protector"),
        pytest.param("number", "is of the type int", id="a number"),
        pytest.param("two", "uses several validators", id="two validators"),
        pytest.param("later", "call require_auth.init_app(app)", id="a protector of an application"),
        pytest.param("nothing", "AttributeError", id="no such name"),
        pytest.param("fails", "ValueError: no way?[2J.", id="a factory that fails"),
    ],
)
def test_an_application_that_does_not_serve(run: Run, module: str, name: str, said: str) -> None:
    """What --app cannot use is said in one line, with status 2."""
    result = run("explain", "a.b.c", "--app", f"{module}:{name}")

    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["a.b.c", "--app", "nomodule"], "write it as module:name", id="no colon"),
        pytest.param(["a.b.c", "--app", "no_such_module_x:app"], "ModuleNotFoundError", id="no module"),
        pytest.param(["a.b.c", "--app", "x:y", "--issuer", "z"], "leave out the other options", id="both"),
        pytest.param(["a.b.c", "--jwks-uri", "http://x/"], "add --issuer", id="keys of nobody"),
        pytest.param(
            ["a.b.c", "--issuer", "http://x.example/realms/a"], "or pass --allow-insecure-http", id="plain http"
        ),
        pytest.param(["a.b.c", "--issuer", "sso"], "has no scheme", id="no URL"),
        pytest.param(["a.b.c", "--scope", ""], "scopes holds ''", id="empty scope"),
        pytest.param(["two words"], "more than a token", id="two words"),
        pytest.param([], "There is no token", id="nothing at all"),
    ],
)
def test_usage(run: Run, arguments: list[str], said: str) -> None:
    """What cannot be used is one line, with status 2."""
    result = run("explain", *arguments)

    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_terminal_that_knows_ascii_only(dev_realm: DevRealm) -> None:
    """Where the terminal cannot write a letter, it is escaped, and nothing fails."""
    result = subprocess.run(
        [sys.executable, "-m", "resource_protector", "explain"],
        input=dev_realm.mint(name="Jürgen"),
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 1, result.stderr
    assert "J\\xfcrgen" in result.stdout
