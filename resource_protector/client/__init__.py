"""The client's side: calls to a protected API with a token that is simply there.

::

    import requests
    from resource_protector.client import ClientCredentials

    credentials = ClientCredentials("https://sso.example.com/realms/myorg", "my-service", secret, scope="orders:read")
    requests.get("https://orders.example.com/orders", auth=credentials, timeout=10)
"""

from typing import TYPE_CHECKING, Any

from .credentials import ClientCredentials
from .failure import TokenRequestFailed
from .issued_token import IssuedToken
from .token_endpoint import TokenEndpoint

if TYPE_CHECKING:
    from .httpx_credentials import HttpxClientCredentials

__all__ = ["ClientCredentials", "HttpxClientCredentials", "IssuedToken", "TokenEndpoint", "TokenRequestFailed"]


def __getattr__(name: str) -> Any:
    """Import what needs httpx when it is asked for (PEP 562): the extra may not be installed."""
    if name == "HttpxClientCredentials":
        from .httpx_credentials import HttpxClientCredentials

        return HttpxClientCredentials
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
