"""Credentials for third parties, kept in Keycloak: one confidential client each, made and withdrawn by its admin interface.

    admin = RealmAdmin("https://sso.example.com/realms/myorg", access_token)
    issued = ThirdPartyCredentials(admin).issue("acme", audience="orders-api", scope="test_api_access")
    print(issued.credentials.name, issued.secret)

Importing this needs python-keycloak, the extra `admin`. The access token is that of a service account with the
role `manage-clients`, which is realm-admin grade: SECURITY.md says why, and where it must not live.
"""

from .credentials import Credentials
from .errors import AdminError
from .realm_admin import RealmAdmin
from .third_party_credentials import Change, ThirdPartyCredentials

__all__ = ["AdminError", "Change", "Credentials", "RealmAdmin", "ThirdPartyCredentials"]
