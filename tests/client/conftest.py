"""What the tests of the client's side share: the libraries, a protected API, a certificate authority."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from resource_protector.dev import DevRealm
from tests.client.api_server import own_ca, protected_api
from tests.client.callers import CALLERS, Caller


@pytest.fixture(params=CALLERS)
def caller(request: pytest.FixtureRequest) -> Caller:
    """Each HTTP library."""
    return CALLERS[request.param]


@pytest.fixture
def api(dev_realm: DevRealm) -> Iterator[str]:
    """The address of an API that takes the dev realm's tokens."""
    with protected_api(dev_realm.issuer, str(dev_realm.clients["orders-api"].secret)) as address:
        yield address


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate authority of this run's own, and the context of a server that it vouches for."""
    return own_ca(tmp_path_factory.mktemp("ca"))
