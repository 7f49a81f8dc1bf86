from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from resource_protector.dev import DevRealm
from tests.keys.provider import serving, talking
from tests.login_application import EXAMPLES, REALM_FILE, ROOT, LoginApplication, on_dev_realm, with_form
from tests.polling import eventually
from tests.processes import clean_environment

ALICE = {"username": "alice", "password": "alice"}


@pytest.fixture
def realm() -> Iterator[DevRealm]:
    """A dev realm of the test's own, with the example's realm file."""
    with DevRealm(REALM_FILE) as realm:
        yield realm


@pytest.fixture
def application(realm: DevRealm) -> Iterator[LoginApplication]:
    """The example, on that realm."""
    with with_form(server(realm)) as application:
        yield application


def server(realm: DevRealm) -> str:
    """The address that a Keycloak with this realm would have."""
    return f"http://127.0.0.1:{realm.port}"


def test_one_command_starts_it_on_a_dev_realm() -> None:
    """`python -m fastapi_login` needs no Keycloak and no setting: whoever logs in sees his claims."""
    with on_dev_realm() as application:
        answer = application.log_in(**ALICE)
        me = application.get("/me", answer.json()["access_token"])

        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.json().keys() == {
            *("token_type", "access_token", "refresh_token", "expires_in", "refresh_expires_in"),
        }
        assert (me.status_code, me.json()["preferred_username"]) == (200, "alice")
        assert application.get("/me").status_code == 401


def test_who_may_call_what(application: LoginApplication) -> None:
    """The scope is granted who asks for it, the role is Alice's; without a token there is nothing but readiness."""
    alice, bob = (application.log_in(username=name, password=name).json()["access_token"] for name in ("alice", "bob"))
    with_phone = application.log_in(username="bob", password="bob", scope="phone").json()["access_token"]

    assert [application.get("/phone", token).status_code for token in (None, alice, bob, with_phone)] == [
        *(401, 403, 403, 200),
    ]
    assert [application.get("/admin", token).status_code for token in (None, alice, bob)] == [401, 200, 403]
    assert application.get("/ready").status_code == 200
    assert application.ask("POST", "/me", bob).json()["name"] == "Bob Example"  # as the tutorial's clients do it


@pytest.mark.parametrize(
    ("form", "status", "detail"),
    [
        pytest.param({**ALICE, "password": "wrong"}, 401, "Username or password is incorrect!", id="wrong password"),
        pytest.param({"username": "nobody", "password": "x"}, 401, "Username or password is incorrect!", id="unknown"),
        pytest.param({"username": " ", "password": "x"}, 401, "Username or password is incorrect!", id="blank name"),
        pytest.param({**ALICE, "scope": "nonsense"}, 400, "The realm has no such scope!", id="unknown scope"),
    ],
)
def test_a_login_that_is_refused(application: LoginApplication, form: dict[str, str], status: int, detail: str) -> None:
    """What the user got wrong is his to know, by the status that says so."""
    answer = application.log_in(**form)

    assert (answer.status_code, answer.json()) == (status, {"detail": detail})
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize("form", [{}, {"username": "alice"}, {"password": "alice"}, {**ALICE, "grant_type": "code"}])
def test_a_malformed_login(application: LoginApplication, realm: DevRealm, form: dict[str, str]) -> None:
    """A form without a name, a password or the right grant is told so, and the realm is not asked."""
    assert application.log_in(**form).status_code == 422
    assert realm.requests["token"] == 0


@pytest.mark.parametrize("fault", ["down", "answer_500", "answer_html", "answer_broken"])
def test_a_login_while_the_realm_is_away(application: LoginApplication, realm: DevRealm, fault: str) -> None:
    """An outage is neither the user's mistake nor a bug: 503, and the log has what happened."""
    with getattr(realm, fault)():
        answer = application.log_in(**ALICE)

    assert (answer.status_code, answer.json()) == (503, {"detail": "Nobody can log in at the moment!"})
    assert int(answer.headers["Retry-After"]) > 0
    application.program.wait_for("Nobody can log in")
    assert "alice" not in application.program.output
    assert application.log_in(**ALICE).status_code == 200


def test_a_login_where_the_realm_talks_nonsense() -> None:
    """JSON that is no whole token response is 503; what there is of a token is not logged."""
    with (
        talking(serving(lambda: {"access_token": "eyJ0b2tlbiI6MX0"})) as url,
        with_form(url.removesuffix("/certs")) as application,
    ):
        answer = application.log_in(**ALICE)

        assert answer.status_code == 503
        application.program.wait_for("expires_in")
        assert "eyJ0b2tlbiI6MX0" not in application.program.output


