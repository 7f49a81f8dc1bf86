"""`examples/fastapi_login` on a real Keycloak, in a real browser."""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from tests.browser.chromium import ChromiumMissing, docs_pages, program
from tests.browser.docs_page import DocsPage
from tests.browser.visit import CLOSED, OPEN, visit
from tests.keycloak.conftest import skip_unless_required
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.realm import Realm
from tests.login_application import REDIRECT_PORT, with_form, with_login_page


@pytest.fixture(scope="module")
def open_docs(keycloak: Keycloak) -> Iterator[Callable[[str], DocsPage]]:
    """Opens `/docs` of an application as somebody who was never there."""
    try:
        program()
    except ChromiumMissing as error:
        skip_unless_required(str(error))
    with docs_pages(urlsplit(keycloak.url).hostname or "") as open_docs:
        yield open_docs


def test_user_and_password(local: Realm, open_docs: Callable[[str], DocsPage]) -> None:
    """Whoever logs in by the application's own form sees what Keycloak says of him."""
    with with_form(local.server_url, REDIRECT_PORT) as application:
        docs = open_docs(application.address)
        seen = visit(docs, lambda: docs.log_in("alice", "alice"))
        status, claims = seen.me

        assert seen.locks == (OPEN, CLOSED, OPEN)
        assert (status, claims["iss"], claims["azp"]) == (200, local.issuer, "local-api")
        assert claims["preferred_username"] == "alice"
        assert seen.me_at_last == (401, {})


def test_the_realms_own_login_page(local: Realm, open_docs: Callable[[str], DocsPage]) -> None:
    """The authorization code flow with PKCE: through Keycloak's page, back with a code, and only this page can use it."""
    with with_login_page(local.server_url, REDIRECT_PORT) as application:
        docs = open_docs(application.address)
        exchanges: list[str] = []
        docs.page.on(
            "requestfinished",
            lambda request: exchanges.append(request.post_data or "") if request.url == local.token_url else None,
        )
        addresses: list[str] = []
        seen = visit(docs, lambda: addresses.append(docs.log_in_at_keycloak("alice", "alice", "phone")))
        status, claims = seen.me

        assert addresses[0].startswith(f"{local.issuer}/")
        assert "code_challenge_method=S256" in addresses[0]
        assert "code_verifier=" in "".join(exchanges)
        assert seen.locks == (OPEN, CLOSED, OPEN)
        assert (status, claims["iss"], claims["azp"]) == (200, local.issuer, "local-docs")
        assert (claims["preferred_username"], "phone" in claims["scope"].split()) == ("alice", True)
        assert seen.me_at_last == (401, {})


def test_what_keycloak_says_to_a_login(local: Realm) -> None:
    """A wrong password, a blank name and an unknown scope are the user's, a wrong client secret is the operator's."""
    alice = {"username": "alice", "password": local.passwords["alice"]}
    with with_form(local.server_url) as application:
        forms = [alice, {**alice, "password": "wrong"}, {**alice, "username": " "}, {**alice, "scope": "nonsense"}]
        answers = [application.log_in(**form) for form in forms]
        token = answers[0].json()["access_token"]

        assert [answer.status_code for answer in answers] == [200, 401, 401, 400]
        assert [application.get(path, token).status_code for path in ("/me", "/admin", "/phone")] == [200, 200, 403]
    with with_form(local.server_url, KEYCLOAK_CLIENT_SECRET_KEY="wrong") as application:
        assert application.log_in(**alice).status_code == 503
        application.program.wait_for("unauthorized_client")
