"""What the realm says of a token that passed every check here: asked when it is wanted, judged, kept for a while."""

import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest

from resource_protector import AccessToken, KeysUnavailable, RealmTokenValidator, Reason, TokenRejected
from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from tests.introspection.conftest import MakeValidator, verdict
from tests.polling import Clock, eventually


@pytest.fixture
def validator(introspecting: MakeValidator) -> RealmTokenValidator:
    """Keeps answers for ten seconds, as everybody's."""
    return introspecting()


@pytest.fixture
def alice(dev_realm: DevRealm) -> str:
    """A token of a user with a session, for this API."""
    return dev_realm.token(client="web", user="alice", scope="test_api_access")


def test_without_introspect_nobody_is_asked(dev_realm: DevRealm, validator: RealmTokenValidator, alice: str) -> None:
    """Credentials alone change nothing."""
    assert isinstance(verdict(validator, alice, introspect=False), AccessToken)
    assert dev_realm.requests["introspection"] == 0


def test_the_claims_are_the_realms(dev_realm: DevRealm, validator: RealmTokenValidator, alice: str) -> None:
    """Roles are those of today, in both directions, and the plain route keeps to the token's."""
    with dev_realm.remove_role("alice", "writer", client="orders-api"), dev_realm.add_role("alice", "admin"):
        today = validator.verify(alice, introspect=True)

        assert "admin" in today.realm_roles
        assert "writer" not in today.client_roles("orders-api")
        assert "writer" in validator.verify(alice).client_roles("orders-api")
        assert today["active"] is True


def test_the_claims_cannot_be_changed(validator: RealmTokenValidator, alice: str) -> None:
    """One answer serves many requests."""
    today = validator.verify(alice, introspect=True)

    with pytest.raises(TypeError, match="cannot be changed"):
        today["realm_access"]["roles"].append("admin")


