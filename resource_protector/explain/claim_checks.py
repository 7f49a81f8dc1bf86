"""Every check of a token's claims, with what it expected and found also where it passed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from resource_protector.claims import CHECKS, AccessToken
from resource_protector.policy import Policy
from resource_protector.scopes import Requirements

from .check import Check, failed, passed, skipped
from .times import is_moment, relative
from .yardstick import Yardstick

__all__ = ["check_claims", "check_requirements"]


def check_claims(claims: Mapping[str, Any], header_type: str | None, yardstick: Yardstick, now: float) -> list[Check]:
    """The checks of `find_problems`, in its order; every one is made, whatever the others found."""
    made = []
    for name, check in CHECKS.items():
        if name == "issuer" and yardstick.refusal is not None:
            made.append(failed(name, yardstick.refusal))  # no realm of several is the token's
        elif name in yardstick.unknown:
            made.append(skipped(name, yardstick.unknown[name]))
        else:
            findings = check(claims, yardstick.policy, now, header_type)
            made.append(failed(name, *findings) if findings else _passed(name, claims, yardstick.policy, now))
    return made


def check_requirements(claims: Mapping[str, Any], requirements: Requirements) -> list[Check]:
    """What the route needs beyond a valid token: one check for what was asked for, none where nothing was."""
    if requirements == Requirements():
        return []
    findings = tuple(requirements.problems(AccessToken(claims)))
    if findings:
        return [failed("scope", *findings)]
    return [passed("scope", str(requirements.scopes), sorted(AccessToken(claims).scopes))]


def _passed(name: str, claims: Mapping[str, Any], policy: Policy, now: float) -> Check:
    say = _WHEN_PASSED.get(name)
    return say(name, claims, policy, now) if say else passed(name)


def _issuer(name: str, claims: Mapping[str, Any], policy: Policy, now: float) -> Check:
    return passed(name, policy.issuer, claims["iss"])


def _type(name: str, claims: Mapping[str, Any], policy: Policy, now: float) -> Check:
    return passed(name, policy.token_types, claims.get("typ", "at+jwt in the header"))


def _times(name: str, claims: Mapping[str, Any], policy: Policy, now: float) -> Check:
    said = [
        f"{verb} {relative(claims[claim] - now)}"
        for claim, verb in (("iat", "issued"), ("nbf", "valid from"), ("exp", "expires"))
        if is_moment(claims.get(claim))
    ]
    return passed(name, note=f"{', '.join(said)}; {policy.leeway_seconds:g} s of leeway")


def _audience(name: str, claims: Mapping[str, Any], policy: Policy, now: float) -> Check:
    if policy.audience is None:
        return passed(name, note="not checked by this API: audience=None accepts the tokens of every client")
    return passed(name, policy.audience, claims["aud"])


def _required(name: str, claims: Mapping[str, Any], policy: Policy, now: float) -> Check:
    return passed(name, note=f"{', '.join(policy.required_claims) or 'nothing more'} present")


_WHEN_PASSED: dict[str, Callable[[str, Mapping[str, Any], Policy, float], Check]] = {
    "issuer": _issuer,
    "proof of possession": lambda name, *_: passed(name, note="not bound to a key"),
    "type": _type,
    "times": _times,
    "lightweight": lambda name, *_: passed(name, note="the token says itself what is needed of it"),
    "audience": _audience,
    "required claims": _required,
}
