"""What an application may make of a refusal: its body, and no success."""

from typing import Any

import pytest
from flask import Flask, redirect

from resource_protector.dev import DevRealm
from resource_protector.flask import ResourceProtector


def refusing(dev_realm: DevRealm, answer: Any) -> Any:
    """The client of an application that answers every refusal so."""
    app = Flask(__name__)
    app.testing = True
    require_auth = ResourceProtector(dev_realm.issuer, audience="orders-api")
    require_auth.guard(app, "a", on_refused=lambda error: answer() if callable(answer) else answer)
    app.add_url_rule("/", view_func=lambda: "ok")
    return app.test_client()


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        pytest.param("", "", id="an empty body"),
        pytest.param({}, "{}\n", id="an empty object"),
        pytest.param([], "[]\n", id="an empty list"),
        pytest.param(("fine", 200), "fine", id="a success"),
        pytest.param(("", 204), "", id="no content"),
    ],
)
def test_what_it_returns_is_the_body_whatever_it_is(dev_realm: DevRealm, answer: Any, body: str) -> None:
    """Only None means "as it was"; the status stays that of the refusal, and so does the challenge."""
    client = refusing(dev_realm, answer)
    without, lacking = client.get("/"), client.get("/", headers=dev_realm.bearer(scope="b"))

    assert (without.status_code, without.text) == (401, body)
    assert (lacking.status_code, lacking.text) == (403, body)
    assert without.headers["WWW-Authenticate"] == 'Bearer scope="a"'
    assert without.headers["Cache-Control"] == lacking.headers["Cache-Control"] == "no-store"


def test_a_redirect_is_no_way_around_the_refusal(dev_realm: DevRealm) -> None:
    """A client of an API that follows it would take the login page's 200 for an answer: the status stays 401, or 503."""
    client = refusing(dev_realm, lambda: redirect("/login"))
    refused = client.get("/")
    with dev_realm.down():
        unavailable = client.get("/", headers=dev_realm.bearer())

    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == 'Bearer scope="a"'
    assert (unavailable.status_code, "Retry-After" in unavailable.headers) == (503, True)
