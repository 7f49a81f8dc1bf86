"""Algorithm, key and signature of a token, checked as the validator does and looked at a little further."""

from __future__ import annotations

from dataclasses import dataclass

from resource_protector.errors import Finding, KeysUnavailable, Reason, TokenRejected
from resource_protector.jws import SignedToken
from resource_protector.keys import KeySet, Snapshot, VerificationKey
from resource_protector.policy import Policy
from resource_protector.signing_key import key_at_hand, key_awaited, waited_for
from resource_protector.validator import RealmTokenValidator

from .check import Check, failed, passed, skipped
from .printable import exactly
from .yardstick import Yardstick

__all__ = ["SignatureVerdict", "check_signature"]


@dataclass(frozen=True, slots=True)
class SignatureVerdict:
    """The three checks, what the validator refuses the token for at this point (if it does), and whether it is signed.

    `refusal` may be about the issuer or the payload: where no key fits, the validator looks at them first.
    """

    checks: tuple[Check, Check, Check]
    refusal: Finding | None
    is_verified: bool


def check_signature(token: SignedToken, yardstick: Yardstick) -> SignatureVerdict:
    """Whether a key of the realm made the signature. Keys are only those of the configured issuer."""
    validator, algorithm = yardstick.validator, token.unverified_header.get("alg")
    if validator is None:
        return _unasked(algorithm, yardstick)
    try:
        key = key_at_hand(token, validator.keys, validator.policy)
        if key is None:
            key = waited_for(key_awaited(token, validator.keys, validator.policy), validator.keys)
    except TokenRejected as error:
        return _refused(error.finding, token, validator)
    except KeysUnavailable as error:
        why = _unreachable(validator.policy.issuer, error)
        checks = (
            _algorithm(algorithm, validator.policy),
            skipped("key", why, error.finding),
            skipped("signature", why),
        )
        return SignatureVerdict(checks, error.finding, False)
    return SignatureVerdict(_good(algorithm, validator.policy, key), None, True)


def _unasked(algorithm: object, yardstick: Yardstick) -> SignatureVerdict:
    """Without a realm there are no keys: only the algorithm's name can be looked at."""
    why = "no key was asked for: " + (
        "the token names none of the accepted issuers" if yardstick.issuers else "say which realm's (--issuer, --app)"
    )
    refusal = None
    if not isinstance(algorithm, str) or algorithm not in yardstick.policy.algorithms:
        refusal = Finding(Reason.ALGORITHM, "alg", sorted(yardstick.policy.algorithms), algorithm)
    first = failed("algorithm", refusal) if refusal else _algorithm(algorithm, yardstick.policy)
    return SignatureVerdict((first, skipped("key", why), skipped("signature", why)), refusal, False)


def _refused(finding: Finding, token: SignedToken, validator: RealmTokenValidator) -> SignatureVerdict:
    header, keys = token.unverified_header, validator.keys
    algorithm = _algorithm(header.get("alg"), validator.policy)
    if finding.reason is Reason.ALGORITHM:
        why = "no key is tried with this algorithm"
        checks = (failed("algorithm", finding), skipped("key", why), skipped("signature", why))
    elif finding.reason is Reason.UNKNOWN_KEY:
        known = Finding(Reason.UNKNOWN_KEY, "kid", _kids(keys), header.get("kid"))
        checks = (algorithm, failed("key", known), skipped("signature", "the realm does not publish its key"))
    elif finding.reason is Reason.SIGNATURE and not token.signature:
        checks = (algorithm, skipped("key", "there is no signature"), failed("signature", finding))
    elif finding.reason is Reason.SIGNATURE:
        forged = Finding(Reason.SIGNATURE, "signature", "made by this key over these claims", "made otherwise")
        checks = (algorithm, passed("key", note=_named(header.get("kid"))), failed("signature", forged))
    else:
        return _looked_further(finding, token, validator)
    return SignatureVerdict(checks, finding, False)


def _looked_further(finding: Finding, token: SignedToken, validator: RealmTokenValidator) -> SignatureVerdict:
    """Where the validator refuses by the token's own words alone, whether the realm's keys made it all the same.

    That tells a realm known under another name from another realm.
    """
    header, issuer = token.unverified_header, validator.policy.issuer
    algorithm = _algorithm(header["alg"], validator.policy)
    try:
        candidates = _loaded(validator.keys).candidates(header.get("kid"), header["alg"])
    except KeysUnavailable as error:
        why = _unreachable(issuer, error)
        checks = (algorithm, skipped("key", why, error.finding), skipped("signature", why))
        return SignatureVerdict(checks, finding, False)
    for key in candidates:
        if key.verifies(header["alg"], token.signing_input, token.signature):
            return SignatureVerdict(_good(header["alg"], validator.policy, key), finding, True)
    why = f"it is of no key that {issuer} publishes"
    return SignatureVerdict((algorithm, skipped("key", why), skipped("signature", why)), finding, False)


def _loaded(keys: KeySet) -> Snapshot:
    """The realm's keys, loaded if they have to be. Raises KeysUnavailable."""
    current = keys.at_hand() or keys.current()
    if isinstance(current, Snapshot):
        return current
    current.wait(keys.seconds_to_wait(current))
    if keys.snapshot is None:
        raise keys.unavailable()
    return keys.snapshot


def _algorithm(algorithm: object, policy: Policy) -> Check:
    return passed("algorithm", note=f"{exactly(algorithm)}, one of the {len(policy.algorithms)} that are accepted")


def _good(algorithm: object, policy: Policy, key: VerificationKey) -> tuple[Check, Check, Check]:
    made = passed("signature", note=f"made by this key of {policy.issuer}")
    return _algorithm(algorithm, policy), passed("key", note=_named(key.kid)), made


def _named(kid: str | None) -> str:
    return "a key without a name" if kid is None else f"{exactly(kid)}, which the realm publishes"


def _kids(keys: KeySet) -> list[str]:
    return sorted(keys.snapshot.kids) if keys.snapshot else []


def _unreachable(issuer: str, error: KeysUnavailable) -> str:
    return f"could not get the keys of {issuer}: {error.finding.actual}"
