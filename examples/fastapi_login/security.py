"""The realm: who issues tokens to users, and what checks them."""

from resource_protector.fastapi import ResourceProtector
from resource_protector.keycloak import KeycloakOpenID

from .settings import settings as s

idp = KeycloakOpenID(
    s.KEYCLOAK_SERVER_URL,
    s.KEYCLOAK_REALM_NAME,
    s.KEYCLOAK_CLIENT_ID,
    s.KEYCLOAK_CLIENT_SECRET_KEY.get_secret_value(),
    timeout=5,  # seconds; a login that takes longer is answered 503
)
# Its keys are loaded at start-up and follow every rotation of the realm: nothing here holds one key for ever.
require_auth = ResourceProtector(
    idp.validator,
    token_url=None if s.SWAGGER_CLIENT_ID else "login",  # None: the realm's own login page
    openapi_scopes={"phone": "Read your own phone number"},
)
