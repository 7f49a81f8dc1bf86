"""Several realms beside each other."""

import copy
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, jsonify

from resource_protector import KeysUnavailable, MultiRealmValidator, RealmTokenValidator, Reason, TokenRejected
from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from resource_protector.flask import ResourceProtector, current_token
from tests.polling import Clock


@pytest.fixture
def clock() -> Clock:
    """The clock of all ages."""
    return Clock()


@pytest.fixture(scope="module")
def _partners() -> Iterator[DevRealm]:
    realm = copy.deepcopy(json.loads(DEMO_REALM_FILE.read_text()))
    realm["realm"] = "partners"
    with DevRealm(realm) as partners:
        yield partners


@pytest.fixture
def partners(_partners: DevRealm) -> Iterator[DevRealm]:
    """A second realm, with its own keys."""
    with _partners.undoing_changes():
        yield _partners


@pytest.fixture(params=[0, 4096], ids=["cache off", "cache on"])
def both(request: pytest.FixtureRequest, dev_realm: DevRealm, partners: DevRealm, clock: Clock) -> MultiRealmValidator:
    """A validator of both realms."""
    options: dict[str, Any] = {"audience": "orders-api", "monotonic": clock, "token_cache_size": request.param}
    return MultiRealmValidator(
        RealmTokenValidator(dev_realm.issuer, **options),
        RealmTokenValidator(partners.issuer, realm="Partners", **options),
        realm="Orders",
    )


def reason(validator: MultiRealmValidator, token: Any) -> Reason | None:
    """Why a token is refused; None where it is accepted."""
    try:
        validator.verify(token)
    except (TokenRejected, KeysUnavailable) as error:
        return error.reason
    return None


def test_each_token_is_judged_by_its_own_realm(
    dev_realm: DevRealm, partners: DevRealm, both: MultiRealmValidator
) -> None:
    """A32: the unverified issuer chooses; each realm is asked for its own keys, once."""
    assert both.verify(dev_realm.mint(sub="alice")).issuer == dev_realm.issuer
    assert both.verify(partners.mint(sub="alice")).issuer == partners.issuer
    assert both.verify(partners.mint(sub="bob")).subject == "bob"
    assert (dev_realm.requests["certs"], partners.requests["certs"]) == (1, 1)


def test_a_key_of_one_realm_signs_nothing_for_the_other(
    dev_realm: DevRealm, partners: DevRealm, both: MultiRealmValidator
) -> None:
    """A31: keys belong to one issuer."""
    assert reason(both, partners.mint(iss=dev_realm.issuer)) is Reason.UNKNOWN_KEY
    assert reason(both, dev_realm.mint(iss=partners.issuer)) is Reason.UNKNOWN_KEY


def test_a_token_that_names_a_second_issuer_inside_goes_to_its_own(
    dev_realm: DevRealm, partners: DevRealm, both: MultiRealmValidator
) -> None:
    """RFC 8693 section 4.1: `act` may hold an `iss` of another configured realm, also before the token's own."""
    for validator in both.validators.values():
        validator.keys.reload()
    inside = partners.mint(act={"iss": dev_realm.issuer, "sub": "alice"}, sub="bob")

    assert both.verify(inside).issuer == partners.issuer
    assert reason(both, dev_realm.mint(act={"iss": partners.issuer, "sub": "bob"})) is None


def test_an_issuer_behind_many_claims_is_found(
    dev_realm: DevRealm, partners: DevRealm, both: MultiRealmValidator
) -> None:
    """Cold or warm, also where another issuer stands before it: the whole payload is read where its beginning will not do."""
    issuer = partners.issuer
    late: dict[str, Any] = {"act": {"iss": "https://other.example.com"}, "roles": ["x" * 40] * 60, "iss": None}
    token = partners.mint(**late, z_iss=issuer)
    claims = json.loads(json.dumps(both.verify(partners.mint(**{**late, "iss": issuer}))))

    assert claims["iss"] == issuer
    assert reason(both, token) is Reason.ISSUER
    assert reason(both, partners.mint(**{**late, "iss": issuer})) is None