ENDINGS: dict[str, Callable[[DevRealm], AbstractContextManager[object]]] = {
    "logged out": lambda realm: realm.log_out("alice"),
    "disabled user": lambda realm: realm.disable_user("alice"),
    "disabled client": lambda realm: realm.disable_client("web"),
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_what_ends_a_token_at_the_realm(
    dev_realm: DevRealm,
    introspecting: MakeValidator,
    alice: str,
    ending: Callable[[DevRealm], AbstractContextManager[object]],
) -> None:
    """At once with introspection_seconds=0, while the plain route goes on."""
    validator = introspecting(introspection_seconds=0)
    before = verdict(validator, alice)
    with ending(dev_realm):
        after = verdict(validator, alice)
        plain = verdict(validator, alice, introspect=False)

    assert isinstance(before, AccessToken)
    assert after is Reason.INACTIVE
    assert isinstance(plain, AccessToken)


def test_an_answer_is_repeated_for_a_while(
    dev_realm: DevRealm, introspecting: MakeValidator, clock: Clock, alice: str
) -> None:
    """introspection_seconds, and not a moment longer; a good answer and a bad one alike."""
    validator = introspecting(introspection_seconds=10)
    verdict(validator, alice)
    with dev_realm.log_out("alice"):
        clock.advance(9.9)
        kept = verdict(validator, alice)
        clock.advance(0.1)
        anew = verdict(validator, alice)
    asked = dev_realm.requests["introspection"]
    clock.advance(9.9)
    repeated = verdict(validator, alice)

    assert isinstance(kept, AccessToken)
    assert anew is repeated is Reason.INACTIVE
    assert asked == dev_realm.requests["introspection"] == 2


def test_an_answer_is_not_repeated_beyond_exp(dev_realm: DevRealm, introspecting: MakeValidator) -> None:
    """Within the leeway the token still passes here, and what the realm says is asked anew."""
    now = Clock(time.time())
    validator = introspecting(introspection_seconds=3600, now=now)
    token = dev_realm.mint(exp=int(now()) + 60)
    verdict(validator, token)
    now.advance(59)
    verdict(validator, token)
    asked_before = dev_realm.requests["introspection"]
    now.advance(2)
    verdict(validator, token)

    assert asked_before == 1
    assert dev_realm.requests["introspection"] == 2


def test_the_offline_check_comes_first_and_again(
    dev_realm: DevRealm, introspecting: MakeValidator, clock: Clock, alice: str
) -> None:
    """A key that the realm withdrew ends its tokens, whatever it said of them a moment ago."""
    validator = introspecting(introspection_seconds=3600)
    verdict(validator, alice)
    dev_realm.rotate(old="withdraw")
    validator.keys.reload()

    assert verdict(validator, alice) is Reason.UNKNOWN_KEY


@pytest.mark.parametrize(
    "wrong",
    ["expired", "not_yet_valid", "audience", "issuer", "id_token", "refresh_token", "key", "signature", "alg_none"],
)
def test_a_bad_token_is_sent_nowhere(dev_realm: DevRealm, validator: RealmTokenValidator, wrong: Any) -> None:
    """Only what passed every check here."""
    assert isinstance(verdict(validator, dev_realm.mint(wrong=wrong)), Reason)
    assert isinstance(verdict(validator, "x" * 40), Reason)
    assert dev_realm.requests["introspection"] == 0


def without_active(honest: dict[str, Any]) -> dict[str, Any]:
    """An answer that does not say the one thing that it has to."""
    return {name: value for name, value in honest.items() if name != "active"}


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        pytest.param({"jti": "another"}, Reason.INTROSPECTION_UNAVAILABLE, id="another jti"),
        pytest.param(
            {"iss": "https://evil.example.com/realms/myorg"}, Reason.INTROSPECTION_UNAVAILABLE, id="another issuer"
        ),
        pytest.param({"azp": "another"}, Reason.INTROSPECTION_UNAVAILABLE, id="another client"),
        pytest.param({"iat": 1}, Reason.INTROSPECTION_UNAVAILABLE, id="another iat"),
        pytest.param({"sub": "another"}, Reason.INTROSPECTION_UNAVAILABLE, id="another subject"),
        pytest.param({"exp": 4_000_000_000}, Reason.INTROSPECTION_UNAVAILABLE, id="a longer exp"),
        pytest.param({"iss": 7}, Reason.INTROSPECTION_UNAVAILABLE, id="an issuer that is a number"),
        pytest.param({"aud": "account"}, Reason.AUDIENCE, id="another audience"),
        pytest.param({"aud": None}, Reason.MISSING_CLAIM, id="no audience"),
        pytest.param({"aud": {"orders-api": 1}}, Reason.MISSING_CLAIM, id="an audience that is an object"),
        pytest.param({"cnf": {"jkt": "x"}}, Reason.BOUND, id="cnf"),
        pytest.param({"token_type": "DPoP"}, Reason.BOUND, id="token_type DPoP"),
        pytest.param({"typ": "ID"}, Reason.TOKEN_TYPE, id="an ID token"),
        pytest.param({"scope": [1]}, Reason.MALFORMED, id="a scope of numbers"),
        pytest.param({"active": None}, Reason.INTROSPECTION_UNAVAILABLE, id="no active"),
        pytest.param({"active": "true"}, Reason.INTROSPECTION_UNAVAILABLE, id="active in quotes"),
        pytest.param({"active": 1}, Reason.INTROSPECTION_UNAVAILABLE, id="active 1"),
    ],
)
def test_a_realm_that_lies(
    dev_realm: DevRealm, validator: RealmTokenValidator, alice: str, lie: dict[str, Any], reason: Reason
) -> None:
    """The answer is judged by the same policy; one about another token is no answer."""
    with dev_realm.introspection_says(**lie):
        assert verdict(validator, alice) is reason


