"""The application: which routes there are, and who may call them."""

from typing import Annotated

from fastapi import Depends, FastAPI, Security
from fastapi.responses import JSONResponse

from resource_protector import AccessToken

from .auth import router
from .security import require_auth
from .settings import settings as s

app = FastAPI(
    title="Code Reference API",
    description="API for code reference",
    version=s.VERSION,
    lifespan=require_auth.lifespan,
    swagger_ui_init_oauth={"clientId": s.SWAGGER_CLIENT_ID or "", "usePkceWithAuthorizationCodeGrant": True},
)
require_auth.init_app(app)
app.include_router(router)

AnyUser = Annotated[AccessToken, Depends(require_auth(None))]
WithPhone = Annotated[AccessToken, Security(require_auth(None), scopes=["phone"])]
Admin = Annotated[AccessToken, Depends(require_auth(roles="admin"))]


@app.get("/me")
@app.post("/me", include_in_schema=False)  # as the tutorial has it
async def me(user: AnyUser) -> AccessToken:
    return user


@app.get("/phone")
async def phone(user: WithPhone) -> dict[str, str | None]:
    return {"phone": user.get("phone_number")}


@app.get("/admin")
async def admin(user: Admin) -> dict[str, str | None]:
    return {"admin": user.username}


@app.get("/ready")
async def ready() -> JSONResponse:
    status = require_auth.status()
    return JSONResponse(status, 200 if status["loaded"] else 503)
