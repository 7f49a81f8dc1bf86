"""What a token is measured against: a validator's policy, or what is known of one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from resource_protector.access_token_validator import AccessTokenValidator
from resource_protector.errors import Finding, TokenRejected
from resource_protector.jws import SignedToken
from resource_protector.multi_realm import MultiRealmValidator
from resource_protector.policy import Policy
from resource_protector.scopes import Requirements
from resource_protector.shadow import Shadow
from resource_protector.validator import RealmTokenValidator

__all__ = ["Yardstick"]

# Stand in a policy for what nobody has named, because a policy cannot do without; the checks that
# would read them are left out.
_NO_ISSUER = "https://issuer.invalid"
_NO_AUDIENCE = "(not given)"


@dataclass(frozen=True, slots=True)
class Yardstick:
    """The policy, the keys and the clock that explain a token.

    - `validator`: has the keys; None where no issuer is known, and nothing is fetched then.
    - `issuers`: the issuers whose tokens are accepted; more than one for a MultiRealmValidator.
    - `unknown`: the names of the checks that cannot be made, with why.
    - `realms`: the validator of several realms, as long as none of them is chosen; `refusal` says why none could be.
    - `requirements`: what the route needs beyond a valid token.
    """

    policy: Policy
    validator: RealmTokenValidator | None
    issuers: tuple[str, ...]
    realms: MultiRealmValidator | None
    requirements: Requirements
    unknown: dict[str, str]
    now: Callable[[], float]
    refusal: Finding | None = None

    @classmethod
    def of(cls, validator: AccessTokenValidator, requirements: Requirements | None = None) -> Yardstick:
        """A validator's own. Raises ValueError for a validator that is none of this package's."""
        needed = requirements or Requirements()
        if isinstance(validator, Shadow):
            validator = validator.offline  # what the provider would say, only the provider knows
        if isinstance(validator, MultiRealmValidator):
            realms = tuple(validator.validators.values())
            # Until the token has said whose it is, none of them: see `for_issuer`.
            policy = Policy.of(_NO_ISSUER, _NO_AUDIENCE)
            unknown = {"audience": "it depends on the realm"}
            return cls(policy, None, tuple(validator.validators), validator, needed, unknown, realms[0].now)
        if not isinstance(validator, RealmTokenValidator):
            raise ValueError(f"{validator!r} is a validator of another kind: explain knows RealmTokenValidator.")
        issuers = (validator.policy.issuer,)
        return cls(validator.policy, validator, issuers, None, needed, {}, validator.now)

    @classmethod
    def of_options(
        cls,
        issuer: str | None,
        audience: tuple[str, ...],
        requirements: Requirements | None = None,
        *,
        jwks_uri: str | None = None,
        allow_insecure_http: bool = False,
    ) -> Yardstick:
        """What somebody typed; whatever is left out cannot be checked. Raises ValueError for a bad issuer."""
        unknown = {} if audience else {"audience": "say what this API is called in 'aud' (--audience)"}
        named = frozenset(audience or {_NO_AUDIENCE})
        if issuer is None:
            unknown["issuer"] = "say which realm's tokens this API accepts (--issuer)"
            policy = Policy.of(_NO_ISSUER, named)
            return cls(policy, None, (), None, requirements or Requirements(), unknown, time.time)
        validator = RealmTokenValidator(
            issuer, audience=named, jwks_uri=jwks_uri, allow_insecure_http=allow_insecure_http
        )
        return replace(cls.of(validator, requirements), unknown=unknown)

    def for_token(self, token: SignedToken) -> Yardstick:
        """Of several realms the one that `token` claims to be of; itself where there is no choice."""
        if self.realms is None:
            return self
        try:
            return Yardstick.of(self.realms.validator_for(token), self.requirements)
        except TokenRejected as error:
            return replace(self, refusal=error.finding)

    def __str__(self) -> str:
        """What a token is measured against, in one line."""
        parts = [" or ".join(self.issuers) or "no realm: nothing is fetched, and the signature is not checked"]
        if "audience" not in self.unknown:
            audience = self.policy.audience
            parts.append("any audience" if audience is None else "audience " + " or ".join(sorted(audience)))
        if self.requirements.scopes is not None:
            parts.append(f"scope {self.requirements.scopes}")
        return ", ".join(parts)
