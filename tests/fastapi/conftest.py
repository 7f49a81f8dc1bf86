"""What these tests share: a protector of the dev realm's tokens, and an application to protect."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from resource_protector.dev import DevRealm
from resource_protector.fastapi import ResourceProtector


@pytest.fixture
def require_auth(dev_realm: DevRealm) -> ResourceProtector:
    """A protector of the dev realm's tokens."""
    return ResourceProtector(dev_realm.issuer, audience="orders-api")


@pytest.fixture
def app() -> FastAPI:
    """An application to protect."""
    return FastAPI()
