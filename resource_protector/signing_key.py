"""The realm's key that made a token's signature: among those at hand, or after a load that is worth awaiting."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence

from .errors import Finding, KeysUnavailable, Reason, TokenRejected
from .jws import SignedToken
from .keys import KeySet, Load, Snapshot, VerificationKey
from .policy import Policy

__all__ = ["awaited", "key_at_hand", "key_awaited", "refuse_another_issuer", "waited_for"]


def key_at_hand(token: SignedToken, keys: KeySet, policy: Policy) -> VerificationKey | None:
    """The key that signed `token`, where the keys at hand serve and one of them did: nearly always.

    Raises TokenRejected where no key could have (RFC 8725 section 3.1).
    """
    header = token.unverified_header
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in policy.algorithms:
        raise TokenRejected(Finding(Reason.ALGORITHM, "alg", sorted(policy.algorithms), algorithm))
    if not token.signature:
        raise TokenRejected(Finding(Reason.SIGNATURE, "signature", "a signature", "nothing"))
    snapshot = keys.at_hand()
    if snapshot is not None:
        return _key_among(snapshot.candidates(header.get("kid"), algorithm), token, algorithm)
    return None


def key_awaited(token: SignedToken, keys: KeySet, policy: Policy) -> Generator[Load, bool, VerificationKey]:
    """The key that signed `token`, after every load that it is worth; asked where `key_at_hand` has none.

    Performs no I/O: it yields the load that has to be awaited and is sent whether that ended in
    time, so that whoever drives it waits in its own way. Raises TokenRejected or KeysUnavailable.
    """
    algorithm, kid = token.unverified_header["alg"], token.unverified_header.get("kid")
    since = keys.loads_started
    at_hand = keys.snapshot
    if at_hand is None or (kid is not None and kid not in at_hand.kids):
        refuse_another_issuer(token, policy)
    while True:
        current = keys.at_hand() or keys.current()
        snapshot = current if isinstance(current, Snapshot) else (yield from _loaded(current, keys))
        candidates = snapshot.candidates(kid, algorithm)
        if candidates != token.refuted:
            key = _key_among(candidates, token, algorithm)
            if key is not None:
                return key
        if candidates:
            _refuse_if_plainly_anothers(token, policy)
        elif kid in snapshot.kids:
            raise TokenRejected(Finding(Reason.ALGORITHM, "alg", "the algorithm of this key", algorithm))
        else:
            refuse_another_issuer(token, policy)
        yield from _reloaded(keys, kid, since, Reason.SIGNATURE if candidates else Reason.UNKNOWN_KEY)


def waited_for(steps: Generator[Load, bool, VerificationKey], keys: KeySet) -> VerificationKey:
    """What `steps` come to, blocking this thread while they wait."""
    try:
        load = next(steps)
        while True:
            load = steps.send(load.wait(keys.seconds_to_wait(load)))
    except StopIteration as found:
        return found.value  # type: ignore[no-any-return]  # what key_awaited returns


async def awaited(steps: Generator[Load, bool, VerificationKey], keys: KeySet) -> VerificationKey:
    """What `steps` come to, waiting in the event loop; whoever is cancelled while it waits cancels nobody else."""
    import asyncio  # takes longer to import than all of this package, and only event loops need it

    try:
        load = next(steps)
        while True:
            ended, _ = await asyncio.wait(
                {asyncio.wrap_future(load.future)}, timeout=max(0.0, keys.seconds_to_wait(load))
            )
            load = steps.send(bool(ended))
    except StopIteration as found:
        return found.value  # type: ignore[no-any-return]  # what key_awaited returns


def refuse_another_issuer(token: SignedToken, policy: Policy) -> None:
    """Refuse a token of another realm without asking any: what it says of itself can only refuse it."""
    issuers = token.unverified_issuers()
    if issuers and policy.issuer not in issuers and token.is_long:
        issuers = token.unverified_issuers(throughout=True)
    if issuers and policy.issuer not in issuers:
        raise TokenRejected(Finding(Reason.ISSUER, "iss", policy.issuer, issuers[0]))


def _refuse_if_plainly_anothers(token: SignedToken, policy: Policy) -> None:
    """The same for a token whose signature is bad, which has cost some already: where it can be told from a glance."""
    if token.is_long:
        return
    issuers: Sequence[str] = ()
    with contextlib.suppress(TokenRejected):  # a payload that cannot be read is no reason: the signature is one
        issuers = token.unverified_issuers()
    if issuers and policy.issuer not in issuers:
        raise TokenRejected(Finding(Reason.ISSUER, "iss", policy.issuer, issuers[0]))


def _key_among(candidates: Sequence[VerificationKey], token: SignedToken, algorithm: str) -> VerificationKey | None:
    for key in candidates:
        if key.verifies(algorithm, token.signing_input, token.signature):
            return key
    token.refuted = candidates
    return None


def _loaded(load: Load, keys: KeySet) -> Generator[Load, bool, Snapshot]:
    """The keys that `load` brings, or those at hand if it fails. Raises KeysUnavailable."""
    in_time = yield load
    current = (keys.at_hand() or keys.current()) if in_time else None
    if not isinstance(current, Snapshot):
        raise keys.unavailable()
    return current


def _reloaded(keys: KeySet, kid: str | None, since: int, verdict: Reason) -> Generator[Load, bool, None]:
    """Await the reload that may bring the right key; raises `verdict` where there is none to be had.

    A key that nobody knows may be good, so a realm that cannot be asked means KeysUnavailable. A
    bad signature of a key at hand is refused either way.
    """
    try:
        load = keys.reload_for(kid, since)
        if load is not None:
            if (yield load):
                return
            raise keys.unavailable()
    except KeysUnavailable:
        if verdict is Reason.UNKNOWN_KEY:
            raise
    raise TokenRejected(Finding(verdict, "kid", "a key of the realm", kid))