@pytest.mark.parametrize(
    ("body", "status_code"),
    [
        pytest.param(b"[]", 200, id="a list"),
        pytest.param(b"true", 200, id="true"),
        pytest.param(b"<html>Maintenance</html>", 200, id="HTML"),
        pytest.param(b"", 200, id="nothing"),
        pytest.param(b'{"active": true, "active": false}', 200, id="a member twice"),
        pytest.param(b'{"active": true, "a": ' + b"[" * 5000 + b"]" * 5000 + b"}", 200, id="nested"),
        pytest.param(b'{"active": true, "a": "' + b"x" * 10_000_000 + b'"}', 200, id="10 MB"),
        pytest.param(b'{"active": true}', 500, id="500"),
        pytest.param(b'{"active": true}', 302, id="a redirect"),
        pytest.param(b'{"error": "invalid_client"}', 401, id="401 to us"),
        pytest.param(b'{"error": "invalid_request"}', 403, id="403 to us"),
    ],
)
def test_what_is_no_answer(
    dev_realm: DevRealm, validator: RealmTokenValidator, alice: str, body: bytes, status_code: int
) -> None:
    """503: nobody can say whether the token is good, and nobody pretends to."""
    with dev_realm.introspection_answers(body, status_code=status_code):
        failed = verdict(validator, alice)
    healed = verdict(validator, alice)

    assert failed is Reason.INTROSPECTION_UNAVAILABLE
    assert isinstance(healed, AccessToken)  # failures are not kept


def test_an_answer_with_nothing_but_active(dev_realm: DevRealm, introspecting: MakeValidator) -> None:
    """Every other member is optional (RFC 7662): what lasts is the token's, what may change is not."""
    token = dev_realm.token(client="web", user="alice", scope="test_api_access")
    with dev_realm.introspection_answers({"active": True}):
        with_audience = verdict(introspecting(), token)
        without = verdict(introspecting(audience=None), token)

    assert isinstance(without, AccessToken)
    assert with_audience is Reason.LIGHTWEIGHT
    assert without.subject is not None
    assert without.scopes == without.realm_roles == without.client_roles("orders-api") == frozenset()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        pytest.param(lambda realm: realm.down(), "Connection", id="unreachable"),
        pytest.param(lambda realm: realm.answer_500(), "answered 500", id="500"),
        pytest.param(lambda realm: realm.answer_html(), "no JSON object", id="HTML"),
        pytest.param(
            lambda realm: realm.introspection_answers(b"{}", status_code=401),
            "client 'orders-api' or its secret is wrong",
            id="401",
        ),
        pytest.param(
            lambda realm: realm.introspection_answers(b"{}", status_code=403), "Client authentication", id="403"
        ),
    ],
)
def test_the_log_says_which(
    dev_realm: DevRealm,
    validator: RealmTokenValidator,
    alice: str,
    caplog: pytest.LogCaptureFixture,
    fault: Callable[[DevRealm], AbstractContextManager[object]],
    told: str,
) -> None:
    """One warning at the first failure, one at the recovery, and no token or secret in either."""
    validator.verify(alice)
    with fault(dev_realm):
        for _ in range(3):
            verdict(validator, alice)
    verdict(validator, alice)
    lines = [record.getMessage() for record in caplog.records if record.name == "resource_protector.introspection"]

    assert len(lines) == 2
    assert "could not be asked" in lines[0]
    assert told in lines[0]
    assert "answers again" in lines[1]
    assert not any(secret in caplog.text for secret in (alice, alice.split(".")[1], "orders-api-secret"))


def test_a_wrong_secret(dev_realm: DevRealm, introspecting: MakeValidator, alice: str) -> None:
    """The realm's 401 to this API is not the caller's: 503, with when to try again."""
    with pytest.raises(KeysUnavailable) as unavailable:
        introspecting(client_secret="wrong").verify(alice, introspect=True)

    assert unavailable.value.reason is Reason.INTROSPECTION_UNAVAILABLE
    assert unavailable.value.status_code == 503
    assert unavailable.value.retry_after_seconds == 1
    assert "401" in str(unavailable.value.__cause__)


