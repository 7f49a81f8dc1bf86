"""The keyword arguments of `decode_token`, from all the versions of python-keycloak."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from resource_protector.policy import check_seconds

__all__ = ["DecodeArguments"]

logger = logging.getLogger("resource_protector.keycloak")

# python-keycloak 3 and before had `key`, `algorithms` and `options`, those after it `key` and `algs`.
_IGNORED = ("key", "algorithms", "algs", "options")
_IN_OPTIONS = ("verify_signature", "verify")


class DecodeArguments:
    """Reads them, and says once that some are not needed."""

    def __init__(self) -> None:
        self._has_warned = False

    def leeway(self, validate: object, keywords: Mapping[str, Any]) -> float | None:
        """The `leeway` in seconds, None where none is given.

        Raises ValueError where the signature is not to be checked, TypeError for an argument that nobody reads.
        """
        options = keywords.get("options")
        given = options if isinstance(options, Mapping) else {}
        if not validate or any(given.get(name, True) is False for name in _IN_OPTIONS):
            raise ValueError(
                "decode_token() always checks the signature: without it anybody could have written the token. Leave "
                "out validate=False and options={'verify_signature': False}."
            )
        for name in keywords:
            if name not in ("leeway", *_IGNORED):
                raise TypeError(
                    f"decode_token() takes no {name!r}: what a token must be is said once, in the constructor "
                    "(audience=, issuer=, leeway_seconds=, required_claims=, token_types=)."
                )
        ignored = [name for name in _IGNORED if keywords.get(name) is not None]
        if ignored and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "decode_token(%s) is not read: the realm's current keys are used, with what the constructor demands. "
                "Leave it out",
                ", ".join(f"{name}=" for name in ignored),
            )
        leeway = keywords.get("leeway")
        return None if leeway is None else check_seconds(leeway, "leeway")
