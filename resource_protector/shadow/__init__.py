"""Shadow mode: the online check and the offline check beside each other, one deciding, every difference counted.

::

    shadow = Shadow(keycloak_openid.introspect, RealmTokenValidator(ISSUER, audience="orders-api"))
    require_auth = ResourceProtector(shadow)
    print(shadow.report())
"""

from .report import ShadowReport
from .shadow import Shadow

__all__ = ["Shadow", "ShadowReport"]
