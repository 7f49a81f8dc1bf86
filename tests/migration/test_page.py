from __future__ import annotations

import re
import sqlite3
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from flask import Flask

from resource_protector.dev import DevRealm
from resource_protector.flask import ResourceProtector
from resource_protector.realm import introspection_url
from tests.migration import programs

INTROSPECT, SHADOW, RECIPE = re.findall(r"^```python\n(.*?)^```$", programs.page(), re.MULTILINE | re.DOTALL)


def execute(block: str, **names: Any) -> dict[str, Any]:
    """The names of a block of the page, after it was run with these."""
    exec(block, names)  # noqa: S102 - the page is ours, and this is what its readers do
    return names


def test_the_route_that_asks(dev_realm: DevRealm) -> None:
    """The page's route that introspects serves a user, and no longer once that user has logged out."""
    app = Flask(__name__)
    secret = dev_realm.clients[programs.API].secret
    execute(INTROSPECT, app=app, ISSUER=dev_realm.issuer, CLIENT_SECRET=secret)
    tokens = [dev_realm.token(client="web", user=user, scope=programs.SCOPE) for user in ("alice", "bob")]
    dev_realm.log_out("bob")
    answers = [app.test_client().delete("/orders/7", headers=dev_realm.bearer(token)) for token in tokens]

    assert [answer.status_code for answer in answers] == [200, 401]


def test_shadow_mode(dev_realm: DevRealm, capsys: pytest.CaptureFixture[str]) -> None:
    """The page's lines let the online check decide, and the report counts the token that offline would be accepted."""
    require_auth, app = ResourceProtector(), Flask(__name__)
    app.add_url_rule("/", view_func=require_auth(None)(lambda: "served"))
    secret = dev_realm.clients[programs.API].secret or ""

    def introspect(token: str) -> Any:
        url = introspection_url(dev_realm.issuer)
        return requests.post(url, data={"token": token}, auth=(programs.API, secret), timeout=10).json()

    keycloak_openid = SimpleNamespace(introspect=introspect)
    names = execute(SHADOW, keycloak_openid=keycloak_openid, require_auth=require_auth, ISSUER=dev_realm.issuer)
    tokens = [dev_realm.token(client="web", user=user, scope=programs.SCOPE) for user in ("alice", "bob")]
    dev_realm.log_out("bob")
    answers = [app.test_client().get("/", headers=dev_realm.bearer(token)) for token in tokens]
    report = names["shadow"].report()

    assert [answer.status_code for answer in answers] == [200, 401]
    assert (report.requests, report.agreements, dict(report.disagreements)) == (2, 1, {"inactive": 1})
    assert capsys.readouterr().out.startswith("0 differences")


def test_the_recipe_for_users(dev_realm: DevRealm) -> None:
    """One user per issuer and subject, made at the first visit, with a name and an address that follow the token."""
    require_auth, app = ResourceProtector(dev_realm.issuer, audience=programs.API), Flask(__name__)
    (table,) = re.findall(r"^# (CREATE TABLE .*)$", RECIPE, re.MULTILINE)
    database = sqlite3.connect(":memory:")
    database.execute(table)
    current_user = execute(RECIPE)["current_user"]

    @app.get("/")
    @require_auth(None)
    def who() -> list[object]:
        return list(current_user(database))

    def visit(**claims: str) -> object:
        return app.test_client().get("/", headers=dev_realm.bearer(**claims)).json

    first = visit(sub="1", preferred_username="alice", email="alice@example.com")
    renamed = visit(sub="1", preferred_username="alice.b", email="b@example.com")
    namesake = visit(sub="2", preferred_username="alice", email="alice@example.com")
    database.close()

    assert first == [1, dev_realm.issuer, "1", "alice", "alice@example.com"]
    assert renamed == [1, dev_realm.issuer, "1", "alice.b", "b@example.com"]
    assert namesake == [2, dev_realm.issuer, "2", "alice", "alice@example.com"]


def test_every_link_leads_somewhere() -> None:
    """Files and headings that the page links to are there."""
    page = programs.page()
    targets = re.findall(r"\]\(([^)]+)\)", page)
    headings = {f"#{heading}" for heading in re.findall(r"^## (\w+)$", page, re.MULTILINE)}

    assert [target for target in targets if target not in headings and not (programs.FOLDER / target).is_file()] == []
    assert {f"#{kind}" for kind in programs.KINDS} <= set(targets)
