"""What to do about a token's findings, in the words of Keycloak's admin console."""

from __future__ import annotations

from collections.abc import Callable

from resource_protector.errors import Reason
from resource_protector.refusal_log import CURES

from .cures import (
    audience_cure,
    lightweight_cure,
    role_cure,
    scope_cure,
    scopes_of_the_client_cure,
    subject_cure,
)
from .evidence import Evidence
from .issuers import issuer_advice
from .kinds import another_kind
from .printable import exactly
from .times import span

__all__ = ["advise"]

Rule = Callable[[Evidence], str | None]


def advise(evidence: Evidence) -> tuple[str, ...]:
    """Advice for every finding, the most telling first; what a greater mistake explains is left out."""
    kind = another_kind(evidence)
    if kind is not None:
        # The access token to send instead will be of the same realm, made by the same clock, and no more.
        return kind, *_all(_ABOUT_THE_REALM, evidence)
    return _all((*_ABOUT_THE_REALM, *_ABOUT_THE_TOKEN), evidence)


def _all(rules: tuple[Rule, ...], evidence: Evidence) -> tuple[str, ...]:
    return tuple(said for said in (rule(evidence) for rule in rules) if said is not None)


def _shape(evidence: Evidence) -> str | None:
    found = evidence.finding(Reason.MALFORMED)
    if found is None:
        return None
    if found.claim in ("scope", "scp"):
        return f"Correct the mapper of {exactly(found.claim)}: its 'Claim JSON Type' is not String, so nobody can read the scopes."
    return (
        "Copy the token again, whole: three parts with two dots, from 'eyJ' to the end of its last line. This is no signed "
        f"token in compact form ({found.claim or 'token'}: expected {found.expected}, found {found.actual}). An opaque "
        "token of another provider, or an encrypted one, cannot be checked offline."
    )


def _issuer(evidence: Evidence) -> str | None:
    found = evidence.finding(Reason.ISSUER, Reason.MISSING_CLAIM, claim="iss")
    issuers = evidence.yardstick.issuers
    return issuer_advice(issuers, found.actual, is_same_realm=evidence.is_verified) if found and issuers else None


def _algorithm(evidence: Evidence) -> str | None:
    found = evidence.finding(Reason.ALGORITHM)
    if found is None:
        return None
    said, named = found.actual, exactly(found.actual)
    if not isinstance(said, str) or said.lower() == "none" or said.startswith("HS"):
        return (
            f"Get a token from the realm: it did not make this one, whose 'alg' is {named}, which no realm puts into an "
            "access token. Take care who did."
        )
    if isinstance(found.expected, str):
        return (
            f"Get a token from the realm: it did not make this one, whose 'alg' is {named} and whose key is for another "
            "algorithm. Take care who did."
        )
    return (
        f"Choose another 'Access token signature algorithm', or add {named} to algorithms=: the token is signed with "
        f"{named}, and this API accepts {exactly(found.expected)}. The switch: Clients > ({evidence.client}) > Advanced > "
        "Fine grain OpenID Connect configuration."
    )


def _key(evidence: Evidence) -> str | None:
    found = evidence.finding(Reason.UNKNOWN_KEY)
    if found is None:
        return None
    return (
        f"Get a new token: the realm has withdrawn this one's key. It is {exactly(found.actual)}, and the realm publishes "
        f"{exactly(found.expected)}. (Or the token is of another server with the same name: a realm that was made anew "
        "has new keys.) To let older tokens live out their time, switch 'Active' off under Realm settings > Keys > Add "
        "providers > (the key's provider), and delete it only after the longest 'Access Token Lifespan'."
    )


def _signature(evidence: Evidence) -> str | None:
    if evidence.finding(Reason.SIGNATURE) is None:
        return None
    return (
        "Copy the token again, whole, or get a new one: its signature does not fit what it says. It was changed or cut on "
        "its way, or somebody else than the realm made it; if a new one fares no better, take care who."
    )


def _binding(evidence: Evidence) -> str | None:
    if evidence.finding(Reason.BOUND) is None:
        return None
    return (
        f"Switch off 'Require DPoP bound tokens': Clients > ({evidence.client}) > Settings > Capability config. The token is bound "
        "to a key of its client (by DPoP, or by mutual TLS, which has a switch of its own under Advanced), and as a plain "
        "bearer token it is refused."
    )


def _type(evidence: Evidence) -> str | None:
    found = evidence.finding(Reason.TOKEN_TYPE, claim="typ")
    if found is None:
        return None
    if evidence.claims.get("typ") is not None:
        return f"Send an access token: this one says that it is of type {exactly(found.actual)}."
    types = (*evidence.yardstick.policy.token_types, evidence.header.get("typ") or "JWT")
    return (
        f"Write token_types={types!r}, if this is another provider's access token: it does not say of which type it is "
        f"({found.actual}), as Keycloak's do."
    )


