"""Refusals, and what of them goes on the wire."""

import pickle
import re

import pytest
from authlib.oauth2 import OAuth2Error

from resource_protector import Finding, InsufficientScope, KeysUnavailable, Reason, TokenRejected
from resource_protector.errors import quoted

ALLOWED = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]*")
ON_THE_WIRE = {
    Reason.MALFORMED_REQUEST: "The request must carry exactly one bearer token",
    Reason.MALFORMED: "The access token is malformed",
    Reason.EXPIRED: "The access token expired",
    Reason.NOT_YET_VALID: "The access token is not valid yet",
    Reason.ISSUER: "The access token was issued by another issuer",
    Reason.ALGORITHM: "The signature of the access token could not be verified",
    Reason.UNKNOWN_KEY: "The signature of the access token could not be verified",
    Reason.SIGNATURE: "The signature of the access token could not be verified",
    Reason.AUDIENCE: "The access token is not meant for this API",
    Reason.TOKEN_TYPE: "The token is not a bearer access token",
    Reason.BOUND: "The token is bound to a key and was sent without proof",
    Reason.MISSING_CLAIM: "The access token lacks a required claim",
    Reason.LIGHTWEIGHT: "The access token cannot be checked by this API",
    Reason.INSUFFICIENT_SCOPE: "The access token lacks a scope that this needs",
    Reason.INSUFFICIENT_ROLE: "The access token lacks a role that this needs",
}


@pytest.mark.parametrize("reason", set(Reason) - {Reason.KEYS_UNAVAILABLE})
def test_every_reason_has_its_fixed_sentence(reason: Reason) -> None:
    """The sentence is the same whatever the token held, in the characters that RFC 6750 section 3 allows."""
    finding = Finding(reason, "aud", "EXPECTED-VALUE", "ACTUAL-VALUE")
    error = TokenRejected(finding)

    assert error.description == ON_THE_WIRE.get(reason, error.description)
    assert "VALUE" not in error.challenge + str(error.get_body()) + str(error)
    assert ALLOWED.fullmatch(error.description)


@pytest.mark.parametrize(
    ("reason", "status", "code"),
    [
        (Reason.MISSING, 401, None),
        (Reason.MALFORMED_REQUEST, 400, "invalid_request"),
        (Reason.EXPIRED, 401, "invalid_token"),
        (Reason.INSUFFICIENT_SCOPE, 403, "insufficient_scope"),
        (Reason.INSUFFICIENT_ROLE, 403, "insufficient_scope"),
    ],
)
def test_a_reason_has_its_status_and_error_code(reason: Reason, status: int, code: str | None) -> None:
    """RFC 6750 section 3.1."""
    error = TokenRejected(Finding(reason))

    assert (error.status_code, error.error) == (status, code)
    assert isinstance(error, OAuth2Error)


def test_without_credentials_the_challenge_has_no_error() -> None:
    """RFC 6750 section 3.1: no error code where the request has no authentication information."""
    assert TokenRejected(Finding(Reason.MISSING)).challenge == "Bearer"
    assert TokenRejected(Finding(Reason.MISSING), realm="orders", scope="a b").challenge == (
        'Bearer realm="orders", scope="a b"'
    )
    assert TokenRejected(Finding(Reason.MISSING)).get_body() == []


def test_a_refusal_answers_authlib() -> None:
    """Authlib's own protector calls get_headers and get_body."""
    error = InsufficientScope(Finding(Reason.INSUFFICIENT_SCOPE), scope="a")

    assert dict(error.get_headers()) == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "Pragma": "no-cache",
        "WWW-Authenticate": 'Bearer error="insufficient_scope", '
        'error_description="The access token lacks a scope that this needs", scope="a"',
    }
    assert dict(error.get_body()) == {
        "error": "insufficient_scope",
        "error_description": "The access token lacks a scope that this needs",
    }


@pytest.mark.parametrize(("seconds", "header"), [(0, "1"), (0.2, "1"), (4.1, "5"), (-3, "1")])
def test_unavailable_keys_say_when_to_come_back(seconds: float, header: str) -> None:
    """503 with Retry-After in whole seconds, at least one, and no challenge."""
    error = KeysUnavailable(Finding(Reason.KEYS_UNAVAILABLE), retry_after_seconds=seconds)

    assert error.status_code == 503
    assert dict(error.get_headers())["Retry-After"] == header
    assert "WWW-Authenticate" not in dict(error.get_headers())
    assert error.challenge is None
    assert dict(error.get_body())["error"] == "temporarily_unavailable"


@pytest.mark.parametrize("value", ['a"b', "a\\b", "a\r\nSet-Cookie: x", "ü", "a\x00"])
def test_nothing_but_plain_text_gets_into_a_challenge(value: str) -> None:
    """A header cannot be split, and a quoted string cannot be left."""
    with pytest.raises(ValueError, match="printable ASCII"):
        quoted(value)


def test_refusals_survive_a_pickle() -> None:
    """A task queue may carry them to another process."""
    rejected = InsufficientScope(Finding(Reason.INSUFFICIENT_SCOPE, "scope", "a", "b"), realm="r", scope="a")
    unavailable = KeysUnavailable(Finding(Reason.KEYS_UNAVAILABLE), retry_after_seconds=3)
    again = pickle.loads(pickle.dumps(rejected))  # noqa: S301 - our own bytes

    assert (type(again), again.finding, again.challenge) == (InsufficientScope, rejected.finding, rejected.challenge)
    assert pickle.loads(pickle.dumps(unavailable)).retry_after_seconds == 3  # noqa: S301 - likewise
