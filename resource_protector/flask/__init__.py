"""Protects the routes of a Flask application.

::

    require_auth = ResourceProtector("https://sso.example.com/realms/myorg", audience="orders-api")

    @app.get("/api/private")
    @require_auth("test_api_access")
    def private():
        return {"sub": current_token["sub"]}
"""

from .protector import ResourceProtector
from .request_token import current_token, get_token

__all__ = ["ResourceProtector", "current_token", "get_token"]
