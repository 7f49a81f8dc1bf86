"""What a key set is asked in a test: for a verdict, for its state, and how often it asked the realm."""

import base64
import copy
import json
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from resource_protector import KeysUnavailable, RealmTokenValidator, TokenRejected
from resource_protector.dev import DevRealm
from tests.polling import Clock

MakeValidator = Callable[..., RealmTokenValidator]


def verdict(validator: RealmTokenValidator, token: str) -> str:
    """What becomes of a token, in one word."""
    try:
        validator.verify(token)
    except TokenRejected as error:
        return error.reason.value
    except KeysUnavailable:
        return "unavailable"
    return "accepted"


def at_once(validator: RealmTokenValidator, tokens: list[str], name: str = "request") -> list[str]:
    """The verdicts on these tokens, each asked for by a thread of its own, all in one moment."""
    barrier = threading.Barrier(len(tokens))

    def verify(token: str) -> str:
        barrier.wait(30)
        return verdict(validator, token)

    with ThreadPoolExecutor(len(tokens), name) as pool:
        return [future.result() for future in [pool.submit(verify, token) for token in tokens]]


def with_kid(token: str, kid: str) -> str:
    """`token`, as if another key had signed it."""
    header = json.dumps({"alg": "RS256", "typ": "JWT", "kid": kid}).encode()
    return base64.urlsafe_b64encode(header).rstrip(b"=").decode() + token[token.index(".") :]


def without_kid(token: str) -> str:
    """`token`, as if it did not say which key had signed it."""
    header = json.dumps({"alg": "RS256", "typ": "JWT"}).encode()
    return base64.urlsafe_b64encode(header).rstrip(b"=").decode() + token[token.index(".") :]


def flood(dev_realm: DevRealm, number: int) -> list[str]:
    """Forged tokens, each of another kid."""
    token = dev_realm.mint()
    return [with_kid(token, f"{secrets.token_hex(8)}-{index}") for index in range(number)]


def certs(dev_realm: DevRealm) -> dict[str, Any]:
    """The realm's keys as they are now, fetched in process."""
    document: dict[str, Any] = dev_realm.fetch(dev_realm.issuer + "/protocol/openid-connect/certs")  # type: ignore[assignment]  # JSON
    return copy.deepcopy(document)


def fetches(dev_realm: DevRealm) -> int:
    """How often the realm was asked for its keys."""
    return dev_realm.requests["certs"]


def no_load_is_running() -> bool:
    """Whether the thread of every load has ended."""
    return not any(thread.name == "resource_protector-keys" for thread in threading.enumerate())


def is_refreshed(validator: RealmTokenValidator) -> bool:
    """Whether the keys are of this moment."""
    return validator.status()["age_seconds"] == 0


def attempts_ended(validator: RealmTokenValidator) -> bool:
    """Whether an attempt to load them has failed."""
    return validator.status()["last_error"] is not None


class StoppingClock(Clock):
    """A clock at which every thread named "stopped..." is stopped when it looks the given time, until `go_on`.

    So a test decides what happens between two steps of a request; what the thread holds then, it holds.
    """

    def __init__(self, seconds: float, *, at_look: int) -> None:
        super().__init__(seconds)
        self._at_look = at_look
        self._looks = threading.local()
        self.is_stopped = threading.Event()
        self.go_on = threading.Event()

    def __call__(self) -> float:
        if threading.current_thread().name.startswith("stopped"):
            self._looks.count = getattr(self._looks, "count", 0) + 1
            if self._looks.count == self._at_look:
                self.is_stopped.set()
                self.go_on.wait(30)
        return super().__call__()