def test_a_wrong_client_secret_is_not_the_users_fault(realm: DevRealm) -> None:
    """What the operator got wrong is 503 for users; the log has what the realm says to it, and not the secret."""
    with with_form(server(realm), KEYCLOAK_CLIENT_SECRET_KEY="not-the-secret") as application:
        answer = application.log_in(**ALICE)

        assert answer.status_code == 503
        application.program.wait_for("unauthorized_client")
        assert "not-the-secret" not in application.program.output


def test_the_path_in_the_tutorials_address(realm: DevRealm) -> None:
    """`/auth`, which Keycloak has not had since 17, keeps nobody from starting, and the log says to leave it out."""
    with with_form(f"{server(realm)}/auth") as application:
        assert application.log_in(**ALICE).status_code == 503
        application.program.wait_for("server_url has the path '/auth'")
        assert application.get("/ready").status_code == 503


def test_a_slow_login_keeps_nobody_waiting(application: LoginApplication, realm: DevRealm) -> None:
    """While the realm takes its time over one login, whoever has a token is served at once."""
    token = application.log_in(**ALICE).json()["access_token"]
    statuses: list[int] = []
    with realm.stall(3.0):
        asked = realm.requests["token"]
        login = threading.Thread(target=lambda: statuses.append(application.log_in(**ALICE).status_code))
        login.start()
        eventually(lambda: realm.requests["token"] > asked)
        began = time.monotonic()
        served = [application.get("/me", token).status_code for _ in range(20)]
        took = time.monotonic() - began
        still_waits = login.is_alive()
    login.join()

    assert served == [200] * 20
    assert still_waits, f"the login was answered within {took:.1f} s"
    assert statuses == [200]


def test_a_rotation_and_an_outage_from_the_start(realm: DevRealm) -> None:
    """No key is needed to start and none is kept for ever: the application is ready once it has some, and follows."""
    before = realm.token(client="local-api", user="alice")
    realm.down()
    with with_form(server(realm)) as application:
        assert application.get("/ready").status_code == 503
        assert application.get("/me", before).status_code == 503
        realm.up()
        eventually(lambda: application.get("/me", before).status_code == 200)
        assert application.get("/ready").json()["loaded"] is True
        realm.rotate(old="withdraw")
        assert application.get("/me", realm.token(client="local-api", user="alice")).status_code == 200


def test_its_own_tests(tmp_path: Path) -> None:
    """The suite in the folder passes as its reader would run it."""
    for name in ("fastapi_login", "keycloak"):
        shutil.copytree(EXAMPLES / name, tmp_path / name)
    result = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-p", "no:cacheprovider"],
        cwd=tmp_path / "fastapi_login",
        env=clean_environment({"PYTHONPATH": str(ROOT)}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"\d+ passed", result.stdout)


def test_the_recipe_for_users_of_ones_own() -> None:
    """The README's way from claims to a user: known again by issuer and subject, and blocked where we say so."""
    readme = (EXAMPLES / "fastapi_login" / "README.md").read_text()
    (recipe,) = re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    program = f"{_BEFORE_THE_RECIPE}{recipe}{_AFTER_THE_RECIPE}"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=clean_environment({"PYTHONPATH": str(ROOT)}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (result.returncode, result.stdout.split()) == (0, ["alice", "alice", "403", "401"]), result.stderr


_BEFORE_THE_RECIPE = """
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.testclient import TestClient

from resource_protector import AccessToken
from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from resource_protector.fastapi import ResourceProtector

@dataclass
class User:
    name: str | None
    is_blocked: bool = False

users: dict[tuple[str | None, str | None], User] = {}
app = FastAPI()
realm = DevRealm(DEMO_REALM_FILE).start()
require_auth = ResourceProtector(realm.issuer, audience="orders-api")
"""
_AFTER_THE_RECIPE = """
@app.get("/name")
async def name(user: CurrentUser) -> str | None:
    return user.name

client = TestClient(app)
for claims in ({"preferred_username": "alice"}, {"preferred_username": "Alice"}):
    print(client.get("/name", headers=realm.bearer(sub="1", **claims)).json())
(user,) = users.values()
user.is_blocked = True
print(client.get("/name", headers=realm.bearer(sub="1")).status_code)
print(client.get("/name").status_code)
realm.stop()
"""
