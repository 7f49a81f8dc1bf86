"""What an introspected Flask route costs beside the plain one: `make bench`.

With a warm cache, which is the ordinary case, and asking the realm each time, here a dev realm on this machine.
"""

import statistics
from collections.abc import Callable

from flask import Flask

from resource_protector import RealmTokenValidator
from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from resource_protector.flask import ResourceProtector
from tests.benchmarks.verify import ratios


def request(realm: DevRealm, *, introspect: bool, seconds: float = 10.0) -> Callable[[], object]:
    """One whole request in process, with a token that was seen before."""
    validator = RealmTokenValidator(
        realm.issuer,
        audience="orders-api",
        client_id="orders-api",
        client_secret=realm.clients["orders-api"].secret,
        introspection_seconds=seconds,
    )
    require_auth = ResourceProtector(validator)
    app = Flask(__name__)
    app.get("/")(require_auth("test_api_access", introspect=introspect)(lambda: "good"))
    client, headers = app.test_client(), realm.bearer(realm.token(scope="test_api_access"))

    def call() -> object:
        answer = client.get("/", headers=headers)
        if answer.status_code != 200:
            raise AssertionError(answer.get_data(as_text=True))
        return answer

    call()
    return call


def main(rounds: int) -> None:
    """Print the ratio to the plain route: median and spread."""
    with DevRealm(DEMO_REALM_FILE) as realm:
        plain = request(realm, introspect=False)
        rows = {
            "introspected, warm cache": (request(realm, introspect=True, seconds=3600), 100, 1.1),
            "introspected, asked each time": (request(realm, introspect=True, seconds=0), 10, None),
        }
        print("Flask request in process, as multiples of the plain route")  # noqa: T201 - a table to read
        for name, (call, times, target) in rows.items():
            found = ratios({name: call}, plain, rounds, times)[name]
            figures = f"{statistics.median(found):7.2f} {min(found):6.2f} {max(found):6.2f}"
            print(f"{'':6} {name:42} {figures} {'' if target is None else f'{target:7.2f}'}")  # noqa: T201 - likewise
