from __future__ import annotations

import pytest

from resource_protector.explain.issuers import issuer_advice

OURS = "https://sso.example.com/realms/myorg"


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        pytest.param(OURS, OURS + "/", f"Write issuer='{OURS}/': the slash", id="slash"),
        pytest.param(OURS, "https://sso.example.com/realms/MyOrg", "capital and small letters", id="case"),
        pytest.param(OURS, "https://sso.example.com/auth/realms/myorg", "prefix /auth", id="prefix"),
        pytest.param(OURS, "http://sso.example.com/realms/myorg", "Have 'iss' begin with https", id="scheme"),
        pytest.param(OURS, "http://keycloak:8080/realms/myorg", "Set --hostname, or write", id="another host"),
        pytest.param(OURS, "https://sso.example.com:8443/realms/myorg", "Set --hostname, or write", id="another port"),
        pytest.param(
            "http://127.0.0.1:8080/realms/a",
            "http://localhost:8080/realms/a",
            "at http://127.0.0.1:8080, or write issuer='http://localhost:8080/realms/a'",
            id="localhost",
        ),
        pytest.param(OURS, "https://sso.example.com/realms/b%C3%BCro", "is of realm 'b\\xfcro'", id="another realm"),
        pytest.param(OURS, "https://other.example/realms/x", "of another server", id="another server"),
        pytest.param(OURS, "https://[", "of another server", id="no URL"),
        pytest.param(OURS, 1, "does not say who issued it", id="a number"),
        pytest.param(OURS, None, "does not say who issued it", id="absent"),
    ],
)
def test_what_a_difference_means(ours: str, theirs: object, said: str) -> None:
    """Each way in which two issuers differ has its own cure."""
    assert said in issuer_advice([ours], theirs, is_same_realm=False)


def test_the_same_keys_prove_the_same_realm() -> None:
    """Where the realm's own keys made the signature, that is said: it is no other realm."""
    advice = issuer_advice([OURS], "http://keycloak:8080/realms/myorg", is_same_realm=True)

    assert "so it is the same realm" in advice
    assert f"jwks_uri='{OURS}/protocol/openid-connect/certs'" in advice


def test_the_nearest_of_several() -> None:
    """Of several issuers the one most like the token's is compared with it, and all are named."""
    advice = issuer_advice(["https://a/realms/x", OURS], "https://kc.internal/realms/myorg", is_same_realm=False)

    assert advice.startswith("Set --hostname")
    assert "'https://a/realms/x' or 'https://sso" in advice