@pytest.mark.parametrize("issuer", ["https://evil.example.com/realms/x", "", 5, ["a"], None])
def test_any_other_issuer_is_refused_without_network(
    dev_realm: DevRealm, partners: DevRealm, both: MultiRealmValidator, issuer: Any
) -> None:
    """Configured issuers only: what a token names is never asked."""
    expected = Reason.ISSUER if isinstance(issuer, str) else Reason.MISSING_CLAIM

    assert reason(both, dev_realm.mint(iss=issuer)) is expected
    assert not dev_realm.requests
    assert not partners.requests


def test_a_malformed_token_is_refused_in_the_name_of_all(both: MultiRealmValidator) -> None:
    """Nobody knows whose it would be."""
    with pytest.raises(TokenRejected) as refused:
        both.verify("x.y.z")

    assert refused.value.reason is Reason.MALFORMED
    assert refused.value.challenge.startswith('Bearer realm="Orders"')
    assert isinstance(refused.value.__cause__, ValueError)
    assert reason(both, None) is Reason.MALFORMED


def test_one_realm_down_does_not_touch_the_other(
    dev_realm: DevRealm, partners: DevRealm, both: MultiRealmValidator, clock: Clock
) -> None:
    """J18: cold or warm, with known or unknown keys, by the hour."""
    with partners.down():
        for _ in range(3):
            assert reason(both, partners.mint()) is Reason.KEYS_UNAVAILABLE
            assert reason(both, dev_realm.mint()) is None
            assert reason(both, dev_realm.mint(wrong="unknown_key")) is Reason.UNKNOWN_KEY
            clock.advance(200)
    status = both.status()
    assert status[partners.issuer]["loaded"] is False
    assert status[dev_realm.issuer]["last_error"] is None
    assert json.loads(json.dumps(status)) == status
    assert reason(both, partners.mint()) is None


def test_a_flood_on_one_realm_leaves_the_cooldown_of_the_other(
    dev_realm: DevRealm, partners: DevRealm, both: MultiRealmValidator
) -> None:
    """J18: a rotation in one realm is noticed at once while the other one is flooded."""
    reason(both, dev_realm.mint()), reason(both, partners.mint())
    assert reason(both, partners.mint(wrong="unknown_key")) is Reason.UNKNOWN_KEY
    dev_realm.rotate()
    partners.rotate()

    assert reason(both, dev_realm.mint()) is None
    assert reason(both, partners.mint()) is Reason.UNKNOWN_KEY


def test_a_refusal_is_logged_and_challenged_by_its_own_realm(
    partners: DevRealm, both: MultiRealmValidator, caplog: pytest.LogCaptureFixture
) -> None:
    """Expected and actual are those of the realm that judged."""
    caplog.set_level(logging.INFO, logger="resource_protector.refusals")
    with pytest.raises(TokenRejected) as refused:
        both.verify(partners.mint(wrong="expired"))

    assert refused.value.challenge.startswith('Bearer realm="Partners"')
    assert [vars(record)["issuer"] for record in caplog.records] == [partners.issuer]


def test_the_same_token_is_the_same_instance(dev_realm: DevRealm, partners: DevRealm) -> None:
    """The cache of each realm is asked before anything is taken apart."""
    both = MultiRealmValidator(
        RealmTokenValidator(dev_realm.issuer, audience="orders-api"),
        RealmTokenValidator(partners.issuer, audience="orders-api"),
    )
    token = partners.mint()

    assert both.verify(token) is both.verify(token)


