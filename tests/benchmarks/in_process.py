"""What checking one token costs in process, per algorithm, beside every peer: multiples of the raw signature."""

from __future__ import annotations

import warnings
from typing import Any

from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from tests.benchmarks.figures import Row, Section
from tests.benchmarks.peers import PEERS, RS256_ONLY, Call, Situation
from tests.benchmarks.verify import CLIENTS, TARGETS, our_calls, ratios, raw_verification, seconds

__all__ = ["measure", "situation_of", "with_peers"]


def measure(rounds: int, times: int) -> list[Section]:
    """A section per algorithm; ours and the peers' calls take turns within every round."""
    with DevRealm(DEMO_REALM_FILE) as realm:
        return [_section(realm, algorithm, rounds, times) for algorithm in CLIENTS]


def situation_of(realm: DevRealm, algorithm: str) -> Situation:
    """A token of a service account that the realm signs with this algorithm."""
    token = realm.token(client=CLIENTS[algorithm], scope="test_api_access")
    document: Any = realm.fetch(realm.issuer + "/protocol/openid-connect/certs")
    jwk = next(key for key in document["keys"] if key["alg"] == algorithm)
    return Situation(realm, algorithm, token, jwk, document)


def with_peers(situation: Situation) -> tuple[dict[str, Call], list[Row]]:
    """The peers' calls that work, and a row for each that does not."""
    working: dict[str, Call] = {}
    failing: list[Row] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries that deprecate one another
        for name, make in (PEERS | (RS256_ONLY if situation.algorithm == "RS256" else {})).items():
            try:
                call = make(situation)
                call()
            except Exception as error:  # noqa: BLE001 - whatever a library has to say against this token
                failing.append(Row(name, failure=f"{type(error).__name__}: {_first_line(error)}"))
            else:
                working[name] = call
    return working, failing


def _section(realm: DevRealm, algorithm: str, rounds: int, times: int) -> Section:
    situation = situation_of(realm, algorithm)
    raw = raw_verification(dict(situation.jwk), algorithm, situation.token)
    ours = our_calls(realm, algorithm, situation.token)
    peers, failing = with_peers(situation)
    unit = seconds(raw, times) * 1e6
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for call in (raw, *ours.values(), *peers.values()):
            seconds(call, times // 4)
        found = ratios(ours | peers, raw, rounds, times)
    rows = [Row(name, found[name], TARGETS[name][algorithm], is_ours=True) for name in ours]
    rows += [Row(name, found[name]) for name in peers]
    title = f"{algorithm} in process: signature, issuer, audience, expiry"
    return Section(title, f"raw signature verifications (one is {unit:.1f} us)", rows + failing)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:120]
