"""The log of refusals."""

import logging
import threading

import pytest
from flask import Flask

from resource_protector import RealmTokenValidator, TokenRejected
from resource_protector.dev import DevRealm
from resource_protector.flask import ResourceProtector
from tests.forking import forked
from tests.polling import Clock

NAME = "resource_protector.refusals"


@pytest.fixture
def clock() -> Clock:
    """The clock of all ages."""
    return Clock()


@pytest.fixture
def validator(dev_realm: DevRealm, clock: Clock) -> RealmTokenValidator:
    """A validator with the defaults."""
    return RealmTokenValidator(dev_realm.issuer, audience="orders-api", monotonic=clock)


def refuse(validator: RealmTokenValidator, token: str) -> None:
    """Have a token refused."""
    with pytest.raises(TokenRejected):
        validator.verify(token)


def test_each_refusal_is_info_with_its_finding_as_data(
    dev_realm: DevRealm, validator: RealmTokenValidator, caplog: pytest.LogCaptureFixture
) -> None:
    """Machines read the record's attributes; nobody finds the token in it."""
    caplog.set_level(logging.INFO, logger=NAME)
    token = dev_realm.mint(wrong="expired")
    refuse(validator, token)
    (record,) = [record for record in caplog.records if record.name == NAME]

    assert record.levelno == logging.INFO
    assert (vars(record)["reason"], vars(record)["claim"]) == ("expired", "exp")
    assert vars(record)["issuer"] == dev_realm.issuer
    assert token not in caplog.text
    assert token.split(".")[2] not in caplog.text


def test_a_request_without_a_token_is_info_too(dev_realm: DevRealm, caplog: pytest.LogCaptureFixture) -> None:
    """There is nothing to tell about it but that."""
    caplog.set_level(logging.INFO, logger=NAME)
    app = Flask(__name__)
    require_auth = ResourceProtector(dev_realm.issuer, audience="orders-api")
    app.add_url_rule("/", view_func=require_auth(lambda: "ok"))
    app.test_client().get("/")

    assert [record.getMessage() for record in caplog.records if record.name == NAME] == ["Refused (missing)"]


@pytest.mark.parametrize(
    ("wrong", "cure"),
    [("audience", "Included Client Audience"), ("issuer", "jwks_uri="), ("lightweight", "lightweight access token")],
)
def test_the_first_sign_of_a_wrong_configuration_is_a_warning_with_its_cure(
    dev_realm: DevRealm, validator: RealmTokenValidator, caplog: pytest.LogCaptureFixture, wrong: str, cure: str
) -> None:
    """INFO is invisible in a default application; who adopts this package sees this line."""
    caplog.set_level(logging.WARNING, logger=NAME)
    refuse(validator, dev_realm.mint(wrong=wrong))  # type: ignore[arg-type]  # the names of the table
    refuse(validator, dev_realm.mint(wrong=wrong))  # type: ignore[arg-type]  # likewise
    (record,) = [record for record in caplog.records if record.name == NAME]

    assert cure in record.getMessage()
    assert dev_realm.issuer in record.getMessage()


def test_further_ones_are_counted_once_a_minute(
    dev_realm: DevRealm, validator: RealmTokenValidator, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A flood makes a line a minute, not a line a request."""
    caplog.set_level(logging.WARNING, logger=NAME)
    token = dev_realm.mint(wrong="audience")
    for seconds in (0, 1, 58, 1, 1, 59):
        clock.advance(seconds)
        refuse(validator, token)
    messages = [record.getMessage() for record in caplog.records if record.name == NAME]

    assert len(messages) == 3
    assert messages[1].startswith("3 more tokens")
    assert messages[2].startswith("2 more tokens")


def test_values_are_shown_on_one_line_and_not_too_long(
    dev_realm: DevRealm, validator: RealmTokenValidator, caplog: pytest.LogCaptureFixture
) -> None:
    """A40: what a token's author writes cannot forge a log line."""
    caplog.set_level(logging.INFO, logger=NAME)
    refuse(validator, dev_realm.mint(aud="x\r\nERROR root: forged\u2028" + "y" * 5000))
    messages = [record.getMessage() for record in caplog.records if record.name == NAME]

    assert all("\n" not in message and "\u2028" not in message for message in messages)
    assert all(len(message) < 1500 for message in messages)


def test_a_lock_that_is_held_at_the_fork_is_free_in_the_child(dev_realm: DevRealm) -> None:
    """J16: the thread that holds it does not exist there, so nobody would ever release it."""
    is_stopped, go_on = threading.Event(), threading.Event()

    class Moment(float):
        """A moment at whose comparison with another the thread `holder` is stopped: the log does that with its lock."""

        def __sub__(self, other: float) -> float:
            if threading.current_thread().name == "holder":
                is_stopped.set()
                go_on.wait(30)
            return float(self) - other

    validator = RealmTokenValidator(dev_realm.issuer, audience="orders-api", monotonic=lambda: Moment(1000))
    token = dev_realm.mint(wrong="audience")
    refuse(validator, token)
    holder = threading.Thread(target=refuse, args=(validator, token), name="holder")
    holder.start()
    try:
        assert is_stopped.wait(10)
        with forked(lambda: refuse(validator, token) is None):  # type: ignore[func-returns-value]  # it returns
            pass
    finally:
        go_on.set()
        holder.join()
