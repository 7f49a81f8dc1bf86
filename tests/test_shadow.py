"""Shadow mode: the online check and the offline check beside each other."""

import asyncio
import json
import logging
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
import requests
from authlib.oauth2.rfc7662 import IntrospectTokenValidator
from flask import Flask, jsonify
from werkzeug.exceptions import Unauthorized

from resource_protector import (
    AccessToken,
    Finding,
    KeysUnavailable,
    MultiRealmValidator,
    RealmTokenValidator,
    Reason,
    TokenRejected,
)
from resource_protector.dev import DevRealm
from resource_protector.explain.yardstick import Yardstick
from resource_protector.flask import ResourceProtector, current_token
from resource_protector.realm import introspection_url
from resource_protector.shadow import Shadow
from tests.polling import Clock, eventually

SHADOW_LOG = "resource_protector.shadow"
REFUSAL_LOG = "resource_protector.refusals"


class Provider:
    """What the provider's introspection says of a token: its claims, computed anew, unless it was ended."""

    def __init__(self, realm: DevRealm) -> None:
        self._validator = RealmTokenValidator(realm.issuer, audience=None, leeway_seconds=0)
        self.ended: set[str] = set()
        self.today: dict[str, Any] = {}
        self.asked: Counter[str] = Counter()

    def introspect(self, token: str) -> dict[str, Any]:
        self.asked[token] += 1
        try:
            claims = self._validator.verify(token)
        except TokenRejected:
            return {"active": False}
        if token in self.ended:
            return {"active": False}
        added = {"active": True, "username": claims.username, "client_id": claims.client_id, "token_type": "Bearer"}
        answer = {**claims, **added, **self.today}
        return {name: value for name, value in answer.items() if value is not None}


class Introspection:
    """What code without a library does: a request to the realm's introspection endpoint, as client orders-api."""

    def __init__(self, realm: DevRealm) -> None:
        self._url = introspection_url(realm.issuer)
        self._login = ("orders-api", realm.clients["orders-api"].secret or "")

    def __call__(self, token: str) -> dict[str, Any]:
        response = requests.post(self._url, data={"token": token}, auth=self._login, timeout=5)
        response.raise_for_status()
        document: dict[str, Any] = response.json()
        return document


class Refused(Exception):
    """A hand-written check's exception, with the status under some name."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__("no")
        vars(self).update(attributes)


def raises(error: BaseException) -> Callable[..., NoReturn]:
    """A check that raises."""

    def check(token: str) -> NoReturn:
        raise error

    return check


def caused_by(error: Exception, cause: Exception) -> Exception:
    """An exception with a cause."""
    error.__cause__ = cause
    return error


@pytest.fixture
def provider(dev_realm: DevRealm) -> Provider:
    """The provider of the dev realm's tokens."""
    return Provider(dev_realm)


@pytest.fixture
def offline(dev_realm: DevRealm) -> RealmTokenValidator:
    """The offline side."""
    return RealmTokenValidator(dev_realm.issuer, audience="orders-api")


@pytest.fixture
def clock() -> Clock:
    """The clock of the hour and of the time spent."""
    return Clock()


def records(caplog: pytest.LogCaptureFixture, name: str, level: int | None = None) -> list[logging.LogRecord]:
    """What was logged under a name, at a level or at any."""
    return [record for record in caplog.records if record.name == name and level in (None, record.levelno)]


