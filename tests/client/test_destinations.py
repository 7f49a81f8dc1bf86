from __future__ import annotations

from typing import Any

import pytest

from resource_protector.client.destinations import Destinations


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/x",
        "https://API.example.com:8443",
        "http://localhost:5000/x",
        "http://[::1]/",
        "http://127.0.0.2/",
    ],
)
def test_https_or_this_machine(url: str) -> None:
    """Any host by https, this machine also by http."""
    assert Destinations(None).check(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/x",
        "http://localhost.example.com/",
        "http://localhost@api.example.com/",
        "http://10.0.0.1/",
        "ftp://localhost/",
        "api.example.com",
    ],
)
def test_nowhere_else(url: str) -> None:
    """Anybody on the way could read it."""
    with pytest.raises(ValueError, match=r"The token is not sent to .*: call it by https"):
        Destinations(None).check(url)


def test_a_trusted_network() -> None:
    """allow_insecure_http is for the network between two containers."""
    assert Destinations(None, allow_insecure_http=True).check("http://orders:5000/x") == ("http", "orders", 5000)


@pytest.mark.parametrize(
    ("allowed", "url", "expected"),
    [
        pytest.param(["api.example.com"], "https://api.example.com/x", True, id="any port: standard"),
        pytest.param(["API.example.com"], "https://api.EXAMPLE.com:8443/x", True, id="any port, any case"),
        pytest.param(["api.example.com:443"], "https://api.example.com/", True, id="the standard port by number"),
        pytest.param(["api.example.com:8443"], "https://api.example.com/", False, id="another port"),
        pytest.param("api.example.com", "https://api.example.com/", True, id="a bare string is one host"),
        pytest.param(["example.com"], "https://api.example.com/", False, id="a host beneath it"),
        pytest.param(["api.example.com"], "https://api.example.com.evil.org/", False, id="a host that begins alike"),
        pytest.param(["api.example.com"], "https://api.example.com@evil.org/", False, id="the name as a user"),
        pytest.param(["[::1]:5000"], "http://[::1]:5000/", True, id="IPv6 with a port"),
        pytest.param(["localhost"], "http://127.0.0.1/", False, id="another name of the same machine"),
    ],
)
def test_allow_hosts(allowed: Any, url: str, expected: bool) -> None:
    """The token goes to the hosts that are named, by exactly that name."""
    destinations = Destinations(allowed)
    if expected:
        assert destinations.check(url)
    else:
        with pytest.raises(ValueError, match="which allow_hosts does not name"):
            destinations.check(url)


@pytest.mark.parametrize(
    "host",
    [
        "https://api.example.com",
        "api.example.com/x",
        "*.example.com",
        "",
        "a b",
        "api.example.com:x",
        "u@h",
        "bücher.example",
        7,
        "h:70000",
    ],
)
def test_what_is_no_host(host: object) -> None:
    """A name that could never be met is refused when it is written, with the right form."""
    with pytest.raises(ValueError, match=r"write a host as 'api\.example\.com'"):
        Destinations([host])  # type: ignore[list-item]  # the mistake


def test_no_host_at_all() -> None:
    """An empty list is a mistake and not a wish."""
    with pytest.raises(ValueError, match="allow_hosts is empty"):
        Destinations([])


def test_a_proxy_of_the_environment_gets_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would read what goes to this machine by plain http; to leave it out is one variable."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("http_proxy", "http://proxy.example.com:3128")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match=r"NO_PROXY=localhost,127\.0\.0\.1"):
        Destinations(None).check("http://127.0.0.1:5000/")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "localhost,127.0.0.1")

    assert Destinations(None).check("http://127.0.0.1:5000/") == ("http", "127.0.0.1", 5000)
    assert Destinations(None).check("https://api.example.com/") == ("https", "api.example.com", 443)
