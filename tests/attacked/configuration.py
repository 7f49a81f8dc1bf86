"""What the attacked application is made of, whichever framework serves it: the validator of each route, and a log."""

from __future__ import annotations

import json
import logging
import os
from typing import Any

from resource_protector import MultiRealmValidator, RealmTokenValidator, any_of
from resource_protector.access_token_validator import AccessTokenValidator
from tests.cache_size import cache_size
from tests.forge import AUDIENCE

__all__ = ["CONFIGURATION", "DEMANDS", "configuration_of_the_process", "log_file", "validators"]

CONFIGURATION = "APPLICATION_UNDER_ATTACK"
_LOG_FORMAT = "%(name)s %(levelname)s <%(reason)s> %(message)s"
_NOBODY = "http://127.0.0.1:9/certs"
_RETRY = {"cooldown_seconds": 0.05, "retry_seconds": 0.05}

#: What `require_auth` is given for the routes that share the validator of /private.
DEMANDS: dict[str, dict[str, Any]] = {
    "/scoped": {"scopes": "orders:read orders:list"},
    "/choice": {"scopes": any_of("orders:read", "orders:write")},
    "/role": {"roles": "admin"},
    "/client-role": {"client_roles": {"shop": "clerk"}},
    "/claim": {"claims": {"groups": "/staff"}},
    "/optional": {"scopes": "orders:read", "optional": True},
}


def validators(configuration: dict[str, str]) -> dict[str, AccessTokenValidator]:
    """The validator of each of the application's routes."""
    issuer, certs = configuration["issuer"], configuration["certs"]

    def of(route: str, **options: Any) -> RealmTokenValidator:
        # An address per route, so that it can be told who asks for the keys.
        options = {"jwks_uri": certs + route, "max_age_seconds": 3600, "token_cache_size": cache_size(), **options}
        return RealmTokenValidator(issuer, audience=AUDIENCE, **options)

    other = RealmTokenValidator(issuer + "-other", audience=AUDIENCE, jwks_uri=_NOBODY)
    return {
        "/private": of("/private"),
        "/named": of("/named", realm="Orders API"),
        "/untyped": of("/untyped", token_types=("Bearer", "at+jwt", "JWT")),
        "/several": MultiRealmValidator(of("/several"), other),
        "/unreachable": of("/unreachable", jwks_uri=_NOBODY, **_RETRY),
        "/fragile": of("/fragile", **_RETRY),
        "/stale": of("/stale", max_age_seconds=0.05, max_stale_seconds=0, **_RETRY),
        "/short": of("/short", max_age_seconds=0.2, leeway_seconds=0),
    }


def configuration_of_the_process() -> dict[str, str]:
    """What a server that runs the application was told in its environment; from now on the process logs."""
    configuration: dict[str, str] = json.loads(os.environ[CONFIGURATION])
    logging.getLogger("resource_protector").addHandler(log_file(configuration["log"]))
    logging.getLogger("resource_protector").setLevel(logging.INFO)
    return configuration


def log_file(path: str) -> logging.Handler:
    """Writes into the file that a door reads."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter(_LOG_FORMAT, defaults={"reason": "-"}))
    return handler