def test_routes_can_be_narrowed_to_one_realm(
    dev_realm: DevRealm, partners: DevRealm, both: MultiRealmValidator
) -> None:
    """issuer= on a route, on a guard and in acquire; `sub` is unique per issuer only."""
    app = Flask(__name__)
    require_auth = ResourceProtector(both)

    @app.get("/any")
    @require_auth(None)
    def anybody() -> Any:
        return jsonify(iss=current_token["iss"])

    @app.get("/staff")
    @require_auth(issuer=dev_realm.issuer)
    def staff() -> str:
        return "staff"

    client = app.test_client()
    assert client.get("/any", headers=partners.bearer()).json == {"iss": partners.issuer}
    assert client.get("/staff", headers=dev_realm.bearer()).text == "staff"
    refused = client.get("/staff", headers=partners.bearer())
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == (
        'Bearer realm="Orders", error="invalid_token", '
        'error_description="The access token was issued by another issuer"'
    )


def test_an_application_of_several_realms_can_be_tested_with_the_plugin(dev_realm: DevRealm) -> None:
    """with_issuer takes the first realm's policy."""
    both = MultiRealmValidator(
        RealmTokenValidator("https://sso.example.com/realms/a", audience="orders-api"),
        RealmTokenValidator("https://sso.example.com/realms/b", audience="billing-api"),
    )
    require_auth = ResourceProtector(both)
    app = Flask(__name__)
    app.add_url_rule("/", view_func=require_auth(lambda: "ok"))

    with dev_realm.protects(require_auth, audience="orders-api"):
        assert app.test_client().get("/", headers=dev_realm.bearer()).text == "ok"
    assert repr(both) == ("<MultiRealmValidator https://sso.example.com/realms/a and https://sso.example.com/realms/b>")
    assert list(both.validators) == ["https://sso.example.com/realms/a", "https://sso.example.com/realms/b"]


def test_a_wrong_set_of_realms_is_refused() -> None:
    """None, the same twice, or something else."""
    one = RealmTokenValidator("https://sso.example.com/realms/a", audience="x")
    same = RealmTokenValidator("https://sso.example.com/realms/a", audience="y")

    with pytest.raises(ValueError, match="at least one"):
        MultiRealmValidator()
    with pytest.raises(ValueError, match="all audiences in a list"):
        MultiRealmValidator(one, same)
    with pytest.raises(ValueError, match="is not a validator"):
        MultiRealmValidator("https://sso.example.com/realms/a")  # type: ignore[arg-type]  # that is the point
    with pytest.raises(ValueError, match="printable ASCII"):
        MultiRealmValidator(one, realm='"')


def test_one_realm_finds_its_own_issuer_behind_another_ones(dev_realm: DevRealm, partners: DevRealm) -> None:
    """Cold, with a long payload: only a token that names this issuer nowhere is refused as `issuer`."""
    late: dict[str, Any] = {"act": {"iss": "https://other.example.com"}, "roles": ["x" * 40] * 60, "iss": None}
    validator = RealmTokenValidator(dev_realm.issuer, audience="orders-api")

    with pytest.raises(TokenRejected) as refused:
        validator.verify(partners.mint(**late))
    assert refused.value.reason is Reason.ISSUER
    assert not dev_realm.requests
    assert validator.verify(dev_realm.mint(**{**late, "iss": dev_realm.issuer})).issuer == dev_realm.issuer


def test_a_test_realm_takes_the_place_of_several(dev_realm: DevRealm) -> None:
    """`protects` serves an application of several realms, with the audience of the first one."""
    require_auth = ResourceProtector(
        MultiRealmValidator(
            RealmTokenValidator("https://sso.example.com/realms/a", audience="invoices"),
            RealmTokenValidator("https://sso.example.com/realms/b", audience="orders"),
        )
    )
    app = Flask(__name__)
    app.add_url_rule("/", "index", require_auth(None)(lambda: "good"))
    with dev_realm.protects(require_auth):
        answer = app.test_client().get("/", headers=dev_realm.bearer())

    assert answer.get_data(as_text=True) == "good"
