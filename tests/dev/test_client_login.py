import base64
from urllib.parse import quote, quote_plus

import pytest

from resource_protector.dev.token_endpoint import answer_token_request
from tests.dev import realms

ODD_ID, ODD_SECRET = "odd % +:é", "a%b+c d:é"
NO_MATCH = "Invalid client or Invalid client credentials"


def basic(text: str | bytes) -> str:
    """An HTTP Basic header, made the naive way: nothing is encoded."""
    return "Basic " + base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def answer(authorization: str | None, **form: str) -> tuple[int, str | None]:
    """Status and error of a client credentials request with that header and form."""
    issuer = realms.issuer(
        realms.client(), realms.client("other", secret="o"), realms.client(ODD_ID, secret=ODD_SECRET)
    )
    status_code, body = answer_token_request(
        issuer, [("grant_type", "client_credentials"), *form.items()], authorization
    )
    return status_code, body.get("error")


@pytest.mark.parametrize(
    "authorization",
    [
        basic("api:s"),
        basic("api:s").replace("Basic", "bASIC"),
        basic("api:s").replace("Basic ", "Basic   "),
        basic("api:s").rstrip("="),
        basic(f"{quote(ODD_ID, safe='')}:{quote(ODD_SECRET, safe='')}"),
        basic(f"{quote_plus(ODD_ID)}:{quote_plus(ODD_SECRET)}"),
    ],
)
def test_basic(authorization: str) -> None:
    """HTTP Basic in any case; id and secret are form-decoded (RFC 6749 section 2.3.1)."""
    assert answer(authorization) == (200, None)


@pytest.mark.parametrize(
    ("text", "status_code", "error"),
    [
        pytest.param("api:x", 401, "unauthorized_client", id="wrong secret"),
        pytest.param("nobody:s", 401, "invalid_client", id="unknown client"),
        pytest.param("api", 401, "invalid_client", id="no colon"),
        pytest.param(":s", 401, "invalid_client", id="no id"),
        pytest.param("api:", 401, "unauthorized_client", id="no secret"),
        pytest.param(f"{ODD_ID}:{ODD_SECRET}", 400, "unauthorized_client", id="not encoded"),
        pytest.param("api:s%", 400, "unauthorized_client", id="half an escape"),
        pytest.param("api:%zz", 400, "unauthorized_client", id="no escape"),
        pytest.param(b"api:\xff", 401, "unauthorized_client", id="no UTF-8"),
    ],
)
def test_bad_basic(text: str | bytes, status_code: int, error: str) -> None:
    """What is wrong in a Basic header, in Keycloak's words."""
    assert answer(basic(text)) == (status_code, error)


@pytest.mark.parametrize("authorization", [None, "Basic", "Basic !!!", "Basic é", "Bearer abc", basic("api")])
def test_what_is_no_basic_does_not_count(authorization: str | None) -> None:
    """A header without id and secret is no mistake if the form has them, and nothing if not."""
    assert answer(authorization) == (401, "invalid_client")
    assert answer(authorization, client_id="api", client_secret="s") == (200, None)


def test_a_bad_escape_is_a_mistake_in_any_case() -> None:
    """A bad escape in the header is refused although the form would do."""
    assert answer(basic("api:%zz"), client_id="api", client_secret="s") == (400, "unauthorized_client")


def test_the_form_counts_before_the_header() -> None:
    """For the id and for the secret each, the form comes first."""
    assert answer(basic("api:s"), client_id="other", client_secret="o") == (200, None)
    assert answer(basic("api:o"), client_id="other") == (200, None)
    assert answer(basic("api:x"), client_secret="s") == (200, None)
    assert answer(basic("api:s"), client_id="other") == (401, "unauthorized_client")
    assert answer(basic("api:s"), client_id="") == (401, "invalid_client")


def test_a_secret_that_no_text_can_hold() -> None:
    """A lone surrogate in a secret is a wrong secret, not a crash."""
    assert answer(None, client_id="api", client_secret="\udc80") == (401, "unauthorized_client")