class TestOnlineDecides:
    """What the caller gets is what the online check gave."""

    def test_its_claims_are_the_token(
        self, dev_realm: DevRealm, provider: Provider, offline: RealmTokenValidator
    ) -> None:
        """Also those that the provider added or computed anew."""
        provider.today = {"scope": "today"}
        token = Shadow(provider.introspect, offline).verify(dev_realm.mint(scope="of-its-issue", sub="alice"))

        assert type(token) is AccessToken
        assert (token.subject, set(token.scopes), token["active"]) == ("alice", {"today"}, True)

    def test_a_token_that_offline_refuses_is_accepted(
        self, dev_realm: DevRealm, provider: Provider, offline: RealmTokenValidator
    ) -> None:
        """As before the switch; the report says what the switch would have changed."""
        shadow = Shadow(provider.introspect, offline)

        assert shadow.verify(dev_realm.mint(wrong="audience"))["aud"] == "another-api"
        assert shadow.report().disagreements == {"audience": 1}

    def test_a_validator_of_somebodys_own_may_refuse_by_another_exception(
        self, dev_realm: DevRealm, provider: Provider
    ) -> None:
        """It is a refusal without a reason of ours."""

        class Own(RealmTokenValidator):
            def verify(self, token_string: str, *, introspect: bool = False) -> AccessToken:
                raise Refused(status_code=403)

        shadow = Shadow(provider.introspect, Own(dev_realm.issuer, audience="orders-api"))
        shadow.verify(dev_realm.mint())

        assert shadow.report().disagreements == {"refused": 1}

    @pytest.mark.parametrize("answer", [None, False, {}, {"active": False}, {"active": "true"}], ids=str)
    def test_it_refuses_without_an_exception(
        self, dev_realm: DevRealm, offline: RealmTokenValidator, answer: Any
    ) -> None:
        """401 `inactive`, although the offline side accepts the token."""
        shadow = Shadow(lambda token: answer, offline)
        with pytest.raises(TokenRejected) as refused:
            shadow.verify(dev_realm.mint())

        assert (refused.value.reason, refused.value.status_code) == (Reason.INACTIVE, 401)
        assert shadow.report().disagreements == {"inactive": 1}

    @pytest.mark.parametrize("wrong", [None, "expired"])
    def test_its_very_exception_is_raised(self, dev_realm: DevRealm, offline: RealmTokenValidator, wrong: Any) -> None:
        """The same object, whatever the offline side says of the token, where the check keeps its shape."""
        error = Refused(status_code=401)
        token = dev_realm.mint(wrong=wrong)
        with pytest.raises(Refused) as raised:
            Shadow(None, offline).answer(token, lambda: raises(error)(token))

        assert raised.value is error

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            pytest.param(Refused(status_code=401), 401, id="refused"),
            pytest.param(requests.ConnectionError(), 503, id="away"),
            pytest.param(Refused(status_code=502), 503, id="ill"),
        ],
    )
    def test_under_a_protector_its_exceptions_are_answers(
        self, dev_realm: DevRealm, offline: RealmTokenValidator, error: Exception, status: int
    ) -> None:
        """401 or 503, and not 500, from the check's own exception."""
        shadow = Shadow(raises(error), offline)
        require_auth = ResourceProtector(shadow)
        app = Flask(__name__)
        app.get("/")(require_auth(None)(lambda: "good"))
        answer = app.test_client().get("/", headers=dev_realm.bearer())
        with pytest.raises((TokenRejected, KeysUnavailable)) as raised:
            shadow.verify(dev_realm.mint())

        assert answer.status_code == status
        assert raised.value.__cause__ is error

    def test_any_other_exception_is_the_applications_own(
        self, dev_realm: DevRealm, offline: RealmTokenValidator
    ) -> None:
        """A mistake in the check is not the caller's."""
        error = LookupError("access_token")
        with pytest.raises(LookupError) as raised:
            Shadow(raises(error), offline).verify(dev_realm.mint())

        assert raised.value is error

    def test_a_crash_of_the_offline_side_changes_nothing(
        self, dev_realm: DevRealm, provider: Provider, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is counted, and its kind is logged."""

        class Broken(RealmTokenValidator):
            def verify(self, token_string: str, *, introspect: bool = False) -> AccessToken:
                raise ZeroDivisionError

        caplog.set_level(logging.INFO, logger=SHADOW_LOG)
        shadow = Shadow(provider.introspect, Broken(dev_realm.issuer, audience="orders-api"))

        assert shadow.verify(dev_realm.mint(sub="alice"))["sub"] == "alice"
        assert shadow.report().disagreements == {"offline_failed": 1}
        assert "ZeroDivisionError" in caplog.text

    def test_what_cannot_be_compared_hurts_no_request(self, dev_realm: DevRealm, offline: RealmTokenValidator) -> None:
        """An answer nested so deep that nobody can read it."""
        deep: Any = {}
        for _ in range(100_000):
            deep = {"a": deep}
        answer = {"active": True, "resource_access": deep}
        shadow = Shadow(None, offline)

        assert shadow.answer(dev_realm.mint(), lambda: answer) is answer
        assert shadow.report().disagreements == {"not_compared": 1}

    def test_an_answer_that_is_neither_true_nor_false_is_a_failure(
        self, dev_realm: DevRealm, offline: RealmTokenValidator
    ) -> None:
        """It is returned all the same, to whoever knows what to do with it."""

        class Odd:
            def __bool__(self) -> bool:
                raise ValueError("neither")

        odd, shadow = Odd(), Shadow(None, offline)

        assert shadow.answer(dev_realm.mint(), lambda: odd) is odd
        assert shadow.report().disagreements == {"online_failed": 1}

    def test_an_answer_that_holds_no_claims_is_a_mistake_that_is_named(
        self, dev_realm: DevRealm, offline: RealmTokenValidator
    ) -> None:
        """A validator cannot make a token of True."""
        with pytest.raises(TypeError, match=r"answered bool.*shadow\.watching"):
            Shadow(lambda token: True, offline).verify(dev_realm.mint())


# What counts as what


REFUSALS: list[Any] = [
    pytest.param(Refused(status_code=401), id="status_code"),
    pytest.param(Refused(code=403), id="code"),
    pytest.param(Refused(response_code=400), id="response_code"),
    pytest.param(Unauthorized(), id="Werkzeug's"),
    pytest.param(caused_by(TokenRejected(Finding(Reason.EXPIRED)), ConnectionError()), id="ours, whatever led to it"),
]
UNAVAILABLE: list[Any] = [
    pytest.param(requests.ConnectionError("refused"), id="requests"),
    pytest.param(TimeoutError(), id="timeout"),
    pytest.param(Refused(response_code=502), id="5xx"),
    pytest.param(Refused(status_code=429), id="too many requests"),
]


class TestOnlineVerdicts:
    """A refusal, no answer, or a failure."""

    @pytest.mark.parametrize("error", REFUSALS)
    def test_exceptions_that_refuse(self, dev_realm: DevRealm, offline: RealmTokenValidator, error: Exception) -> None:
        """A status of 400, 401 or 403, by whatever name: two refusals agree."""
        shadow = Shadow(raises(error), offline)
        for wrong in ("expired", None):
            with pytest.raises(TokenRejected):
                shadow.verify(dev_realm.mint(wrong=wrong))

        assert (shadow.report().agreements, shadow.report().disagreements) == (1, {"inactive": 1})

    @pytest.mark.parametrize("error", UNAVAILABLE)
    def test_exceptions_that_say_nothing_about_the_token(
        self, dev_realm: DevRealm, offline: RealmTokenValidator, error: Exception
    ) -> None:
        """Counted apart: neither an agreement nor a disagreement."""
        shadow = Shadow(raises(error), offline)
        with pytest.raises(KeysUnavailable):
            shadow.verify(dev_realm.mint())
        report = shadow.report()

        assert (report.requests, report.agreements, report.disagreements) == (1, 0, {})
        assert report.unavailable == {"online": 1, "offline": 0}

    def test_a_response_that_is_not_about_the_token(self, dev_realm: DevRealm, offline: RealmTokenValidator) -> None:
        """`raise_for_status()`: its exception is an OSError, and the status decides."""
        shadow = Shadow(None, offline)

        @shadow.watching
        def userinfo(token: str, status: int) -> None:
            response = requests.Response()
            response.status_code = status
            response.raise_for_status()

        for status in (401, 503):
            with pytest.raises(requests.HTTPError):
                userinfo(dev_realm.mint(wrong="expired"), status)

        assert (shadow.report().agreements, shadow.report().unavailable["online"]) == (1, 1)

    def test_a_check_that_answers_401_whatever_went_wrong(
        self, dev_realm: DevRealm, offline: RealmTokenValidator
    ) -> None:
        """`except Exception: raise ... 401`: what caused it says that nobody was asked; a real server is not there."""
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))  # and does not listen
            url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"

            def check(token: str) -> object:
                try:
                    return requests.post(url, data={"token": token}, timeout=5).json()
                except Exception as error:
                    raise Refused(status_code=401) from error

            shadow = Shadow(check, offline)
            with pytest.raises(KeysUnavailable):
                shadow.verify(dev_realm.mint())

        assert shadow.report().unavailable["online"] == 1
        assert shadow.report().disagreements == {}

    def test_what_was_being_handled_before_is_not_a_cause(
        self, dev_realm: DevRealm, offline: RealmTokenValidator
    ) -> None:
        """A caller that asks from within an `except` block of its own."""
        shadow = Shadow(raises(Refused(status_code=401)), offline)
        try:
            raise ConnectionError("of something else")
        except ConnectionError:
            with pytest.raises(TokenRejected):
                shadow.verify(dev_realm.mint(wrong="expired"))

        assert (shadow.report().agreements, shadow.report().unavailable["online"]) == (1, 0)

    def test_any_other_exception_is_a_failure(
        self, dev_realm: DevRealm, offline: RealmTokenValidator, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It says neither; the log names its kind, and the keyword by which it can be told."""
        caplog.set_level(logging.INFO, logger=SHADOW_LOG)
        shadow = Shadow(raises(KeyError("sub")), offline)
        with pytest.raises(KeyError):
            shadow.verify(dev_realm.mint())

        assert shadow.report().disagreements == {"online_failed": 1}
        assert "refusals=" in caplog.text
        assert "KeyError" in caplog.text

    def test_refusals_names_further_exceptions(self, dev_realm: DevRealm, offline: RealmTokenValidator) -> None:
        """Those of a decoding library, which know no status."""
        shadow = Shadow(raises(ValueError("expired")), offline, refusals=(ValueError,))
        for wrong in ("expired", None):
            with pytest.raises(TokenRejected):
                shadow.verify(dev_realm.mint(wrong=wrong))

        assert (shadow.report().agreements, shadow.report().disagreements) == (1, {"inactive": 1})

    def test_keys_that_cannot_be_had_are_the_offline_sides_silence(self, dev_realm: DevRealm) -> None:
        """KeysUnavailable says nothing about the token, and the online answer stands."""
        shadow = Shadow(
            lambda token: {"active": True, "sub": "alice"}, RealmTokenValidator(dev_realm.issuer, audience="a")
        )
        token = dev_realm.mint()
        with dev_realm.down():
            assert shadow.verify(token)["sub"] == "alice"

        assert shadow.report().unavailable == {"online": 0, "offline": 1}


class TestDifferences:
    """Both accept, and what authorization rests on differs."""

    @pytest.mark.parametrize(
        ("today", "names"),
        [
            ({"sub": "other"}, ["sub"]),
            ({"client_id": "other", "azp": "other"}, ["client_id"]),
            ({"scope": "a b"}, []),
            ({"scope": "a"}, ["scope"]),
            ({"realm_access": {"roles": ["y", "x"]}}, []),
            ({"realm_access": None}, ["realm_access"]),
            ({"resource_access": {"orders-api": {"roles": ["reader", "writer"]}}}, ["resource_access"]),
            ({"resource_access": {"orders-api": {"roles": ["reader"]}, "empty": {"roles": []}}}, []),
            ({"email": "new@example.com", "clientHost": None}, []),
            ({"sub": "other", "scope": ""}, ["sub", "scope"]),
        ],
        ids=str,
    )
    def test_claims_that_differ_are_named(
        self,
        dev_realm: DevRealm,
        provider: Provider,
        offline: RealmTokenValidator,
        caplog: pytest.LogCaptureFixture,
        today: dict[str, Any],
        names: list[str],
    ) -> None:
        """By name and without a value; an order, an empty list, another claim are no difference."""
        caplog.set_level(logging.INFO, logger=SHADOW_LOG)
        provider.today = today
        shadow = Shadow(provider.introspect, offline)
        shadow.verify(
            dev_realm.mint(
                scope="b a", realm_access={"roles": ["x", "y"]}, resource_access={"orders-api": {"roles": ["reader"]}}
            )
        )

        assert shadow.report().disagreements == ({"claims": 1} if names else {})
        assert [record.claims for record in records(caplog, SHADOW_LOG)] == [names] * 2 * bool(names)  # type: ignore[attr-defined]  # extra
        assert "other" not in caplog.text

    def test_a_document_that_is_not_about_the_token_is_compared_by_what_it_holds(
        self, dev_realm: DevRealm, offline: RealmTokenValidator
    ) -> None:
        """Userinfo knows no scope and no client."""
        shadow = Shadow(lambda token: {"sub": "alice", "email": "alice@example.com"}, offline)
        shadow.verify(dev_realm.mint(sub="alice", scope="a"))
        shadow.verify(dev_realm.mint(sub="bob", scope="a"))

        assert (shadow.report().agreements, shadow.report().disagreements) == (1, {"claims": 1})

    def test_leeway_is_told_from_revocation(self, dev_realm: DevRealm, offline: RealmTokenValidator) -> None:
        """A token that expired a moment ago is no sign of a logout."""
        shadow = Shadow(lambda token: {"active": False}, offline)
        for seconds in (-5, 300):
            with pytest.raises(TokenRejected):
                shadow.verify(dev_realm.mint(exp=int(time.time()) + seconds))

        assert shadow.report().disagreements == {"leeway": 1, "inactive": 1}


class TestBesideTheRealm:
    """With the realm's own introspection endpoint as the online side."""

    def test_tokens_of_every_kind_agree(self, dev_realm: DevRealm, offline: RealmTokenValidator) -> None:
        """A user's, a service account's, with and without a scope, and what both refuse: 0 differences."""
        shadow = Shadow(Introspection(dev_realm), offline)
        tokens = [
            dev_realm.token("web", user="alice"),
            dev_realm.token("web", user="bob", scope="openid"),  # who has no role here: not in his 'aud'
            dev_realm.token("test_api_client", scope="test_api_access"),
            dev_realm.token_response("web", user="alice", scope="openid")["refresh_token"],
            dev_realm.token("test_api_client"),  # for no API: not in 'aud'
            *(dev_realm.mint(wrong=wrong) for wrong in ("expired", "signature", "unknown_key", "audience", "alg_none")),
            "garbage",
        ]
        accepted = 0
        for token in tokens:
            try:
                accepted += bool(shadow.verify(token))
            except TokenRejected:
                continue

        assert accepted == 2
        assert (shadow.report().agreements, shadow.report().disagreements) == (len(tokens), {})

    def test_what_only_the_realm_knows_is_a_difference(self, dev_realm: DevRealm, offline: RealmTokenValidator) -> None:
        """A role that was taken away, and a logout; the online answer counts."""
        shadow = Shadow(Introspection(dev_realm), offline)
        token = dev_realm.token("web", user="alice")
        with dev_realm.remove_role("alice", "reader"):
            assert "reader" not in shadow.verify(token).realm_roles
        with dev_realm.log_out("alice"), pytest.raises(TokenRejected):
            shadow.verify(token)

        assert shadow.report().disagreements == {"claims": 1, "inactive": 1}

    @pytest.mark.parametrize("fault", ["down", "answer_500", "answer_html"])
    def test_a_realm_that_does_not_answer_is_no_disagreement(
        self, dev_realm: DevRealm, offline: RealmTokenValidator, fault: str
    ) -> None:
        """Before the turn the request fails as it did; after it, nobody notices."""
        token = dev_realm.mint(sub="alice")
        offline.verify(token)
        before, after = (Shadow(Introspection(dev_realm), offline, decides=side) for side in ("online", "offline"))
        with getattr(dev_realm, fault)():
            with pytest.raises(KeysUnavailable):
                before.verify(token)
            assert after.verify(token)["sub"] == "alice"

        for shadow in (before, after):
            assert shadow.report().unavailable == {"online": 1, "offline": 0}
            assert shadow.report().disagreements == {}


class TestOfflineDecides:
    """Turned round by one keyword."""

    def test_the_offline_answer_counts(
        self, dev_realm: DevRealm, provider: Provider, offline: RealmTokenValidator
    ) -> None:
        """Its claims and its refusals; the online side is compared all the same."""
        shadow = Shadow(provider.introspect, offline, decides="offline")
        good, ended, wrong = dev_realm.mint(), dev_realm.mint(), dev_realm.mint(wrong="audience")
        provider.ended.add(ended)

        assert "active" not in shadow.verify(good)
        assert shadow.verify(ended).subject
        with pytest.raises(TokenRejected) as refused:
            shadow.verify(wrong)
        assert refused.value.reason is Reason.AUDIENCE
        assert shadow.report().disagreements == {"inactive": 1, "audience": 1}
        assert shadow.report().decides == "offline"

    @pytest.mark.parametrize("error", [requests.ConnectionError(), KeyError("sub"), Refused(status_code=401)], ids=repr)
    def test_an_online_failure_hurts_no_request(
        self, dev_realm: DevRealm, offline: RealmTokenValidator, error: Exception
    ) -> None:
        """Whatever it raises."""
        shadow = Shadow(raises(error), offline, decides="offline")

        assert shadow.verify(dev_realm.mint(sub="alice"))["sub"] == "alice"

    def test_an_online_failure_is_not_told_by_the_offline_refusal(
        self, dev_realm: DevRealm, offline: RealmTokenValidator
    ) -> None:
        """What one side raised is no cause of what the other one raises."""
        shadow = Shadow(raises(KeyError("sub")), offline, decides="offline")
        with pytest.raises(TokenRejected) as refused:
            shadow.verify(dev_realm.mint(wrong="expired"))

        assert shadow.report().disagreements == {"online_failed": 1}
        assert refused.value.__context__ is None

    def test_its_unavailable_keys_are_raised(self, dev_realm: DevRealm) -> None:
        """503, as without a shadow."""
        shadow = Shadow(
            lambda token: {"active": True}, RealmTokenValidator(dev_realm.issuer, audience="a"), decides="offline"
        )
        with dev_realm.down(), pytest.raises(KeysUnavailable):
            shadow.verify(dev_realm.mint())


@pytest.mark.parametrize("decides", ["online", "offline"])
def test_without_comparing_only_one_side_is_asked(
    dev_realm: DevRealm, provider: Provider, offline: RealmTokenValidator, decides: str
) -> None:
    """`compare=False` removes the other side: no request to it, nothing counted."""
    shadow = Shadow(provider.introspect, offline, decides=decides, compare=False)
    before = dev_realm.requests["certs"]
    token = dev_realm.mint(sub="alice")

    assert shadow.verify(token)["sub"] == "alice"
    assert asyncio.run(shadow.verify_async(token))["sub"] == "alice"
    assert provider.asked[token] == (2 if decides == "online" else 0)
    assert offline.status()["loaded"] is (decides == "offline")
    assert dev_realm.requests["certs"] - before == 1  # the provider of this test needs them too
    assert shadow.report().requests == 0


class TestReport:
    """What the operator reads."""

    @pytest.mark.parametrize(("seconds", "shown"), [(89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h")])
    def test_it_says_what_time_it_covers(
        self, offline: RealmTokenValidator, clock: Clock, seconds: float, shown: str
    ) -> None:
        """In a unit that reads well."""
        shadow = Shadow(None, offline, monotonic=clock)
        clock.advance(seconds)

        assert str(shadow.report()).startswith(f"0 differences in {shown}: 0 requests")

    def test_a_mixed_load_with_a_wrong_audience_names_it(
        self, dev_realm: DevRealm, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Each token that the switch would have refused is counted under `audience`; the rest agree."""
        caplog.set_level(logging.INFO)
        shadow = Shadow(Introspection(dev_realm), RealmTokenValidator(dev_realm.issuer, audience="oders-api"))
        app = Flask(__name__)
        app.add_url_rule("/", view_func=ResourceProtector(shadow)("a")(lambda: jsonify(sub=current_token["sub"])))
        good = dev_realm.mint(scope="a")
        load = [(good, 200), (dev_realm.mint(scope="b"), 403), (dev_realm.mint(wrong="expired"), 401)]
        load += [(dev_realm.mint(wrong="signature"), 401), ("garbage", 401), (None, 401)]  # type: ignore[list-item]  # none

        def run() -> None:
            client = app.test_client()
            for _ in range(5):
                for token, status in load:
                    headers = {"Authorization": f"Bearer {token}"} if token else {}
                    assert client.get("/", headers=headers).status_code == status

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        report = shadow.report()

        assert (report.requests, report.agreements, report.disagreements) == (100, 60, {"audience": 40})
        assert dev_realm.requests["introspection"] == 100
        assert {record.reason for record in records(caplog, SHADOW_LOG)} == {"audience"}  # type: ignore[attr-defined]  # extra
        assert len(records(caplog, SHADOW_LOG, logging.INFO)) == 40
        (warning,) = records(caplog, SHADOW_LOG, logging.WARNING)
        assert "Included Client Audience" in warning.getMessage()
        assert "oders-api" in warning.getMessage()
        assert good not in caplog.text

    def test_it_is_json_and_one_line(
        self, dev_realm: DevRealm, provider: Provider, offline: RealmTokenValidator, clock: Clock
    ) -> None:
        """With the time spent in each, and the time that it covers."""

        def slow(token: str) -> dict[str, Any]:
            clock.advance(2)
            return provider.introspect(token)

        shadow = Shadow(slow, offline, monotonic=clock)
        clock.advance(3600)
        for wrong in (None, "expired", "audience"):
            try:
                shadow.verify(dev_realm.mint(wrong=wrong))
            except TokenRejected:
                continue
        clock.advance(3600 * 23 - 6)
        report = shadow.report()

        assert json.loads(json.dumps(report.as_dict())) == {
            "decides": "online",
            "requests": 3,
            "agreements": 2,
            "disagreements": {"audience": 1},
            "unavailable": {"online": 0, "offline": 0},
            "online_seconds": 6.0,
            "offline_seconds": 0.0,
            "since_seconds": 86400.0,
        }
        assert str(report) == (
            "1 difference in 24.0 h (audience 1): 3 requests, 2 agreements, could not be asked: online 0, offline 0; "
            "per request online 2000.00 ms, offline 0.00 ms; the online check decides"
        )
        with pytest.raises(TypeError):
            report.disagreements["audience"] = 0  # type: ignore[index]  # that is the point

    def test_a_line_an_hour(
        self,
        dev_realm: DevRealm,
        provider: Provider,
        offline: RealmTokenValidator,
        clock: Clock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """With the next request after it, where a default application shows it, and as data."""
        shadow = Shadow(provider.introspect, offline, monotonic=clock)
        token, lines = dev_realm.mint(), []
        for seconds in (0, 3599, 1, 1, 3598, 1, 7200):
            clock.advance(seconds)
            shadow.verify(token)
            lines.append(len(records(caplog, SHADOW_LOG, logging.WARNING)))
        last = records(caplog, SHADOW_LOG)[-1]

        assert lines == [0, 0, 1, 1, 1, 2, 3]
        assert last.getMessage().startswith("Shadow mode: 0 differences in 4.0 h: 7 requests, 7 agreements")
        assert last.report == shadow.report().as_dict()  # type: ignore[attr-defined]  # extra

    def test_warnings_are_rationed_by_reason(
        self, dev_realm: DevRealm, provider: Provider, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The first of each, then a count a minute."""
        shadow = Shadow(provider.introspect, RealmTokenValidator(dev_realm.issuer, audience="x"), monotonic=clock)
        other, lightweight = dev_realm.mint(), dev_realm.mint(wrong="lightweight")
        for seconds in (0, 1, 58, 1, 1, 59):
            clock.advance(seconds)
            shadow.verify(other)
        shadow.verify(lightweight)
        messages = [record.getMessage() for record in records(caplog, SHADOW_LOG, logging.WARNING)]

        assert [message.partition(":")[0] for message in messages] == [
            "The checks disagree about a token",
            "The checks disagreed about 3 tokens",
            "The checks disagreed about 2 tokens",
            "The checks disagree about a token",
        ]

    def test_who_only_looks_on_refuses_nobody(
        self, dev_realm: DevRealm, provider: Provider, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The offline verdict is in the log of refusals only while it decides; async too."""
        caplog.set_level(logging.INFO, logger=REFUSAL_LOG)
        offline, token = RealmTokenValidator(dev_realm.issuer, audience="x"), dev_realm.mint()
        Shadow(provider.introspect, offline).verify(token)
        asyncio.run(Shadow(provider.introspect, offline).verify_async(token))
        before = len(records(caplog, REFUSAL_LOG))
        with pytest.raises(TokenRejected):
            Shadow(provider.introspect, offline, decides="offline").verify(token)

        assert before == 0
        assert {record.reason for record in records(caplog, REFUSAL_LOG)} == {"audience"}  # type: ignore[attr-defined]  # extra

    def test_a_refusal_of_the_online_side_is_in_the_log_of_refusals(
        self, dev_realm: DevRealm, offline: RealmTokenValidator, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A request was refused, as `inactive`."""
        caplog.set_level(logging.INFO, logger=REFUSAL_LOG)
        with pytest.raises(TokenRejected):
            Shadow(lambda token: None, offline).verify(dev_realm.mint())

        assert {record.reason for record in records(caplog, REFUSAL_LOG)} == {"inactive"}  # type: ignore[attr-defined]  # extra

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
    @pytest.mark.filterwarnings(
        "ignore:.*multi-threaded:DeprecationWarning"
    )  # the dev realm's threads; the child uses none
    def test_a_forked_child_counts_its_own(
        self, dev_realm: DevRealm, provider: Provider, offline: RealmTokenValidator
    ) -> None:
        """A lock that was held at the fork is nothing to it, and its report begins anew."""
        shadow = Shadow(provider.introspect, offline)
        shadow.verify(dev_realm.mint())
        with shadow._sides.tally._lock:
            child = os.fork()
            if child == 0:  # pragma: no cover - the child has no coverage
                os._exit(shadow.report().requests)
        ended: list[int] = []

        def has_ended() -> int:
            ended[:] = os.waitpid(child, os.WNOHANG)
            return ended[0]

        try:
            eventually(has_ended)
        finally:
            if not ended[0]:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)

        assert os.waitstatus_to_exitcode(ended[1]) == 0
        assert shadow.report().requests == 1


class TestAsync:
    """In an event loop."""

    def test_the_answers_are_those_of_verify(
        self, dev_realm: DevRealm, provider: Provider, offline: RealmTokenValidator
    ) -> None:
        """Claims and refusals, also where the check refuses by an exception; compared as there."""
        error = Refused(status_code=401)

        async def work() -> None:
            shadow = Shadow(provider.introspect, offline)
            assert (await shadow.verify_async(dev_realm.mint(sub="alice")))["sub"] == "alice"
            assert await shadow.verify_async(dev_realm.mint(wrong="audience"))
            with pytest.raises(TokenRejected):
                await shadow.verify_async(dev_realm.mint(wrong="expired"))
            with pytest.raises(TokenRejected) as raised:
                await Shadow(raises(error), offline).verify_async(dev_realm.mint())
            assert raised.value.__cause__ is error
            turned = Shadow(raises(error), offline, decides="offline")
            assert (await turned.verify_async(dev_realm.mint(sub="alice")))["sub"] == "alice"
            assert (shadow.report().agreements, shadow.report().disagreements) == (2, {"audience": 1})

        asyncio.run(work())

    def test_the_event_loop_goes_on_while_the_online_check_blocks(
        self, dev_realm: DevRealm, provider: Provider, offline: RealmTokenValidator
    ) -> None:
        """It waits for something that only another task does."""
        goes_on = threading.Event()

        def blocking(token: str) -> dict[str, Any]:
            assert goes_on.wait(10)
            return provider.introspect(token)

        async def work() -> AccessToken:
            waiting = asyncio.create_task(Shadow(blocking, offline).verify_async(dev_realm.mint(sub="alice")))
            await asyncio.sleep(0)
            goes_on.set()
            return await waiting

        assert asyncio.run(work())["sub"] == "alice"

    def test_a_check_that_is_awaited_is_awaited(self, dev_realm: DevRealm, offline: RealmTokenValidator) -> None:
        """`watching` an `async def` function keeps it one."""
        shadow = Shadow(None, offline)

        @shadow.watching
        async def check(token: str) -> str:
            await asyncio.sleep(0)
            return "user"

        assert asyncio.run(check(dev_realm.mint(wrong="audience"))) == "user"
        assert shadow.report().disagreements == {"audience": 1}


class TestWatching:
    """Under a check of any shape."""

    def test_a_function_keeps_its_shape(self, dev_realm: DevRealm, offline: RealmTokenValidator) -> None:
        """Arguments, answer, exception and name; the first argument is the token, also by its name."""
        shadow = Shadow(None, offline)

        @shadow.watching
        def user_of(access_token: str, /, *roles: str, **more: object) -> tuple[object, ...]:
            """The user."""
            return ("user", roles, more)

        def check(access_token: str | None) -> object:
            raise Refused(code=401)

        assert user_of(dev_realm.mint(wrong="audience"), "a", b=1) == ("user", ("a",), {"b": 1})
        assert (user_of.__name__, user_of.__doc__) == ("user_of", "The user.")
        for token in (dev_realm.mint(), None):
            with pytest.raises(Refused):
                shadow.watching(check)(access_token=token)
        assert shadow.report().disagreements == {"audience": 1, "inactive": 1}

    def test_where_offline_decides_the_answer_is_made_of_its_verdict(
        self, dev_realm: DevRealm, offline: RealmTokenValidator
    ) -> None:
        """`accepted` and `refused` give it the shape of the online answer; without them it is the claims."""
        shadow = Shadow(None, offline, decides="offline")
        good, bad = dev_realm.mint(sub="alice"), dev_realm.mint(wrong="audience")

        @shadow.watching(accepted=lambda claims: claims["sub"], refused=lambda error: f"nobody: {error.reason}")
        def user_of(token: str) -> str:
            return "online"

        @shadow.watching
        def claims_of(token: str) -> Any:
            return {"active": True}

        assert (user_of(good), user_of(bad)) == ("alice", "nobody: audience")
        assert claims_of(good)["sub"] == "alice"
        with pytest.raises(TokenRejected):
            claims_of(bad)

    def test_a_refusal_may_be_answered_by_another_exception(
        self, dev_realm: DevRealm, offline: RealmTokenValidator
    ) -> None:
        """Keys that cannot be had, too: whoever stands above knows only the old names."""
        shadow = Shadow(None, offline, decides="offline")

        def refused(error: Exception) -> NoReturn:
            raise Refused(kind=type(error)) from error

        with dev_realm.down(), pytest.raises(Refused) as raised:
            shadow.answer(dev_realm.mint(), lambda: None, refused=refused)
        assert vars(raised.value) == {"kind": KeysUnavailable}

    def test_it_decorates_functions(self, offline: RealmTokenValidator) -> None:
        """And says so."""
        with pytest.raises(TypeError, match="decorates functions"):
            Shadow(None, offline).watching(dict)


class TestAsAValidator:
    """Where our validators go, it goes."""

    def test_under_a_guard_the_token_is_verified_once(
        self, dev_realm: DevRealm, provider: Provider, offline: RealmTokenValidator
    ) -> None:
        """Guard and decorator add up; one request is one comparison."""
        shadow = Shadow(provider.introspect, offline)
        require_auth = ResourceProtector()
        require_auth.register_token_validator(shadow)
        app = Flask(__name__)
        app.add_url_rule("/", view_func=require_auth("a")(lambda: current_token["username"]))
        require_auth.guard(app, optional=True)
        client, token = app.test_client(), dev_realm.mint(scope="a", preferred_username="alice")

        assert client.get("/", headers=dev_realm.bearer(token)).text == "alice"
        assert client.get("/", headers=dev_realm.bearer(scope="b")).status_code == 403
        assert client.get("/").status_code == 401
        assert provider.asked[token] == 1
        assert shadow.report().requests == 2

    def test_several_realms_may_be_the_offline_side(
        self, dev_realm: DevRealm, provider: Provider, offline: RealmTokenValidator
    ) -> None:
        """A token of another issuer differs by `issuer`."""
        shadow = Shadow(lambda token: {"active": True, "sub": "x"}, MultiRealmValidator(offline))
        shadow.verify(dev_realm.mint(wrong="issuer"))

        assert shadow.report().disagreements == {"issuer": 1}
        assert repr(shadow) == f"<Shadow of <MultiRealmValidator {dev_realm.issuer}>, online decides>"
        assert shadow.status() == MultiRealmValidator(offline).status()

    def test_an_introspecting_validator_of_authlib_is_an_online_side(
        self, dev_realm: DevRealm, provider: Provider, offline: RealmTokenValidator
    ) -> None:
        """By its introspect_token."""

        class Introspecting(IntrospectTokenValidator):  # type: ignore[misc]  # Authlib has no types
            def introspect_token(self, token_string: str) -> dict[str, Any]:
                return provider.introspect(token_string)

        shadow = Shadow(Introspecting(), offline)

        assert shadow.verify(dev_realm.mint(sub="alice"))["sub"] == "alice"
        assert shadow.report().agreements == 1

    def test_in_a_test_of_the_application_the_provider_is_not_asked(
        self, dev_realm: DevRealm, provider: Provider
    ) -> None:
        """The stand-in has the offline side's policy."""
        require_auth = ResourceProtector(
            Shadow(provider.introspect, RealmTokenValidator("https://sso.example.com/realms/x", audience="orders-api"))
        )
        app = Flask(__name__)
        app.add_url_rule("/", view_func=require_auth(lambda: "ok"))
        with dev_realm.protects(require_auth):
            assert app.test_client().get("/", headers=dev_realm.bearer()).text == "ok"

        assert not provider.asked

    def test_explain_measures_against_the_offline_side(self, offline: RealmTokenValidator) -> None:
        """`explain --app` says why the switch would refuse a token."""
        assert str(Yardstick.of(Shadow(print, offline))) == str(Yardstick.of(offline))

    def test_a_route_that_introspects_needs_a_validator_that_can(
        self, dev_realm: DevRealm, provider: Provider, offline: RealmTokenValidator
    ) -> None:
        """introspect=True is the offline side's: it says so at once if it could not when it decides."""
        with pytest.raises(ValueError, match="client_id="):
            ResourceProtector(Shadow(provider.introspect, offline))(None, introspect=True)
        login = {"client_id": "orders-api", "client_secret": dev_realm.clients["orders-api"].secret}
        able = RealmTokenValidator(dev_realm.issuer, audience="orders-api", **login)  # type: ignore[arg-type]  # a secret
        app = Flask(__name__)
        require_auth = ResourceProtector(Shadow(provider.introspect, able))
        app.add_url_rule("/", view_func=require_auth(None, introspect=True)(lambda: current_token["sub"]))

        assert app.test_client().get("/", headers=dev_realm.bearer(sub="alice")).text == "alice"
        assert dev_realm.requests["introspection"] == 1

    def test_without_an_online_check_of_its_own_it_says_so(
        self, dev_realm: DevRealm, offline: RealmTokenValidator
    ) -> None:
        """Only `watching` and `answer` bring one along."""
        with pytest.raises(RuntimeError, match=r"Shadow\(online, offline\)"):
            Shadow(None, offline).verify(dev_realm.mint())

    @pytest.mark.parametrize(
        ("keywords", "match"),
        [
            ({"decides": "both"}, "decides"),
            ({"compare": "no"}, "compare"),
            ({"online": "https://sso.example.com"}, r"keycloak_openid\.introspect"),
            ({"online": dict}, r"keycloak_openid\.introspect"),
            ({"offline": "https://sso.example.com"}, "RealmTokenValidator"),
            ({"refusals": ValueError}, "tuple of exception classes"),
            ({"refusals": (ValueError("x"),)}, "tuple of exception classes"),
            ({"report_seconds": 0}, "report_seconds"),
            ({"report_seconds": float("nan")}, "report_seconds"),
        ],
        ids=str,
    )
    def test_what_cannot_work_is_refused_at_construction(
        self, offline: RealmTokenValidator, keywords: dict[str, Any], match: str
    ) -> None:
        """In a sentence that says what to write instead."""
        given: dict[str, Any] = {"online": print, "offline": offline, **keywords}
        with pytest.raises(ValueError, match=match):
            Shadow(**given)
