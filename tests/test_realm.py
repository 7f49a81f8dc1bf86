"""The addresses of a realm."""

import pytest

from resource_protector import realm

ISSUER = "https://sso.example.com/realms/myorg"


def test_the_addresses_are_keycloaks() -> None:
    """Everything hangs below the issuer."""
    assert realm.certs_url(ISSUER) == ISSUER + "/protocol/openid-connect/certs"
    assert realm.token_url(ISSUER) == ISSUER + "/protocol/openid-connect/token"
    assert realm.discovery_url(ISSUER) == ISSUER + "/.well-known/openid-configuration"


def test_discovery_of_an_issuer_that_ends_in_a_slash_has_one_slash() -> None:
    """OpenID Connect Discovery 1.0 section 4: the terminating slash is removed first."""
    assert (
        realm.discovery_url("https://login.example.com/")
        == "https://login.example.com/.well-known/openid-configuration"
    )


@pytest.mark.parametrize(
    ("name", "encoded"), [("myorg", "myorg"), ("my org", "my%20org"), ("büro", "b%C3%BCro"), ("a'b", "a'b")]
)
def test_a_realms_name_is_percent_encoded_as_in_iss(name: str, encoded: str) -> None:
    """The issuer is spelled as tokens spell it."""
    assert realm.issuer_of("https://sso.example.com/", name) == f"https://sso.example.com/realms/{encoded}"


@pytest.mark.parametrize(
    "issuer",
    [
        ISSUER,
        "https://login.example.com/",
        "https://login.example.com/tenant/v2.0",
        "http://localhost:8080/realms/myorg",
        "http://127.0.0.1:8080/realms/my%20org",
        "http://[::1]:8080/realms/myorg",
        "http://sso.localhost/realms/myorg",
        "https://sso.example.com/auth/realms/myorg",
    ],
)
def test_an_issuer_is_kept_verbatim(issuer: str) -> None:
    """Nothing is normalised: the comparison with `iss` is exact."""
    assert realm.check_issuer(issuer) == issuer


@pytest.mark.parametrize(
    ("issuer", "advice"),
    [
        pytest.param("sso.example.com/realms/myorg", "has no scheme", id="no scheme"),
        pytest.param("ftp://sso.example.com/realms/myorg", "has no scheme", id="another scheme"),
        pytest.param(ISSUER + "/", f"write '{ISSUER}'", id="a slash at the end"),
        pytest.param("https://sso.example.com//realms/myorg", f"write '{ISSUER}'", id="a doubled slash"),
        pytest.param(ISSUER + "/.well-known/openid-configuration", f"write '{ISSUER}'", id="discovery's address"),
        pytest.param(ISSUER + "/protocol/openid-connect/certs", f"write '{ISSUER}'", id="an endpoint"),
        pytest.param("https://sso.example.com/realms/", "write 'https://sso.example.com/realms/NAME'", id="no realm"),
        pytest.param(
            "https://sso.example.com/realms/my org", "write 'https://sso.example.com/realms/my%20org'", id="a space"
        ),
        pytest.param(
            "https://sso.example.com/realms/büro", "write 'https://sso.example.com/realms/b%C3%BCro'", id="not ASCII"
        ),
        pytest.param(ISSUER + "?x=1", "has a query", id="a query"),
        pytest.param(ISSUER + "#x", "has a fragment", id="a fragment"),
        pytest.param("https:///realms/myorg", "names no host", id="no host"),
        pytest.param("https://sso.example.com:99999/realms/myorg", "is not a URL", id="a port out of range"),
        pytest.param("https://user:pw@sso.example.com/realms/myorg", "without the part before '@'", id="credentials"),
        pytest.param("http://sso.example.com/realms/myorg", f"write '{ISSUER}'", id="plain http"),
        pytest.param("http://10.0.0.1/realms/myorg", "plain http", id="plain http to a private address"),
        pytest.param(
            "http://localhost.example.com/realms/myorg", "plain http", id="a host that only begins like localhost"
        ),
        pytest.param(None, "must be a URL in a string", id="not a string"),
    ],
)
def test_what_no_token_names_is_refused_with_advice(issuer: str, advice: str) -> None:
    """A mistake is answered by what to write instead."""
    with pytest.raises(ValueError, match="issuer") as refused:
        realm.check_issuer(issuer)

    assert advice in str(refused.value)


def test_plain_http_is_allowed_where_somebody_says_so() -> None:
    """Inside a trusted network the keys may be fetched without TLS."""
    url = "http://keycloak:8080/realms/myorg"

    assert realm.check_issuer(url, allow_insecure_http=True) == url


def test_no_password_is_repeated() -> None:
    """A URL with credentials is refused without quoting them."""
    with pytest.raises(ValueError, match="user name or a password") as refused:
        realm.check_url("https://user:hunter2@example.com/x", name="jwks_uri")

    assert "hunter2" not in str(refused.value)
