from __future__ import annotations

import pytest

from resource_protector.client.challenge import says_invalid_token
from resource_protector.errors import Finding, Reason, TokenRejected


def test_our_own_challenge() -> None:
    """What a protector of this package answers is understood by its client."""
    assert says_invalid_token(TokenRejected(Finding(Reason.EXPIRED), realm="orders").challenge)
    assert not says_invalid_token(TokenRejected(Finding(Reason.MISSING)).challenge)
    assert not says_invalid_token(TokenRejected(Finding(Reason.MALFORMED_REQUEST)).challenge)


@pytest.mark.parametrize(
    ("challenge", "expected"),
    [
        pytest.param('Bearer error="invalid_token"', True, id="alone"),
        pytest.param("bearer ERROR = invalid_token", True, id="any case, a token for a value, spaces"),
        pytest.param('Basic realm="a", Bearer realm="b", error="invalid_token"', True, id="second of two"),
        pytest.param('Bearer realm="b", error="invalid_token", Basic realm="a"', True, id="first of two"),
        pytest.param('Bearer realm=, error="invalid_token"', True, id="an empty value before it"),
        pytest.param("", False, id="none"),
        pytest.param('Bearer error="insufficient_scope"', False, id="another error"),
        pytest.param('DPoP error="invalid_token"', False, id="another scheme"),
        pytest.param('Bearer realm="b", DPoP error="invalid_token"', False, id="another scheme after Bearer"),
        pytest.param('Bearer realm="error=\\"invalid_token\\""', False, id="within quotes"),
        pytest.param('Bearer error_description="invalid_token"', False, id="another parameter"),
        pytest.param('Bearer error="INVALID_TOKEN"', False, id="another word"),
        pytest.param('Bearer x="' * 100_000, False, id="quotes that never end"),
    ],
)
def test_what_an_api_says(challenge: str, expected: bool) -> None:
    """Only a Bearer challenge whose error is invalid_token asks for another token."""
    assert says_invalid_token(challenge) is expected
