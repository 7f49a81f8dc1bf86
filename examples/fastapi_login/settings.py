"""The settings, from the environment and from `.local.env` or `.env` in this folder."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, SecretStr, StringConstraints, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from resource_protector.realm import check_url

FOLDER = Path(__file__).parent  # and not the folder where the server happens to be started


def server_url(url: str) -> str:
    check_url(url, name="KEYCLOAK_SERVER_URL")
    if "/realms" in url:
        raise ValueError(f"KEYCLOAK_SERVER_URL {url!r} names a realm too: write {url.split('/realms')[0]!r}.")
    return url


def realm_name(name: str) -> str:
    if "/" in name:
        raise ValueError(f"KEYCLOAK_REALM_NAME {name!r} is an address: write only what follows '/realms/' in it.")
    return name


def secret_key(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().strip() or secret.get_secret_value().startswith("<"):
        raise ValueError(
            "KEYCLOAK_CLIENT_SECRET_KEY holds no secret: copy it from Keycloak's console, Clients, the client, Credentials."
        )
    return secret


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class CommonSettings(BaseSettings):
    VERSION: str = "0.1.0"
    KEYCLOAK_SERVER_URL: Annotated[Text, AfterValidator(server_url)]
    KEYCLOAK_CLIENT_ID: Text
    KEYCLOAK_REALM_NAME: Annotated[Text, AfterValidator(realm_name)]
    KEYCLOAK_CLIENT_SECRET_KEY: Annotated[SecretStr, AfterValidator(secret_key)]
    # A public client of the realm: with it, the lock in /docs leads to Keycloak's own login page instead of to /login.
    SWAGGER_CLIENT_ID: Text | None = None


class LocalSettings(CommonSettings):
    model_config = SettingsConfigDict(env_file=FOLDER / ".local.env", env_file_encoding="utf-8", env_ignore_empty=True)
    RUNTIME_ENV: Literal["local"] = "local"


class ProdSettings(CommonSettings):
    model_config = SettingsConfigDict(env_file=FOLDER / ".env", env_file_encoding="utf-8", env_ignore_empty=True)
    RUNTIME_ENV: Literal["prod"] = "prod"


KINDS: dict[str, type[CommonSettings]] = {"local": LocalSettings, "prod": ProdSettings}


def load() -> CommonSettings:
    """Raises ValueError with a sentence for each setting that is missing or wrong, and with no secret in it."""
    runtime_env = os.environ.get("RUNTIME_ENV") or "local"
    if runtime_env not in KINDS:
        raise ValueError(f"RUNTIME_ENV is {runtime_env!r}: write 'local' to read .local.env, or 'prod' to read .env.")
    kind = KINDS[runtime_env]
    try:
        return kind.model_validate({})
    except ValidationError as error:
        # `from None`: pydantic's own text shows what was given, and with it the secret.
        raise ValueError("\n".join(sentence(problem, kind) for problem in error.errors())) from None


def sentence(problem: ErrorDetails, kind: type[CommonSettings]) -> str:
    name, file = str(problem["loc"][0]).upper(), kind.model_config.get("env_file")
    match problem["type"]:
        case "missing" | "string_too_short":
            return f"{name} is missing: set it in the environment or in {file}."
        case "value_error":
            return problem["msg"].removeprefix("Value error, ")
        case "literal_error":
            return f"{name} in {file} is {problem['input']!r}, which has a file of its own: leave it out here."
        case "extra_forbidden":
            return f"{name} in {file} is no setting of this application, which has {', '.join(kind.model_fields)}."
    return f"{name}: {problem['msg']}."


settings = load()
