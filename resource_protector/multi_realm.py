"""Several realms beside each other: each token goes to the validator of its own issuer, and to no other."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from .access_token_validator import AccessTokenValidator
from .cache import VerifiedToken, cache_key
from .claims import AccessToken
from .errors import Finding, Reason, TokenRejected
from .jws import SignedToken, parse
from .keys import KeySet, KeySetStatus
from .provider import Fetch
from .refusal_log import RefusalLog
from .validator import RealmTokenValidator

__all__ = ["MultiRealmValidator"]


class MultiRealmValidator(AccessTokenValidator):
    """Accepts the tokens of several issuers, each judged by its own validator.

    A token's unverified `iss` chooses among the configured issuers, by exact comparison and before
    any network access; any other is refused as `issuer`. Keys, cool-downs, caches and outages of
    one realm never touch another.

    `sub` is unique within one issuer only: whoever stores users stores `(iss, sub)`.

    Arguments: the validators; `realm`, named in the challenge of a request whose realm is not
    known. Raises ValueError for none, for two of one issuer, and for what is no RealmTokenValidator.
    """

    def __init__(self, *validators: RealmTokenValidator, realm: str | None = None) -> None:
        by_issuer: dict[str, RealmTokenValidator] = {}
        for validator in validators:
            if not isinstance(validator, RealmTokenValidator):
                raise ValueError(f"{validator!r} is not a validator: pass RealmTokenValidator(...) for each realm.")
            for name in ("verify", "verify_async"):
                if getattr(type(validator), name) is not getattr(RealmTokenValidator, name):
                    raise ValueError(
                        f"{type(validator).__name__} overrides {name}, which is not called for one realm of several: "
                        "override it in a subclass of MultiRealmValidator."
                    )
            if validator.policy.issuer in by_issuer:
                raise ValueError(
                    f"Two validators are for {validator.policy.issuer}: write one, with all audiences in a list."
                )
            by_issuer[validator.policy.issuer] = validator
        if not by_issuer:
            raise ValueError("There is no realm: pass at least one RealmTokenValidator.")
        super().__init__(realm, RefusalLog(" and ".join(by_issuer), time.monotonic))
        self._by_issuer = by_issuer

    @property
    def validators(self) -> Mapping[str, RealmTokenValidator]:
        """The validator of each issuer."""
        return MappingProxyType(self._by_issuer)

    def verify(self, token_string: str, *, introspect: bool = False) -> AccessToken:
        """As `RealmTokenValidator.verify`, by the validator of the token's issuer."""
        text_key = cache_key(token_string)
        validator, seen = self._seen(text_key)
        if seen is None:
            token, validator = self._chosen(token_string)
            seen = validator.judge(token, text_key)
        return validator.confirm(seen, token_string) if introspect or not seen.is_complete else seen.claims

    async def verify_async(self, token_string: str, *, introspect: bool = False) -> AccessToken:
        """As `verify`, without blocking the event loop while a realm is asked."""
        text_key = cache_key(token_string)
        validator, seen = self._seen(text_key)
        if seen is None:
            token, validator = self._chosen(token_string)
            seen = await validator.judge_async(token, text_key)
        return await validator.confirm_async(seen, token_string) if introspect or not seen.is_complete else seen.claims

    def recalled(self, token: bytes) -> AccessToken | None:
        """As `RealmTokenValidator.recalled`, by whichever realm's validator has verified it."""
        for validator in self._by_issuer.values():
            found = validator.recalled(token)
            if found is not None:
                return found
        return None

    def check_introspection(self, issuer: str | None) -> None:
        """Raises ValueError where one of the realms that a route accepts cannot be asked."""
        named = self._by_issuer.get(issuer or "")
        for validator in self._by_issuer.values() if named is None else (named,):
            validator.check_introspection(issuer)

    def key_sets(self) -> tuple[KeySet, ...]:
        """The keys of each realm."""
        return tuple(validator.keys for validator in self._by_issuer.values())

    def status(self) -> dict[str, KeySetStatus]:
        """The state of each realm's keys, by issuer; every value is JSON."""
        return {issuer: validator.status() for issuer, validator in self._by_issuer.items()}

    def with_issuer(
        self, issuer: str, *, jwks_uri: str | None = None, fetch: Fetch | None = None
    ) -> RealmTokenValidator:
        """The policy of one realm, the first that introspects if any does, for a test that brings tokens of its own."""
        validators = self._by_issuer.values()
        chosen = next((validator for validator in validators if validator.introspects), next(iter(validators)))
        return chosen.with_issuer(issuer, jwks_uri=jwks_uri, fetch=fetch)

    def __repr__(self) -> str:
        return f"<MultiRealmValidator {' and '.join(self._by_issuer)}>"

    def _seen(self, text_key: bytes | None) -> tuple[RealmTokenValidator, VerifiedToken | None]:
        """Who has verified the token before, if anybody."""
        if text_key is not None:
            for validator in self._by_issuer.values():
                seen = validator.recall(text_key)
                if seen is not None:
                    return validator, seen
        return next(iter(self._by_issuer.values())), None

    def validator_for(self, token: SignedToken) -> RealmTokenValidator:
        """Whose judgement `token` is, by what it says of itself: that can only choose who refuses it.

        Raises TokenRejected where it names none of the configured issuers.
        """
        kid = token.unverified_header.get("kid")
        issuers = token.unverified_issuers()
        # Where the beginning names nobody, the key tells whose it is, before all of the payload is read.
        named = self._named(issuers) if issuers else [v for v in self._by_issuer.values() if v.keys.knows(kid)]
        if token.is_long and not any(validator.keys.knows(kid) for validator in named):
            issuers = token.unverified_issuers(throughout=True)
            named = self._named(issuers)
        if not named:
            reason = Reason.ISSUER if issuers else Reason.MISSING_CLAIM
            raise TokenRejected(Finding(reason, "iss", list(self._by_issuer), issuers[0] if issuers else None))
        # A token may name a second issuer further inside (RFC 8693 section 4.1): the key tells whose it is.
        return next((validator for validator in named if validator.keys.knows(kid)), named[0])

    def _named(self, issuers: Sequence[str]) -> list[RealmTokenValidator]:
        return [self._by_issuer[issuer] for issuer in issuers if issuer in self._by_issuer]

    def _chosen(self, token_string: str) -> tuple[SignedToken, RealmTokenValidator]:
        try:
            token = parse(token_string)
            return token, self.validator_for(token)
        except TokenRejected as error:
            raise self._recorded(error) from error.__cause__
