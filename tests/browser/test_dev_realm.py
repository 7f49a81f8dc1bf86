"""`examples/fastapi_login` on its dev realm, as a person with a browser meets it."""

from tests.browser.docs_page import DocsPage
from tests.browser.visit import CLOSED, OPEN, visit


def test_in_and_out(docs: DocsPage) -> None:
    """Whoever logs in with user and password sees his claims, and is nobody again after he has logged out."""
    seen = visit(docs, lambda: docs.log_in("alice", "alice"))
    status, claims = seen.me

    assert seen.locks == (OPEN, CLOSED, OPEN)
    assert (status, claims["preferred_username"], claims["email"]) == (200, "alice", "alice@example.com")
    assert "local-api" in claims["aud"]
    assert seen.me_at_last == (401, {})


def test_what_needs_no_token_has_no_lock(docs: DocsPage) -> None:
    """Logging in, and asking whether the application is ready, is for everybody."""
    assert set(docs.operations()) - set(docs.locks()) == {"POST /login", "GET /ready"}
    assert docs.call("GET /ready")[0] == 200


def test_a_wrong_password(docs: DocsPage) -> None:
    """The page says that it is none, and there is no token afterwards."""
    said = docs.log_in("alice", "wrong")

    assert said is not None
    assert "Unauthorized" in said
    assert docs.locks() == OPEN


def test_a_scope_is_granted_who_ticks_its_box(docs: DocsPage) -> None:
    """The route for a scope refuses a token without it, and the next login can ask for it."""
    docs.log_in("bob", "bob")
    status, refused = docs.call("GET /phone")
    role_status, _ = docs.call("GET /admin")
    docs.log_out()
    docs.log_in("bob", "bob", "phone")

    assert (status, refused["error"], role_status) == (403, "insufficient_scope", 403)
    assert docs.call("GET /phone") == (200, {"phone": None})