def test_a_client_that_the_token_is_not_for(
    dev_realm: DevRealm, introspecting: MakeValidator, alice: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Keycloak's commonest reason to answer inactive, so the log names it."""
    validator = introspecting(client_id="rfc9068", client_secret="rfc9068-secret")

    with caplog.at_level(logging.WARNING), pytest.raises(TokenRejected) as refused:
        validator.verify(alice, introspect=True)

    assert refused.value.reason is Reason.INACTIVE
    assert (
        refused.value.challenge
        == 'Bearer error="invalid_token", error_description="The access token is no longer active"'
    )
    assert "client (client_id=) is not in the token's 'aud'" in caplog.text


def test_200_threads_with_one_token_ask_once(dev_realm: DevRealm, validator: RealmTokenValidator, alice: str) -> None:
    """Whoever comes while the question is under way waits for its answer."""
    validator.verify(alice)
    with dev_realm.stall(0.3), ThreadPoolExecutor(200) as threads:
        verdicts = list(threads.map(lambda _: verdict(validator, alice), range(200)))

    assert all(isinstance(each, AccessToken) for each in verdicts)
    assert dev_realm.requests["introspection"] == 1


def test_asking_each_time_means_each_time(dev_realm: DevRealm, introspecting: MakeValidator, alice: str) -> None:
    """With introspection_seconds=0 nobody is served an answer to a question that was asked before he came."""
    validator = introspecting(introspection_seconds=0)
    validator.verify(alice)
    with dev_realm.stall(0.2), ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: verdict(validator, alice), range(4)))

    assert dev_realm.requests["introspection"] == 4


def test_a_stalled_realm(introspecting: MakeValidator) -> None:
    """503 at the deadline, also for those who wait for a connection, while plain routes do not notice."""
    with DevRealm(DEMO_REALM_FILE) as realm:  # one of its own: questions that nobody waits for any more arrive late
        validator = introspecting(realm.issuer, timeout_seconds=0.5, monotonic=time.monotonic)
        tokens = [realm.mint() for _ in range(40)]
        for token in tokens:
            validator.verify(token)
        with realm.stall(30), ThreadPoolExecutor(40) as threads:
            began = time.monotonic()
            asked = [threads.submit(verdict, validator, token) for token in tokens]
            eventually(lambda: realm.requests["introspection"] >= 1)
            quick = time.monotonic()
            plain = [verdict(validator, token, introspect=False) for token in tokens]
            took_plain = time.monotonic() - quick
            verdicts = [each.result() for each in asked]
            took = time.monotonic() - began

    assert set(verdicts) == {Reason.INTROSPECTION_UNAVAILABLE}
    assert all(isinstance(each, AccessToken) for each in plain)
    assert took_plain < 0.5
    assert took < 2.0


def test_questions_that_waited_in_vain_are_not_asked(introspecting: MakeValidator) -> None:
    """Eight are under way; whoever waited behind them until the deadline is not asked about afterwards."""
    with DevRealm(DEMO_REALM_FILE) as realm:
        validator = introspecting(realm.issuer, timeout_seconds=0.5, monotonic=time.monotonic)
        tokens = [realm.mint() for _ in range(20)]
        for token in tokens:
            validator.verify(token)
        with realm.stall(30), ThreadPoolExecutor(20) as threads:
            verdicts = set(threads.map(lambda token: verdict(validator, token), tokens))
        healed = verdict(validator, realm.mint())

    assert verdicts == {Reason.INTROSPECTION_UNAVAILABLE}
    assert isinstance(healed, AccessToken)
    assert realm.requests["introspection"] <= 10  # eight, perhaps one that slipped in at the end, and the healed one


