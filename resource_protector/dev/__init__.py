"""A realm to develop and test against, without a Keycloak.

from resource_protector.dev import DEMO_REALM_FILE, DevRealm

with DevRealm(DEMO_REALM_FILE) as realm:
    print(realm.issuer, realm.token(scope="test_api_access"))
"""

from __future__ import annotations

from pathlib import Path

from resource_protector.dev.dev_realm import DevRealm
from resource_protector.dev.minting import Wrong
from resource_protector.dev.token_refused import TokenRefused

__all__ = ["DEMO_REALM_FILE", "DevRealm", "TokenRefused", "Wrong"]

DEMO_REALM_FILE = Path(__file__).with_name("myorg-realm.json")
"""The realm `myorg` of the examples."""
