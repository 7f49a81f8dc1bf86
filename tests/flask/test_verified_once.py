"""One request, one verification: what guard, decorators and `acquire` share, and what two protectors do not."""

from typing import Any

import pytest
from flask import Flask

from resource_protector import AccessToken, RealmTokenValidator
from resource_protector.dev import DevRealm
from resource_protector.flask import ResourceProtector, get_token


class Counting(RealmTokenValidator):
    """Counts how often it was asked for a verdict; without a cache, each would cost a signature check."""

    asked = 0

    def verify(self, token_string: str, *, introspect: bool = False) -> AccessToken:
        self.asked += 1
        return super().verify(token_string, introspect=introspect)


def counting(dev_realm: DevRealm, audience: str = "orders-api") -> Counting:
    """A validator that counts."""
    return Counting(dev_realm.issuer, audience=audience, token_cache_size=0)


@pytest.fixture
def app() -> Flask:
    """An application to protect."""
    app = Flask(__name__)
    app.testing = True
    return app


def test_guard_decorators_and_acquire_verify_once(dev_realm: DevRealm, app: Flask) -> None:
    """All of them see the very same token; the next request is verified anew."""
    validator = counting(dev_realm)
    require_auth, seen = ResourceProtector(validator), []
    require_auth.guard(app, "a", g_name="auth_token")

    @app.get("/")
    @require_auth("b")
    @require_auth(roles="r")
    def view() -> Any:
        with require_auth.acquire("a") as token, require_auth.acquire(claims={"sub": "alice"}) as again:
            seen.append(token is again is get_token())
        return {"sub": token.subject}

    client = app.test_client()
    good = dev_realm.bearer(sub="alice", scope="a b", realm_access={"roles": ["r"]})
    assert client.get("/", headers=good).json == {"sub": "alice"}
    assert (validator.asked, seen) == (1, [True])
    assert client.get("/", headers=good).status_code == 200
    assert validator.asked == 2


def test_a_lack_found_later_costs_no_second_verification(dev_realm: DevRealm, app: Flask) -> None:
    """The guard is content, the decorator is not: 403, by the token that the guard had verified."""
    validator = counting(dev_realm)
    require_auth = ResourceProtector(validator)
    require_auth.guard(app)
    app.add_url_rule("/", view_func=require_auth("b")(lambda: "ok"))

    assert app.test_client().get("/", headers=dev_realm.bearer(scope="a")).status_code == 403
    assert validator.asked == 1


def test_two_protectors_in_one_request_judge_for_themselves(dev_realm: DevRealm, app: Flask) -> None:
    """What one validator accepted is no verdict of another's, in whichever order they are asked."""
    orders, billing = counting(dev_realm), counting(dev_realm, "billing-api")
    for_orders, for_billing = ResourceProtector(orders), ResourceProtector(billing)
    app.add_url_rule("/one", "one", for_orders(for_billing(lambda: "ok")))
    app.add_url_rule("/other", "other", for_billing(for_orders(lambda: "ok")))
    client = app.test_client()

    for path in ("/one", "/other"):
        for aud in ("orders-api", "billing-api"):
            assert client.get(path, headers=dev_realm.bearer(aud=aud)).status_code == 401
        assert client.get(path, headers=dev_realm.bearer(aud=["orders-api", "billing-api"])).text == "ok"
    assert (orders.asked, billing.asked) == (5, 5)
