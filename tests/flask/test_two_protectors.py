"""Two protectors in one application, each with its own settings."""

import pytest
from flask import Flask

from resource_protector.dev import DevRealm
from resource_protector.flask import ResourceProtector, current_token


def test_each_has_the_validator_of_its_own_prefix(dev_realm: DevRealm) -> None:
    """An API for customers and one for staff: init_app twice, with two prefixes; neither takes the other's tokens."""
    app = Flask(__name__)
    app.testing = True
    customers, staff = ResourceProtector(), ResourceProtector()
    for prefix, protector, audience in (("CUSTOMERS_", customers, "orders-api"), ("STAFF_", staff, "billing-api")):
        app.config.update({f"{prefix}ISSUER": dev_realm.issuer, f"{prefix}AUDIENCE": audience})
        protector.init_app(app, prefix)

    @app.get("/customers")
    @customers(None)
    def for_customers() -> str:
        return current_token["aud"]  # type: ignore[no-any-return]  # a string

    @app.get("/staff")
    @staff(None)
    def for_staff() -> str:
        return current_token["aud"]  # type: ignore[no-any-return]  # a string

    client = app.test_client()
    orders, billing = dev_realm.bearer(aud="orders-api"), dev_realm.bearer(aud="billing-api")

    assert client.get("/customers", headers=orders).text == "orders-api"
    assert client.get("/staff", headers=billing).text == "billing-api"
    assert client.get("/customers", headers=billing).status_code == 401
    assert client.get("/staff", headers=orders).status_code == 401


def test_one_without_settings_of_its_own_has_none(dev_realm: DevRealm) -> None:
    """A protector that nobody gave a validator does not borrow the other one's: RuntimeError, and nothing is let through."""
    app = Flask(__name__)
    app.testing = True
    app.config.update(RESOURCE_PROTECTOR_ISSUER=dev_realm.issuer, RESOURCE_PROTECTOR_AUDIENCE="orders-api")
    ResourceProtector().init_app(app)
    app.add_url_rule("/", view_func=ResourceProtector()(lambda: "ok"))

    with pytest.raises(RuntimeError, match="no validator for the current application"):
        app.test_client().get("/", headers=dev_realm.bearer())
