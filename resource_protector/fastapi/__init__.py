"""Protects the routes of a FastAPI application.

::

    require_auth = ResourceProtector("https://sso.example.com/realms/myorg", audience="orders-api")

    @app.get("/api/private")
    async def private(token: Annotated[AccessToken, Depends(require_auth("test_api_access"))]):
        return {"sub": token.subject}
"""

try:
    import fastapi as _fastapi  # noqa: F401 - whether it is there: what follows needs all of it
except ModuleNotFoundError as error:
    raise ImportError(
        "resource_protector.fastapi needs FastAPI, and it is not installed: pip install 'resource-protector[fastapi]'"
    ) from error

from .dependency import TokenDependency
from .protector import ResourceProtector

__all__ = ["ResourceProtector", "TokenDependency"]
