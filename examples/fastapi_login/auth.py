"""`/login`: a user's name and password for the realm's tokens."""

import json
import logging
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Response
from fastapi.security import OAuth2PasswordRequestForm
from pydantic import BaseModel, ConfigDict, ValidationError

from resource_protector.keycloak import KeycloakError

from .security import idp

logger = logging.getLogger(__name__)
router = APIRouter()


class OpenIdToken(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)  # the input is tokens, and errors are logged
    token_type: str
    access_token: str
    refresh_token: str | None = None  # a client can do without them
    expires_in: int
    refresh_expires_in: int


@router.post(
    "/login",
    responses={
        400: {"description": "The realm does not know a scope"},
        401: {"description": "Wrong name or password"},
        503: {"description": "The realm cannot be asked"},
    },
)
async def login(form: Annotated[OAuth2PasswordRequestForm, Depends()], response: Response) -> OpenIdToken:
    scope = " ".join(["openid profile email", *form.scopes])
    try:
        # In a thread: whoever has a token already does not wait for who is logging in.
        answer = await idp.a_token(form.username, form.password, scope=scope)
        token = OpenIdToken.model_validate(answer)
    except (KeycloakError, ValidationError) as error:
        raise refusal(error) from error
    response.headers["Cache-Control"] = "no-store"  # RFC 6749 section 5.1
    return token


def refusal(error: KeycloakError | ValidationError) -> HTTPException:
    match oauth_error(error):
        case "invalid_grant" | "invalid_request":
            return HTTPException(401, "Username or password is incorrect!", {"WWW-Authenticate": "Bearer"})
        case "invalid_scope":
            return HTTPException(400, "The realm has no such scope!")
    # Everything else is not the user's doing: an outage, a wrong address, a wrong client secret. The log says which.
    logger.error("Nobody can log in", exc_info=error)
    return HTTPException(503, "Nobody can log in at the moment!", {"Retry-After": "5"})


def oauth_error(error: KeycloakError | ValidationError) -> object:
    """The `error` of the realm's answer (RFC 6749 section 5.2): Keycloak's status codes differ between versions."""
    try:
        answer = json.loads(error.response_body or b"") if isinstance(error, KeycloakError) else None
    except ValueError:
        return None
    return answer.get("error") if isinstance(answer, dict) else None
