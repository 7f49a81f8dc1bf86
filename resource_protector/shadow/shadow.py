"""The validator of shadow mode: it asks both sides, and lets one decide."""

from __future__ import annotations

import functools
import inspect
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias, TypeVar, overload

from resource_protector.access_token_validator import AccessTokenValidator
from resource_protector.claims import AccessToken
from resource_protector.errors import Finding, KeysUnavailable, Reason, TokenRejected
from resource_protector.keys import KeySet
from resource_protector.policy import Policy

from .outcome import Verdict, is_refusal, verdict_of_error
from .report import ShadowReport
from .sides import Sides
from .tally import Tally

__all__ = ["Shadow"]

T = TypeVar("T")
Check = TypeVar("Check", bound=Callable[..., Any])


class Introspects(Protocol):
    """What a subclass of Authlib's IntrospectTokenValidator has."""

    def introspect_token(self, token_string: str) -> Mapping[str, Any] | None:
        """The provider's document about a token."""


#: A function from a token to its claims, or an object of Authlib's.
Online: TypeAlias = Callable[[str], Any] | Introspects
Accepted: TypeAlias = Callable[[AccessToken], T]
Refused: TypeAlias = Callable[[TokenRejected | KeysUnavailable], T]


class Shadow(AccessTokenValidator):
    """Asks an online check and a validator about each token: one decides, the other is compared with it.

    First `decides="online"`, until the report says what an operator wants to see before switching;
    then `decides="offline"`; then `compare=False`, or the validator alone.

    - `online`: a function that takes a token and returns its claims, such as python-keycloak's bound
      `introspect`, or an object with Authlib's `introspect_token`. It refuses by a false answer, by
      `{"active": False}`, by TokenRejected, by an exception that tells of status 400, 401 or 403 (as
      `status_code`, `code`, `response_code` or `response.status_code`), or by one of `refusals`. None
      where only `answer` and `watching` are used.
    - `offline`: a RealmTokenValidator or a MultiRealmValidator.
    - `decides`: "online" or "offline", whose answer counts.
    - `compare`: False asks only the side that decides, and counts nothing.
    - `refusals`: exception classes by which the online check refuses, beyond those above.
    - `report_seconds`: 3600; how often the report is logged, with the next request after that time.
    - `monotonic`: the clock of all times. `now`: the wall clock, to tell leeway from revocation.

    The side that decides is heard exactly, whatever the other side says, and also if that side fails: `answer`
    and `watching` return what it returns and raise its very exception. `verify`, which a protector calls, returns
    its claims; where an online check refuses by an exception it raises TokenRejected (`inactive`), where
    the provider could not be asked KeysUnavailable, each from that exception, and any other as it is. Each is asked within the request: the
    other side costs what it costs, so an online check needs a timeout of its own.

    A disagreement is counted and logged under its reason:

    - online accepts, offline refuses: the offline `Reason`, such as `audience`;
    - online refuses, offline accepts: `inactive`; or `leeway`, where the token has expired already;
    - both accept, and `sub`, client, scopes, realm roles or client roles differ: `claims`;
    - an exception that says neither that nor that nobody could be asked: `online_failed`,
      `offline_failed`; `not_compared` where the two answers cannot be told apart or alike.

    Two refusals agree, whatever their reasons. Where a side could not be asked (OSError and with it
    all that requests raises, KeysUnavailable, status 408, 429 or 5xx, in the exception or in what
    caused it), nothing is compared, and that is counted apart. Counts are of this process.

    What the offline side refuses while it does not decide is not in the log of refusals: nobody was.
    """

    def __init__(
        self,
        online: Online | None,
        offline: AccessTokenValidator,
        *,
        decides: str = "online",
        compare: bool = True,
        refusals: tuple[type[Exception], ...] = (),
        report_seconds: float = 3600,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        if not isinstance(offline, AccessTokenValidator) or isinstance(offline, Shadow):
            raise ValueError(f"offline is {offline!r}: pass a RealmTokenValidator or a MultiRealmValidator.")
        # Refusals are those of one API: whichever side decides, they are counted and rationed together.
        super().__init__(offline.realm, offline._refusals)
        self._ask_online = _function(online)
        self.offline = offline
        tally = Tally(decides, report_seconds, monotonic)
        self._sides = Sides(decides, compare, refusals, monotonic, now, tally)

    # As a validator

    def verify(self, token_string: str, *, introspect: bool = False) -> AccessToken:
        """The claims that the side which decides has for the token. Raises TokenRejected or KeysUnavailable.

        Beside these, what an online check raises that says neither that the token is bad nor that nobody
        could be asked: it is the application's own. `introspect` is the offline side's.
        """
        online = functools.partial(self._online, token_string)
        offline = functools.partial(self.offline.verify, token_string, introspect=introspect)
        with self._as_refusals():
            return self._claims(self._sides.answer(online, offline, None, None))

    async def verify_async(self, token_string: str, *, introspect: bool = False) -> AccessToken:
        """As `verify`, without blocking the event loop: the online check runs in a thread."""
        online = functools.partial(self._online, token_string)
        offline = functools.partial(self.offline.verify_async, token_string, introspect=introspect)
        with self._as_refusals():
            return self._claims(await self._sides.answer_async(online, offline, None, None))

    def check_introspection(self, issuer: str | None) -> None:
        """The offline side's word: it has to be able to when it decides."""
        self.offline.check_introspection(issuer)

    def key_sets(self) -> Sequence[KeySet]:
        """The keys of the offline side."""
        return self.offline.key_sets()

    def status(self) -> Mapping[str, Any]:
        """The state of the offline side's keys."""
        return self.offline.status()

    def with_issuer(self, issuer: str, **keywords: Any) -> AccessTokenValidator:
        """The offline side's policy for another issuer: a test's tokens are nothing to the provider."""
        return self.offline.with_issuer(issuer, **keywords)

    @property
    def policy(self) -> Policy:
        """What the offline side accepts; a MultiRealmValidator has none of its own."""
        policy: Policy = self.offline.policy
        return policy

    def report(self) -> ShadowReport:
        """What both sides have said so far."""
        return self._sides.tally.report()

    def __repr__(self) -> str:
        return f"<Shadow of {self.offline!r}, {self._sides.decides} decides>"

    # Under a check of any shape

    def answer(
        self,
        token: str,
        online: Callable[[], T],
        *,
        accepted: Accepted[T] | None = None,
        refused: Refused[T] | None = None,
        offline: AccessTokenValidator | None = None,
    ) -> T:
        """What `online()` returns or raises; or, where offline decides, the same made of the offline verdict.

        `accepted` makes an answer of the claims (default: they are the answer), `refused` one of the
        refusal, or raises (default: it raises the refusal). `offline` is asked in place of the shadow's own
        validator, where one call has a policy of its own.
        """
        verify = functools.partial((offline or self.offline).verify, token)
        answer: T = self._sides.answer(online, verify, accepted, refused)
        return answer

    async def answer_async(
        self,
        token: str,
        online: Callable[[], Any],
        *,
        accepted: Accepted[Any] | None = None,
        refused: Refused[Any] | None = None,
        offline: AccessTokenValidator | None = None,
    ) -> Any:
        """As `answer`; an `async def` function is awaited, any other runs in a thread."""
        verify = functools.partial((offline or self.offline).verify_async, token)
        return await self._sides.answer_async(online, verify, accepted, refused)

    @overload
    def watching(self, check: Check, /) -> Check: ...

    @overload
    def watching(
        self, check: None = None, /, *, accepted: Accepted[Any] | None = None, refused: Refused[Any] | None = None
    ) -> Callable[[Check], Check]: ...

    def watching(
        self,
        check: Any = None,
        /,
        *,
        accepted: Accepted[Any] | None = None,
        refused: Refused[Any] | None = None,
    ) -> Any:
        """Decorate a function whose first argument is a token: it answers as before, and is compared.

        Where offline decides, it is answered as `answer` says.
        """
        if check is None:
            return functools.partial(self.watching, accepted=accepted, refused=refused)
        answer = functools.partial(self.answer, accepted=accepted, refused=refused)
        answer_async = functools.partial(self.answer_async, accepted=accepted, refused=refused)
        return self._sides.watched(check, answer, answer_async)

    # Inside

    def _online(self, token_string: str) -> Any:
        if self._ask_online is None:
            raise RuntimeError(
                "This Shadow has no online check of its own: Shadow(online, offline) takes one, such as "
                "keycloak_openid.introspect."
            )
        return self._ask_online(token_string)

    @contextmanager
    def _as_refusals(self) -> Iterator[None]:
        """Have what an online check raises answered as a protector answers: 401 or 503, and not 500."""
        handled = sys.exception()
        try:
            yield
        except (TokenRejected, KeysUnavailable):
            raise
        except Exception as error:
            verdict = verdict_of_error(error, handled, self._sides.refusals)
            if verdict is Verdict.REFUSED:
                raise self._recorded(TokenRejected(Finding(Reason.INACTIVE, "active", True, False))) from error
            if verdict is Verdict.UNAVAILABLE:
                finding = Finding(Reason.INTROSPECTION_UNAVAILABLE)
                raise KeysUnavailable(finding, retry_after_seconds=1) from error
            raise

    def _claims(self, answer: Any) -> AccessToken:
        """The answer of the side that decides, as a validator gives it."""
        if is_refusal(answer):
            raise self._recorded(TokenRejected(Finding(Reason.INACTIVE, "active", True, False)))
        if isinstance(answer, AccessToken):
            return answer
        if not isinstance(answer, Mapping):
            raise TypeError(
                f"The online check answered {type(answer).__name__}, and a validator needs claims: have it return the "
                "provider's document as a dict, or watch it with @shadow.watching, which takes any answer."
            )
        return AccessToken(answer)


def _function(online: Any) -> Callable[[str], Any] | None:
    if online is None:
        return None
    function = getattr(online, "introspect_token", online)
    if not callable(function) or isinstance(online, type) or inspect.iscoroutinefunction(function):
        raise ValueError(
            f"online is {online!r}: pass a plain function that takes a token and returns its claims, such as "
            "keycloak_openid.introspect, or an object with introspect_token(token_string)."
        )
    return function  # type: ignore[no-any-return]  # callable: that is all there is to check
