import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resource_protector.dev import DevRealm
from tests.dev.realms import LOCAL_REALM_FILE
from tests.drop_in import seed_application
from tests.drop_in.drop_ins import server_url

CLIENT = "local-api"


@pytest.fixture(scope="module")
def shared_local() -> Iterator[DevRealm]:
    """The article's realm."""
    with DevRealm(LOCAL_REALM_FILE) as realm:
        yield realm


@pytest.fixture
def local(shared_local: DevRealm) -> Iterator[DevRealm]:
    """The article's realm, with counts that begin at nothing."""
    with shared_local.undoing_changes():
        shared_local.requests.clear()
        yield shared_local


@pytest.mark.parametrize("name", seed_application.FILES)
def test_only_marked_lines_are_changed(name: str) -> None:
    """Import lines, the `/auth` in the address and the undefined `token` in `/me`: each is marked."""
    ours = seed_application.lines(name)
    differences = list(
        difflib.ndiff(
            seed_application.lines(f"seed_{name}"), [line.removesuffix(seed_application.MARK) for line in ours]
        )
    )
    added = [line[2:] for line in differences if line.startswith("+ ")]

    assert added == [line.removesuffix(seed_application.MARK) for line in ours if line.endswith(seed_application.MARK)]
    assert all(
        "import" in line or line in ("KEYCLOAK_SERVER_URL=http://localhost:8080", "return user") for line in added
    )


@pytest.mark.parametrize("key_at_startup", [False, True], ids=["keys of the realm", "key at startup"])
def test_it_runs(local: DevRealm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key_at_startup: bool) -> None:
    """Login, `/me` with the token of the login, and each refusal that the article names, none of them a 500."""
    with started(local, tmp_path, monkeypatch, key_at_startup=key_at_startup) as client:
        login = client.post("/login", data={"username": "alice", "password": "alice"})
        wrong = client.post("/login", data={"username": "alice", "password": "wrong"})
        tokens = {"login": login.json()["access_token"], **bad_tokens(local)}
        answers = {name: client.post("/me", headers=bearer(token)) for name, token in tokens.items()}
        nothing = client.post("/me")

    assert login.status_code == 200
    assert login.json().keys() == {"token_type", "access_token", "refresh_token", "expires_in", "refresh_expires_in"}
    assert (wrong.status_code, wrong.json()) == (400, {"detail": "Request malformed!"})
    assert answers["login"].json()["preferred_username"] == "alice"
    assert {name: (answer.status_code, answer.json().get("detail")) for name, answer in answers.items()} == {
        "login": (200, None),
        "expired": (401, "Token has expired"),
        "forged": (400, "Token signature couldn't be verified"),
        "garbage": (400, "Token is malformed"),
        "ID token": (400, "Token is malformed"),
        "other audience": (400, "Token is malformed"),
    }
    assert nothing.status_code == 401


def test_what_differs_from_the_original(local: DevRealm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same requests to the same lines on python-keycloak: all that is answered otherwise, by name."""
    differing = {}
    answers: dict[bool, dict[str, Any]] = {}
    for on_original in (True, False):
        with started(local, tmp_path, monkeypatch, on_original=on_original) as client:
            tokens = {"good": local.token(user="alice", scope="openid"), **bad_tokens(local)}
            answers[on_original] = {name: client.post("/me", headers=bearer(token)) for name, token in tokens.items()}
    for name, before in answers[True].items():
        after = answers[False][name]
        if (before.status_code, before.json().get("detail")) != (after.status_code, after.json().get("detail")):
            differing[name] = (before.status_code, after.status_code)

    assert differing == {
        "garbage": (500, 400),  # a ValueError, which the article's clauses do not name
        "forged": (400, 400),  # "Token is malformed" before, since the original calls it a missing key
        "ID token": (200, 400),  # let pass
        "other audience": (200, 400),  # let pass
    }


def test_the_realm_is_asked_once(local: DevRealm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten requests: ten loads of the keys before, one after."""
    counts = {}
    for on_original in (True, False):
        with started(local, tmp_path, monkeypatch, on_original=on_original) as client:
            token = local.token(user="alice", scope="openid")
            local.requests.clear()
            statuses = {client.post("/me", headers=bearer(token)).status_code for _ in range(10)}
            counts[on_original] = dict(local.requests)
            assert statuses == {200}

    assert counts == {True: {"certs": 10}, False: {"certs": 1}}


def started(realm: DevRealm, folder: Path, monkeypatch: pytest.MonkeyPatch, **options: bool) -> Any:
    """The application for this realm."""
    secret = realm.clients[CLIENT].secret
    assert secret is not None
    return seed_application.running(folder, monkeypatch, server_url=server_url(realm), secret=secret, **options)


def bad_tokens(realm: DevRealm) -> dict[str, str]:
    """One of each kind that the article's clauses are for, and two that they do not know."""
    return {
        "expired": realm.mint("expired"),
        "forged": realm.mint("key"),
        "garbage": "garbage",
        "ID token": realm.mint("id_token"),
        "other audience": realm.mint("audience"),
    }


def bearer(token: str) -> dict[str, str]:
    """The header of a request."""
    return {"Authorization": f"Bearer {token}"}
