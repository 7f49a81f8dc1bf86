"""The small protected application of these tests on FastAPI; ISSUER and OPTIONS come from the environment."""

import json
import logging
import os
from typing import Annotated, Any

from fastapi import Depends, FastAPI

from resource_protector import AccessToken
from resource_protector.fastapi import ResourceProtector

logging.basicConfig(format="%(process)d %(name)s %(levelname)s %(message)s")
logging.getLogger("resource_protector").setLevel(logging.INFO)

require_auth = ResourceProtector(
    os.environ["ISSUER"], audience="orders-api", **json.loads(os.environ.get("OPTIONS", "{}"))
)


app = FastAPI(lifespan=require_auth.lifespan)
require_auth.init_app(app)


@app.middleware("http")
async def with_worker(request: Any, call_next: Any) -> Any:
    """Have every answer, a refusal too, say which process it comes from."""
    response = await call_next(request)
    response.headers["X-Worker"] = str(os.getpid())
    return response


@app.get("/private")
async def private(token: Annotated[AccessToken, Depends(require_auth())]) -> dict[str, Any]:
    """Whoever has a valid token."""
    return {"sub": token["sub"]}
