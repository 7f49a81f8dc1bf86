"""The log of refusals: every one as data, and the cure said once where an operator will see it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .after_fork import renew_after_fork
from .errors import Finding, Reason, TokenRejected

__all__ = ["CURES", "RefusalLog", "details", "unrecorded"]

logger = logging.getLogger("resource_protector.refusals")

_COUNT_EVERY_SECONDS = 60.0
_LONGEST_VALUE = 300

# What to do about the refusals that are mistakes of configuration and not of a client. An
# application's default log level hides INFO, so these are warnings, and so they are rationed.
CURES: dict[Reason, str] = {
    Reason.AUDIENCE: (
        "Either audience= is not what this API is called in the realm, or the client's tokens do not name this API: "
        "in Keycloak's admin console open Client scopes > (a scope of the client) > Mappers > Configure a new mapper "
        "> Audience, and set 'Included Client Audience' to this API's client"
    ),
    Reason.ISSUER: (
        "Tokens carry the address under which they were requested. Write exactly that as issuer=, and the internal "
        "address, if the keys are fetched from another one, as jwks_uri=; 'localhost' and '127.0.0.1' are two issuers"
    ),
    Reason.MISSING_CLAIM: (
        "A Keycloak token without 'sub' comes from a client without the client scope 'basic' (since 25), one without "
        "'aud' from a client without an Audience mapper; required_claims= says what is demanded beyond exp, iss and aud"
    ),
    Reason.LIGHTWEIGHT: (
        "Either the client's access tokens are lightweight: switch off 'Always use lightweight access token' under "
        "Clients > (the client) > Advanced, or tick 'Add to lightweight access token' on the mappers that add what is "
        "missing; or the client lacks client scopes: under Clients > (the client) > Client scopes add 'basic', 'roles' "
        "and the one with this API's Audience mapper. Or give the validator client_id= and client_secret=: it then asks "
        "the realm about such tokens"
    ),
    Reason.INACTIVE: (
        "The realm ended it (logout, a revoked session, a disabled user or client, 'not before'), or the introspecting "
        "client (client_id=) is not in the token's 'aud', which Keycloak answers in the same way since 26.4.12 and "
        "26.6.2: give the client's tokens an Audience mapper for it, or introspect as the client that they name"
    ),
}

# Of a task or a thread: what others judge meanwhile is recorded.
_is_unrecorded: ContextVar[bool] = ContextVar("resource_protector.unrecorded", default=False)


@contextmanager
def unrecorded() -> Iterator[None]:
    """Within the block no refusal is recorded: what is judged there is compared only, and nobody is refused."""
    before = _is_unrecorded.set(True)
    try:
        yield
    finally:
        _is_unrecorded.reset(before)


class RefusalLog:
    """Writes each refusal of one issuer's tokens to the log `resource_protector.refusals`.

    Each is INFO, with `reason`, `claim`, `expected`, `actual` and `issuer` as attributes of the
    record. The first that tells of a wrong configuration is a WARNING with its cure, and after it
    one count per minute. No record holds a token.
    """

    def __init__(self, issuer: str, monotonic: Callable[[], float], explain_options: str = "--app MODULE:NAME") -> None:
        self._explain_options = explain_options
        self._issuer = issuer
        self._monotonic = monotonic
        self._lock = threading.Lock()  # guards the two dicts
        self._warned_at: dict[Reason, float] = {}
        self._since: dict[Reason, int] = {}
        renew_after_fork(self)

    def record(self, error: TokenRejected) -> None:
        """Log one refusal."""
        if _is_unrecorded.get():
            return
        finding = error.finding
        cure = CURES.get(finding.reason)
        if cure is not None:
            self._warn(finding, cure)
        if logger.isEnabledFor(logging.INFO):
            self._log(logging.INFO, finding, "Refused (%s)%s", finding.reason.value, details(finding))

    def renew_after_fork(self) -> None:  # pragma: no cover - called in the child, tested by what it logs
        """A forked child gets a lock that nobody holds."""
        self._lock = threading.Lock()

    def _warn(self, finding: Finding, cure: str) -> None:
        now = self._monotonic()
        with self._lock:
            warned_at = self._warned_at.get(finding.reason)
            if warned_at is not None and now - warned_at < _COUNT_EVERY_SECONDS:
                self._since[finding.reason] = self._since.get(finding.reason, 0) + 1
                return
            self._warned_at[finding.reason] = now
            count = self._since.pop(finding.reason, 0) + 1
        if warned_at is None:
            self._log(
                logging.WARNING,
                finding,
                "A token for %s was refused (%s)%s. %s. "
                "To see all that is wrong with it: resource-protector explain %s < token.txt",
                self._issuer,
                finding.reason.value,
                details(finding),
                cure,
                self._explain_options,
            )
        else:
            message = "%d more tokens for %s were refused (%s) since %.0f s ago%s"
            self._log(
                logging.WARNING,
                finding,
                message,
                count,
                self._issuer,
                finding.reason.value,
                now - warned_at,
                details(finding),
            )

    def _log(self, level: int, finding: Finding, message: str, *values: object) -> None:
        extra = {
            "reason": finding.reason.value,
            "claim": finding.claim,
            "expected": finding.expected,
            "actual": finding.actual,
            "issuer": self._issuer,
        }
        logger.log(level, message, *values, extra=extra)


def details(finding: Finding) -> str:
    """What was found and what was expected, for a log line; empty where there is nothing to tell."""
    if finding.claim is None and finding.expected is None and finding.actual is None:
        return ""
    return f": {finding.claim or 'token'} is {_shown(finding.actual)}, expected {_shown(finding.expected)}"


def _shown(value: object) -> str:
    """One line, whatever the token's author wrote: control characters escaped, and not too long."""
    text = ascii(value)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "..."