def _clock(evidence: Evidence) -> str | None:
    found = [finding for finding in evidence.findings if finding.reason is Reason.NOT_YET_VALID]
    if not found:
        return None
    ahead = max(float(str(finding.actual)) for finding in found) - evidence.now
    return (
        f"Set the clocks, by NTP (timedatectl): this machine's is {ahead:.0f} s ({span(ahead)}) behind the realm's, if the "
        f"token was just issued, for that is when it becomes valid. leeway_seconds={evidence.yardstick.policy.leeway_seconds:g} is "
        "for seconds, not for minutes."
    )


def _expiry(evidence: Evidence) -> str | None:
    found = evidence.finding(Reason.EXPIRED)
    if found is None:
        return None
    late = evidence.now - float(str(found.actual))
    return (
        f"Get a new token: this one expired {span(late)} ago. How long they live: Realm settings > Tokens > 'Access Token "
        f"Lifespan'. If you got it just now, this machine's clock is at least {late:.0f} s ahead of the realm's: set both by NTP."
    )


def _left_out(evidence: Evidence) -> str | None:
    """Lightweight by its own word, or by all that it lacks."""
    if evidence.finding(Reason.LIGHTWEIGHT) is None:
        return None
    return scopes_of_the_client_cure(evidence) if evidence.is_lightweight is False else lightweight_cure(evidence)


def _audience(evidence: Evidence) -> str | None:
    found = evidence.finding(Reason.AUDIENCE, Reason.MISSING_CLAIM, claim="aud")
    audience = evidence.yardstick.policy.audience
    if found is None or audience is None or evidence.finding(Reason.LIGHTWEIGHT):
        return None
    return audience_cure(audience, found.actual, evidence)


def _required(evidence: Evidence) -> str | None:
    absent = [f for f in evidence.findings if f.reason is Reason.MISSING_CLAIM and f.claim not in ("iss", "aud")]
    if not absent or evidence.finding(Reason.LIGHTWEIGHT):
        return None
    if any(finding.claim == "sub" and "sub" not in evidence.claims for finding in absent):
        return lightweight_cure(evidence) if evidence.is_lightweight else subject_cure(evidence)
    names = exactly([finding.claim for finding in absent])
    return (
        f"Add a mapper for {names} under Client scopes > (a scope of {evidence.client}) > Mappers, or leave it out of "
        "required_claims=: the token lacks it, or has it of a wrong type. No access token of Keycloak is without 'exp' and 'iat'."
    )


def _scope(evidence: Evidence) -> str | None:
    found = evidence.finding(Reason.INSUFFICIENT_SCOPE)
    return scope_cure(str(found.expected), evidence) if found else None


def _role(evidence: Evidence) -> str | None:
    found = evidence.finding(Reason.INSUFFICIENT_ROLE)
    return role_cure(found.claim, found.expected, evidence) if found else None


def _unknown(evidence: Evidence) -> str | None:
    """What was not said, so that it could not be checked."""
    unknown = evidence.yardstick.unknown
    if "issuer" in unknown:
        issuer = evidence.claims.get("iss")
        named = exactly(issuer) if isinstance(issuer, str) else "ISSUER"
        return (
            "Say against what to check: add --app module:name, or, if you trust the issuer that the token names, --issuer "
            f"{named} --audience NAME. Until then nothing is fetched, and the signature is not checked."
        )
    if unknown and evidence.yardstick.realms is None:
        return "Say what this API is called in 'aud': add --audience NAME. Until then it is not checked."
    return None


def _inactive(evidence: Evidence) -> str | None:
    return f"{CURES[Reason.INACTIVE]}." if evidence.finding(Reason.INACTIVE) else None


def _unreachable(evidence: Evidence) -> str | None:
    issuer = next(iter(evidence.yardstick.issuers), None)
    if evidence.finding(Reason.INTROSPECTION_UNAVAILABLE) is not None:
        return (
            f"See the log resource_protector.introspection for what {issuer} answered: the API could not ask it about "
            "this token, by client_id= and client_secret=."
        )
    if evidence.finding(Reason.KEYS_UNAVAILABLE) is None:
        return None
    return f"Run resource-protector doctor {issuer}: the realm could not be asked, so the signature is not checked."


# What is true of the realm is true of its next token, whatever kind of token this one is.
_ABOUT_THE_REALM: tuple[Rule, ...] = (_issuer, _clock)
_ABOUT_THE_TOKEN: tuple[Rule, ...] = (
    _shape,
    _algorithm,
    _key,
    _signature,
    _binding,
    _type,
    _expiry,
    _left_out,
    _inactive,
    _audience,
    _required,
    _scope,
    _role,
    _unreachable,
    _unknown,
)
