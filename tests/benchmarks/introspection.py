"""What an introspected Flask route costs beside the plain one: `make bench`.

With a warm cache, which is the ordinary case, and asking the realm each time, here a dev realm on this machine.
"""

from collections.abc import Callable

from flask import Flask

from resource_protector import RealmTokenValidator
from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from resource_protector.flask import ResourceProtector
from tests.benchmarks.figures import Row, Section
from tests.benchmarks.verify import ratios

TARGET = 1.1


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


def measure(rounds: int) -> list[Section]:
    """One section: against the plain route, which is protected too."""
    with DevRealm(DEMO_REALM_FILE) as realm:
        plain = request(realm, introspect=False)
        calls = {
            "introspect=True, remembered answer": (request(realm, introspect=True, seconds=3600), 100, TARGET),
            "introspect=True, asked each time": (request(realm, introspect=True, seconds=0), 10, None),
        }
        rows = [
            Row(name, ratios({name: call}, plain, rounds, times)[name], target, is_ours=True)
            for name, (call, times, target) in calls.items()
        ]
    return [Section("A second opinion of the realm, in process", "times the route without introspect=True", rows)]