def test_while_the_realm_is_stalled_one_question_finds_out(introspecting: MakeValidator) -> None:
    """After one that was not answered in time nobody waits but whoever asks next, and a single answer ends it."""
    with DevRealm(DEMO_REALM_FILE) as realm, ThreadPoolExecutor(1) as thread:
        validator = introspecting(realm.issuer, timeout_seconds=0.4, monotonic=time.monotonic)
        tokens = [realm.mint() for _ in range(4)]
        for token in tokens:
            validator.verify(token)
        with realm.stall(30):
            verdict(validator, tokens[0])
            asked = realm.requests["introspection"]
            next_one = thread.submit(verdict, validator, tokens[1])
            eventually(lambda: realm.requests["introspection"] > asked)
            began = time.monotonic()
            others = [verdict(validator, token) for token in (tokens[1], tokens[2], tokens[3])]
            took = time.monotonic() - began
            last = next_one.result()
        healed = [verdict(validator, token) for token in tokens]

    assert [*others, last] == [Reason.INTROSPECTION_UNAVAILABLE] * 4
    assert took < 0.2
    assert all(isinstance(each, AccessToken) for each in healed)


def test_single_failures_among_successes_are_told_of_once_a_minute(
    dev_realm: DevRealm, introspecting: MakeValidator, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A realm that fails now and then does not fill the log."""
    validator = introspecting(introspection_seconds=0)
    token = dev_realm.mint()
    for _ in range(30):
        with dev_realm.introspection_answers(b"", status_code=500):
            verdict(validator, token)
        verdict(validator, token)
        clock.advance(1)
    within_the_minute = len(caplog.records)
    clock.advance(60)
    with dev_realm.introspection_answers(b"", status_code=500):
        verdict(validator, token)

    assert within_the_minute == 2
    assert len(caplog.records) == 3


def test_an_outage_that_lasts_is_told_of_although_the_last_one_was_just_now(
    dev_realm: DevRealm, introspecting: MakeValidator, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """After a minute of failing."""
    validator = introspecting(introspection_seconds=0)
    token = dev_realm.mint()
    for _ in range(2):
        with dev_realm.introspection_answers(b"", status_code=500):
            verdict(validator, token)
        verdict(validator, token)
    with dev_realm.introspection_answers(b"", status_code=500):
        verdict(validator, token)
        clock.advance(60)
        verdict(validator, token)
    verdict(validator, token)
    said = [record.getMessage() for record in caplog.records]

    assert [("still" in line, "again" in line) for line in said] == [
        (False, False),
        (False, True),
        (True, False),
        (False, True),
    ]


def test_a_flood_of_valid_tokens(dev_realm: DevRealm, introspecting: MakeValidator) -> None:
    """A hundred at once share eight connections, which are kept, and all are served."""
    validator = introspecting()
    tokens = [dev_realm.mint() for _ in range(100)]
    with ThreadPoolExecutor(100) as threads:
        verdicts = list(threads.map(lambda token: verdict(validator, token), tokens))

    assert all(isinstance(each, AccessToken) for each in verdicts)
    assert dev_realm.requests["introspection"] == 100


def test_the_memory_is_bounded(dev_realm: DevRealm, introspecting: MakeValidator, alice: str) -> None:
    """Answers of 200 kB each push out the oldest ones, not the process."""
    validator = introspecting()
    verdict(validator, alice)
    with dev_realm.introspection_says(ballast="x" * 200_000):
        for _ in range(45):
            verdict(validator, dev_realm.mint())
    asked = dev_realm.requests["introspection"]
    verdict(validator, alice)
    verdict(validator, alice)

    assert dev_realm.requests["introspection"] == asked + 1  # forgotten, and remembered again


def test_a_large_token_is_asked_about_once_too(dev_realm: DevRealm, validator: RealmTokenValidator) -> None:
    """Also one that is too large to be remembered as verified."""
    token = dev_realm.mint(ballast="x" * 8_000)
    first, second = verdict(validator, token), verdict(validator, token)

    assert isinstance(first, AccessToken)
    assert isinstance(second, AccessToken)
    assert dev_realm.requests["introspection"] == 1


@pytest.mark.parametrize("cache_size", [0, 4096])
def test_lightweight_tokens_are_completed(
    dev_realm: DevRealm, introspecting: MakeValidator, clock: Clock, cache_size: int
) -> None:
    """With roles and audience, on every route, with one question per introspection_seconds."""
    validator = introspecting(token_cache_size=cache_size)
    service = dev_realm.token(client="lightweight", scope="test_api_access")
    user = dev_realm.token(client="lightweight", user="alice", scope="test_api_access")
    tokens = [validator.verify(token) for token in (service, user, service, user)]
    asked = dev_realm.requests["introspection"]
    clock.advance(10)
    validator.verify(user)

    assert all("orders-api" in token.audience for token in tokens)
    assert tokens[1].client_roles("orders-api") == {"writer"}
    assert tokens[1].username == "alice"
    assert asked == 2
    assert dev_realm.requests["introspection"] == 3


def test_a_lightweight_token_without_credentials(dev_realm: DevRealm, caplog: pytest.LogCaptureFixture) -> None:
    """Is refused, and the advice names the way out."""
    validator = RealmTokenValidator(dev_realm.issuer, audience="orders-api")
    token = dev_realm.token(client="lightweight", user="alice", scope="test_api_access")

    assert verdict(validator, token, introspect=False) is Reason.LIGHTWEIGHT
    assert "client_id= and client_secret=" in caplog.text


@pytest.mark.parametrize("wrong", ["expired", "signature", "issuer"])
def test_a_bad_lightweight_token_is_sent_nowhere(
    dev_realm: DevRealm, validator: RealmTokenValidator, wrong: Any
) -> None:
    """Lacking something is no reason to trust the rest."""
    token = dev_realm.mint(
        wrong=wrong, aud=None, realm_access=None, resource_access=None, acr=None, preferred_username=None
    )

    assert isinstance(verdict(validator, token), Reason)
    assert dev_realm.requests["introspection"] == 0


def test_a_lightweight_token_that_is_not_for_us(dev_realm: DevRealm, validator: RealmTokenValidator) -> None:
    """The realm answers inactive to a client that the token is not for."""
    token = dev_realm.token(client="lightweight")

    assert verdict(validator, token) is Reason.INACTIVE


def test_an_answer_that_completes_nothing(dev_realm: DevRealm, validator: RealmTokenValidator) -> None:
    """A lightweight token stays one when the answer lacks the audience, too."""
    token = dev_realm.token(client="lightweight", user="alice", scope="test_api_access")
    with dev_realm.introspection_answers({"active": True}):
        assert verdict(validator, token) is Reason.LIGHTWEIGHT


def test_the_type_in_the_header_counts_for_the_answer(dev_realm: DevRealm, introspecting: MakeValidator) -> None:
    """Where no claim says what kind of token it is, and no answer repeats the header."""
    validator = introspecting(token_types=("JWT",))
    token = dev_realm.mint(typ=None)
    with dev_realm.introspection_answers({"active": True, "aud": "orders-api"}):
        fresh, cached = verdict(validator, token), verdict(validator, token)

    assert isinstance(fresh, AccessToken)
    assert cached is fresh


def test_an_id_token_that_the_realm_calls_active(
    dev_realm: DevRealm, validator: RealmTokenValidator, alice: str
) -> None:
    """Keycloak does, to the client that it was made for; it is refused before anybody is asked."""
    assert verdict(validator, dev_realm.mint(wrong="id_token", aud="orders-api")) is Reason.TOKEN_TYPE
    with dev_realm.introspection_says(typ="ID", token_type="ID"):
        assert verdict(validator, alice) is Reason.TOKEN_TYPE


def test_no_exception_shows_the_token(dev_realm: DevRealm, introspecting: MakeValidator, alice: str) -> None:
    """Nor the secret: exceptions end in logs."""
    dev_realm.down()
    validator = introspecting(fetch=dev_realm.fetch)
    dev_realm.up()
    validator.keys.reload()
    dev_realm.down()
    with pytest.raises(KeysUnavailable) as unavailable:
        validator.verify(alice, introspect=True)
    error: BaseException | None = unavailable.value
    told = ""
    while error is not None:
        told += f"{error!r} {error} {json.dumps([str(each) for each in error.args])}"
        error = error.__cause__ or error.__context__

    assert alice not in told
    assert "orders-api-secret" not in told
    assert "orders-api-secret" not in repr(validator)
