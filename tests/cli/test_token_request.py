from __future__ import annotations

import pytest

from resource_protector.cli.token_request import TokenRequest, TokenRequestFailed
from resource_protector.dev import DevRealm


def test_a_request_does_not_show_its_secrets() -> None:
    """What a traceback or a debugger prints of a request holds neither secret."""
    request = TokenRequest("https://sso.example.com/realms/r", "c", "hunter2", username="u", password="hunter3")

    assert "hunter" not in repr(request)
    assert "hunter" not in str(request)


def test_a_realm_that_does_not_answer_is_given_up(dev_realm: DevRealm) -> None:
    """Nobody waits for a stalled realm for ever."""
    request = TokenRequest(dev_realm.issuer, "test_api_client", "s", timeout_seconds=0.1)

    with dev_realm.stall(30), pytest.raises(TokenRequestFailed, match=r"did not answer within 0\.1 seconds"):
        request.send()
