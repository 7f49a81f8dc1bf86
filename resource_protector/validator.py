"""The validator of one realm's access tokens: offline, and where it is wanted with a second opinion of the realm."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from hashlib import sha256
from typing import Any, Unpack

from .access_token_validator import AccessTokenValidator
from .cache import LARGEST_CHARACTERS, TokenCache, VerifiedToken, cache_key
from .claims import AccessToken, first_problem
from .errors import Reason, TokenRejected
from .introspection import Question, SecondOpinion, second_opinion
from .jws import SignedToken, parse
from .keys import DiscoveredJwks, JwksAt, KeySet, KeySetStatus, KeyTiming, VerificationKey
from .options import ValidatorOptions, refuse_unknown
from .policy import Policy
from .provider import Discovery, Fetch, JsonFetcher
from .realm import certs_url, check_url, discovery_url
from .refusal_log import RefusalLog
from .signing_key import awaited, key_at_hand, key_awaited, waited_for

__all__ = ["RealmTokenValidator"]

logger = logging.getLogger("resource_protector")

_POLICY_OPTIONS = ("algorithms", "token_types", "required_claims", "leeway_seconds", "allow_insecure_http")
_TIMING_OPTIONS = tuple(KeyTiming.__dataclass_fields__)


class RealmTokenValidator(AccessTokenValidator):
    """Checks access tokens of one issuer against a key set held in memory (RFC 9068 section 4, RFC 8725).

    Where a route asks for it, and for lightweight tokens, it then asks the realm, as `client_id` (RFC 7662).
    Nothing is fetched before the first token. Safe for any number of threads, and across a fork.
    Works as the token validator of our `ResourceProtector` and of Authlib's own.

    - `issuer`: exactly the `iss` of the tokens, such as `https://sso.example.com/realms/myorg`.
    - `audience`: what this API is called in `aud`: a string, a collection of strings (any of them),
      or None for "do not check", which accepts the tokens of every client of the realm.
    - `jwks_uri`: where the keys are; default `{issuer}/protocol/openid-connect/certs`.
    - `algorithms`: accepted signature algorithms; default all asymmetric ones.
    - `token_types`: default `("Bearer", "at+jwt")`. "JWT" adds untyped tokens of other providers.
    - `required_claims`: names beside `exp`, `iss` and `aud`; default `("iat", "sub")`.
    - `leeway_seconds`: 30, on `exp`, `nbf` and `iat` alike.
    - `max_age_seconds` 300, `max_stale_seconds` 3600, `cooldown_seconds` 10, `retry_seconds` 1,
      `wait_seconds` 1, `timeout_seconds` 5: see `KeyTiming`. `max_document_bytes`: 262144.
    - `token_cache_size`: how many verified tokens are remembered: 4096; 0 for none.
    - `client_id`, `client_secret`: this API's own client, which asks the realm about tokens. It has to be in
      their `aud`. `introspection_seconds`: how long an answer is repeated, 10; 0 asks each time.
      `introspection_endpoint`: where to ask; default Keycloak's, on the host of `jwks_uri`.
    - `session`: a `requests.Session` whose CA, proxies and headers are used for asking the realm.
    - `realm`: named in the challenge. Printable ASCII without quotes.
    - `allow_insecure_http`: False; plain http to a loopback address is always allowed.
    - `now`: the wall clock, for the claims. `monotonic`: the clock for the age of keys.
    - `fetch`: a callable that returns the JSON document at a URL, instead of HTTP; introspection is not asked by it.

    Raises ValueError for a configuration that cannot work, TypeError for an unknown keyword.
    """

    def __init__(
        self, issuer: str, *, audience: str | Collection[str] | None, **options: Unpack[ValidatorOptions]
    ) -> None:
        refuse_unknown(options)
        given: dict[str, Any] = dict(options)
        self.policy = Policy.of(issuer, audience, **{name: given[name] for name in _POLICY_OPTIONS if name in given})
        self._timing = KeyTiming(**{name: given[name] for name in _TIMING_OPTIONS if name in given})
        self._options = options
        self._now: Callable[[], float] = _clock(given.get("now", time.time), "now")
        self._monotonic: Callable[[], float] = _clock(given.get("monotonic", time.monotonic), "monotonic")
        self._cache = TokenCache(given.get("token_cache_size", 4096))
        self._fetch = self._make_fetch(given)
        jwks_uri = certs_url(issuer) if given.get("jwks_uri") is None else given["jwks_uri"]
        check_url(jwks_uri, name="jwks_uri", allow_insecure_http=self.policy.allow_insecure_http)
        self.keys = self._key_set(JwksAt(jwks_uri, self._fetch))
        self._second_opinion = self._make_second_opinion(jwks_uri)
        super().__init__(given.get("realm"), RefusalLog(issuer, self._monotonic, f"--issuer {issuer} --audience NAME"))
        if audience is None:
            logger.warning(
                "audience=None: this API accepts every access token of %s, also those meant for other APIs", issuer
            )

    @classmethod
    def discover(
        cls,
        url: str,
        *,
        issuer: str | None = None,
        audience: str | Collection[str] | None,
        **options: Unpack[ValidatorOptions],
    ) -> RealmTokenValidator:
        """A validator that reads `jwks_uri` from `url`'s `/.well-known/openid-configuration`.

        It does so when keys are first loaded. The document must name `issuer` (default: `url`),
        which is the issuer you trust; `url` is only where to ask. Everything else is as in the
        constructor (OpenID Connect Discovery 1.0 section 4).
        """
        if options.get("jwks_uri") is not None:
            raise ValueError("discover() reads jwks_uri from the provider: leave it out, or write RealmTokenValidator.")
        allow_insecure_http = options.get("allow_insecure_http", False)
        check_url(url, name="url", allow_insecure_http=allow_insecure_http)
        validator = cls(url if issuer is None else issuer, audience=audience, **options)
        document = Discovery(discovery_url(url), validator.policy.issuer, allow_insecure_http, validator._fetch)
        validator.keys = validator._key_set(DiscoveredJwks(document))
        validator._second_opinion = validator._make_second_opinion(url, document)
        return validator

    def with_issuer(
        self, issuer: str, *, jwks_uri: str | None = None, fetch: Fetch | None = None
    ) -> RealmTokenValidator:
        """The same policy for another issuer: what a test needs that brings tokens of its own."""
        options: dict[str, Any] = {**self._options, "jwks_uri": jwks_uri, "introspection_endpoint": None}
        if fetch is not None:
            options |= {"fetch": fetch, "session": None}
        return RealmTokenValidator(issuer, audience=self.policy.audience, **options)

    def __repr__(self) -> str:
        audience = None if self.policy.audience is None else sorted(self.policy.audience)
        return f"<{type(self).__name__} {self.policy.issuer} audience={audience}>"

    # The verdict on a token

    def verify(self, token_string: str, *, introspect: bool = False) -> AccessToken:
        """The claims of `token_string`, if it is accepted; with `introspect`, as the realm has them today.

        Raises TokenRejected, whose `finding` says why; KeysUnavailable where nobody can say; and
        nothing else, whatever the string is. (RuntimeError where `introspect` is asked of a validator
        without `client_id`.)
        """
        text_key = cache_key(token_string) if self._cache.is_on else None
        seen = None if text_key is None else self.recall(text_key)
        if seen is None:
            seen = self.judge(self._parsed(token_string), text_key)
        return self.confirm(seen, token_string) if introspect or not seen.is_complete else seen.claims

    async def verify_async(self, token_string: str, *, introspect: bool = False) -> AccessToken:
        """As `verify`, without blocking the event loop while the realm is asked."""
        text_key = cache_key(token_string) if self._cache.is_on else None
        seen = None if text_key is None else self.recall(text_key)
        if seen is None:
            seen = await self.judge_async(self._parsed(token_string), text_key)
        return await self.confirm_async(seen, token_string) if introspect or not seen.is_complete else seen.claims

    @property
    def introspects(self) -> bool:
        """Whether it has credentials to ask the realm with."""
        return self._second_opinion is not None

    def recalled(self, token: bytes) -> AccessToken | None:
        """What `verify` would return for a token that is in the cache of verified ones."""
        seen = self.recall(sha256(token).digest()) if len(token) <= LARGEST_CHARACTERS else None
        return seen.claims if seen is not None and seen.is_complete else None

    def check_introspection(self, issuer: str | None) -> None:
        """Raises ValueError where this validator cannot ask its realm, whichever `issuer` a route names."""
        if not self.introspects:
            raise ValueError(
                f"introspect=True asks {self.policy.issuer} about tokens, and its validator has no credentials to ask "
                "with: give it client_id= and client_secret=, this API's own client in the realm."
            )

    @property
    def now(self) -> Callable[[], float]:
        """The wall clock that `exp`, `nbf` and `iat` are compared with."""
        return self._now

    def key_sets(self) -> tuple[KeySet]:
        """Its keys, as the only set."""
        return (self.keys,)

    def status(self) -> KeySetStatus:
        """The state of the keys, for a health endpoint: every value is JSON."""
        return self.keys.status()

    # Inside

    def recall(self, text_key: bytes) -> VerifiedToken | None:
        """A token that was verified before, as long as all that it depends on holds."""
        cached = self._cache.get(text_key)
        if cached is None:
            return None
        current = self.keys.at_hand() or self.keys.serving()
        if current is None:
            return None  # a load has to be awaited first: see judge
        if cached.key in current.keys and cached.not_before <= self._now() < cached.not_after:
            return cached
        self._cache.forget(text_key)
        return None

    def judge(self, token: SignedToken, text_key: bytes | None) -> VerifiedToken:
        """The offline verdict on a token that was taken apart; `text_key` is what to remember it under, if at all."""
        try:
            key = key_at_hand(token, self.keys, self.policy)
            if key is None:
                key = waited_for(key_awaited(token, self.keys, self.policy), self.keys)
            return self._accepted(token, key, text_key)
        except TokenRejected as error:
            raise self._recorded(error) from error.__cause__

    async def judge_async(self, token: SignedToken, text_key: bytes | None) -> VerifiedToken:
        """As `judge`; the check itself stays in the event loop, which it costs microseconds."""
        try:
            key = key_at_hand(token, self.keys, self.policy)
            if key is None:
                key = await awaited(key_awaited(token, self.keys, self.policy), self.keys)
            return self._accepted(token, key, text_key)
        except TokenRejected as error:
            raise self._recorded(error) from error.__cause__

    def confirm(self, verified: VerifiedToken, text: str) -> AccessToken:
        """What the realm says today of a token that passed every check here."""
        try:
            return self._opinion().of(_question(verified, text))
        except TokenRejected as error:
            raise self._recorded(error) from error.__cause__

    async def confirm_async(self, verified: VerifiedToken, text: str) -> AccessToken:
        """As `confirm`, without blocking the event loop."""
        try:
            return await self._opinion().of_async(_question(verified, text))
        except TokenRejected as error:
            raise self._recorded(error) from error.__cause__

    def _opinion(self) -> SecondOpinion:
        if self._second_opinion is None:
            raise RuntimeError(f"{self!r} cannot introspect: give it client_id= and client_secret=.")
        return self._second_opinion

    def _parsed(self, text: str) -> SignedToken:
        try:
            return parse(text)
        except TokenRejected as error:
            raise self._recorded(error) from error.__cause__

    def _accepted(self, token: SignedToken, key: VerificationKey, text_key: bytes | None) -> VerifiedToken:
        """A token whose signature is good, with its claims; raises the first problem that they have."""
        claims = token.unverified_payload()  # verified by now
        header_type = token.unverified_header.get("typ")
        finding = first_problem(claims, self.policy, self._now(), header_type=header_type)
        # What a lightweight token lacks, the realm knows; everything before that in the order of checks is good.
        is_complete = finding is None
        if finding is not None and (finding.reason is not Reason.LIGHTWEIGHT or self._second_opinion is None):
            raise TokenRejected(finding)
        accepted = VerifiedToken(AccessToken(claims), key, self.policy.leeway_seconds, header_type, is_complete)
        if text_key is not None and self._cache.is_on:
            self._cache.put(text_key, accepted)
        return accepted

    def _key_set(self, source: JwksAt | DiscoveredJwks) -> KeySet:
        return KeySet(self.policy.issuer, source, timing=self._timing, monotonic=self._monotonic)

    def _make_second_opinion(self, jwks_uri: str, discovery: Discovery | None = None) -> SecondOpinion | None:
        return second_opinion(
            self._options,
            jwks_uri,
            discovery,
            policy=self.policy,
            timing=self._timing,
            now=self._now,
            monotonic=self._monotonic,
        )

    def _make_fetch(self, given: Mapping[str, Any]) -> Fetch:
        fetch, session = given.get("fetch"), given.get("session")
        if fetch is None:
            return JsonFetcher(
                timeout_seconds=self._timing.timeout_seconds,
                max_document_bytes=given.get("max_document_bytes", 262_144),
                session=session,
            )
        if session is not None:
            raise ValueError("session= is for fetching over HTTP, and fetch= replaces that: pass one of them.")
        if not callable(fetch):
            raise ValueError(f"fetch is {fetch!r}: pass a callable that takes a URL and returns the JSON document.")
        return fetch  # type: ignore[no-any-return]  # callable: that is all there is to check


def _clock(clock: Any, name: str) -> Any:
    if not callable(clock):
        raise ValueError(f"{name} is {clock!r}: pass a callable that returns seconds, such as time.{name}.")
    return clock


def _question(verified: VerifiedToken, text: str) -> Question:
    # Verified, so it is ASCII. Also what is too large for the cache of verified tokens is asked about once.
    return Question(sha256(text.encode("ascii")).digest(), text, verified.claims, verified.header_type)
