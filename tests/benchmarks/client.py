"""What a token at hand costs per call, beside other libraries: `python -m tests.benchmarks.client`.

The network is left out: an adapter answers at once, so what remains is the work of `requests`, and what the
authentication adds to it. Each figure is measured beside a bare one in the same round, because the speed of a
shared machine drifts.
"""

import argparse
import io
import statistics
import time
from collections.abc import Callable
from typing import Any

import requests
from authlib.integrations.requests_client import OAuth2Session
from requests.adapters import BaseAdapter
from requests_oauthlib import OAuth2Session as OAuthlibSession  # type: ignore[import-untyped]  # its types are a package of their own
from urllib3 import HTTPResponse

from resource_protector.client import ClientCredentials
from resource_protector.dev import DEMO_REALM_FILE, DevRealm

CLIENT = "test_api_client"
URL = "https://api.example.com/orders"
TARGET_MICROSECONDS = 20.0
Call = Callable[[], object]


class NoNetwork(BaseAdapter):
    """Answers 200 to everything."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        response = requests.Response()
        response.status_code, response.url, response.request = 200, URL, request
        response.raw = HTTPResponse(io.BytesIO(b"{}"), preload_content=False)
        return response

    def close(self) -> None:
        pass


def calling(session: requests.Session) -> Call:
    """A call by this session, without network."""
    session.mount("https://api.example.com", NoNetwork())
    session.trust_env = False
    return lambda: session.get(URL, timeout=10)


def calls(realm: DevRealm) -> dict[str, Call]:
    """A call with a token at hand, by library; the first is the one without authentication."""
    secret = realm.clients[CLIENT].secret or ""
    token: Any = {"access_token": realm.token(), "token_type": "Bearer", "expires_at": time.time() + 3600}
    ours = requests.Session()
    ours.auth = ClientCredentials(realm.issuer, CLIENT, secret)
    return {
        "requests, no authentication": calling(requests.Session()),
        "requests, auth=ClientCredentials": calling(ours),
        "Authlib, OAuth2Session": calling(OAuth2Session(CLIENT, secret, token=token)),
        "requests-oauthlib, OAuth2Session": calling(OAuthlibSession(CLIENT, token=token)),
    }


def microseconds(call: Call, times: int) -> float:
    """The time of one call, over a round of `times`."""
    begun = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - begun) / times * 1e6


def added(rounds: int, times: int) -> tuple[float, dict[str, list[float]]]:
    """What a bare call costs, and what each library adds to it, round by round."""
    with DevRealm(DEMO_REALM_FILE) as realm:
        (_, bare), *others = calls(realm).items()
        costs: list[float] = []
        found: dict[str, list[float]] = {name: [] for name, _ in others}
        for call in (bare, *(call for _, call in others)):
            microseconds(call, times)
        for _ in range(rounds):
            for name, call in others:
                before, cost, after = (microseconds(each, times) for each in (bare, call, bare))
                costs.append((before + after) / 2)
                found[name].append(cost - (before + after) / 2)
    return statistics.median(costs), found


def main() -> None:
    """Print a row per library: median and spread of what it adds, and the target of ours."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--times", type=int, default=200, help="calls per round")
    arguments = parser.parse_args()
    bare, found = added(arguments.rounds, arguments.times)
    print(f"requests, no authentication: {bare:.1f} us per call; on top of that:")  # noqa: T201 - a table to read
    print(f"{'':36} {'median':>7} {'min':>7} {'max':>7}")  # noqa: T201 - likewise
    for name, costs in found.items():
        print(f"{name:36} {statistics.median(costs):7.1f} {min(costs):7.1f} {max(costs):7.1f}")  # noqa: T201 - likewise
    print(f"target of ours: under {TARGET_MICROSECONDS:.0f} us")  # noqa: T201 - likewise


if __name__ == "__main__":
    main()
