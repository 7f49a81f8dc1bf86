import logging
import traceback
from typing import Any

import pytest

from resource_protector import keycloak as ours
from resource_protector.dev import DevRealm
from resource_protector.errors import Reason, TokenRejected
from tests.drop_in.drop_ins import (
    BAD_TOKENS,
    LET_PASS_BY_DECODE,
    SCOPE,
    Token,
    drop_in,
    jwcrypto_common,
    jwcrypto_jwk,
    jwcrypto_jws,
    jwcrypto_jwt,
    original,
    outcome,
)
from tests.polling import Clock

# What somebody may name in an `except` clause, by what has to stand in its place.
CLAUSES: dict[type[Exception], type[Exception]] = {
    jwcrypto_jwt.JWTExpired: ours.JWTExpired,
    jwcrypto_jwt.JWTNotYetValid: ours.JWTNotYetValid,
    jwcrypto_jwt.JWTMissingKey: ours.JWTMissingKey,
    jwcrypto_jws.InvalidJWSSignature: ours.InvalidJWSSignature,
    jwcrypto_jws.InvalidJWSObject: ours.InvalidJWSObject,
    jwcrypto_common.JWKeyNotFound: ours.JWKeyNotFound,
    jwcrypto_common.JWException: ours.JWException,
    ValueError: ValueError,
}


def test_a_good_token_is_decoded_as_by_the_original(dev_realm: DevRealm) -> None:
    """The claims of the token, and nothing else."""
    token = dev_realm.token(user="alice", scope=SCOPE)
    decoded = drop_in(dev_realm).decode_token(token)

    assert decoded == original(dev_realm).decode_token(token)
    assert type(decoded) is dict


@pytest.mark.parametrize("bad", [pytest.param(token, id=name) for name, token in BAD_TOKENS.items()])
@pytest.mark.parametrize("with_key", [False, True], ids=["the realm's keys", "one key given"])
def test_the_clause_that_caught_it_catches_it(dev_realm: DevRealm, bad: Token, with_key: bool) -> None:
    """Whatever class of jwcrypto's the original raises, however it got its keys: ours is one of that name, too."""
    token = bad(dev_realm)
    given: dict[str, Any] = {}
    if with_key:
        certs = original(dev_realm).certs()["keys"]
        given = {"key": jwcrypto_jwk.JWK(**next(key for key in certs if key["use"] == "sig"))}
    theirs = outcome(original(dev_realm).decode_token, token, **given)
    mine = outcome(drop_in(dev_realm).decode_token, token, **given)
    caught_by = [kind for kind in CLAUSES if isinstance(theirs, kind)]

    assert caught_by
    assert all(isinstance(mine, CLAUSES[kind]) for kind in caught_by)


@pytest.mark.parametrize(
    ("made", "kind", "reason"),
    [
        pytest.param(lambda realm: realm.mint("expired"), ours.JWTExpired, Reason.EXPIRED, id="expired"),
        pytest.param(lambda realm: realm.mint("not_yet_valid"), ours.JWTNotYetValid, Reason.NOT_YET_VALID, id="early"),
        pytest.param(lambda realm: realm.mint("key"), ours.InvalidJWSSignature, Reason.SIGNATURE, id="forged"),
        pytest.param(lambda realm: realm.mint("unknown_key"), ours.JWTMissingKey, Reason.UNKNOWN_KEY, id="unknown key"),
        pytest.param(lambda realm: realm.mint("refresh_token"), ours.JWException, Reason.ALGORITHM, id="refresh token"),
        pytest.param(lambda realm: realm.mint("audience"), ours.JWTInvalidClaimValue, Reason.AUDIENCE, id="audience"),
        pytest.param(lambda realm: realm.mint("issuer"), ours.InvalidJWSSignature, Reason.ISSUER, id="issuer"),
        pytest.param(lambda realm: realm.mint("id_token"), ours.JWTInvalidClaimValue, Reason.TOKEN_TYPE, id="ID token"),
        pytest.param(
            lambda realm: realm.mint("lightweight"), ours.JWTMissingClaim, Reason.LIGHTWEIGHT, id="lightweight"
        ),
        pytest.param(lambda realm: realm.mint(sub=None), ours.JWTMissingClaim, Reason.MISSING_CLAIM, id="no subject"),
        pytest.param(lambda realm: realm.mint(cnf={}), ours.JWTInvalidClaimValue, Reason.BOUND, id="bound"),
        pytest.param(lambda realm: "garbage", ours.InvalidJWSObject, Reason.MALFORMED, id="garbage"),
    ],
)
def test_each_reason_has_its_exception(
    dev_realm: DevRealm, made: Token, kind: type[ours.JWException], reason: Reason
) -> None:
    """A fixed sentence as message, the reason as data, and nothing of the token in what is printed."""
    token = made(dev_realm)
    error = outcome(drop_in(dev_realm, secret=None).decode_token, token)
    printed = "".join(traceback.format_exception(error))

    assert isinstance(error, kind)
    assert isinstance(error, ours.JWException)
    assert error.reason is reason
    assert isinstance(error.__cause__, TokenRejected)
    assert str(error) == error.__cause__.description
    assert token not in printed or token == "garbage"
    assert dev_realm.issuer not in printed


@pytest.mark.parametrize("name", LET_PASS_BY_DECODE)
def test_what_the_original_let_pass_is_refused(dev_realm: DevRealm, name: str) -> None:
    """The original asks neither for whom a token is nor of which kind."""
    token = LET_PASS_BY_DECODE[name](dev_realm)

    assert original(dev_realm).decode_token(token)
    assert isinstance(outcome(drop_in(dev_realm).decode_token, token), ours.JWException)


def test_leeway_is_honoured(dev_realm: DevRealm) -> None:
    """In seconds, both sides of the boundary; without it, it is the constructor's. All of it costs one load of keys."""
    token = dev_realm.mint()
    exp = original(dev_realm).decode_token(token)["exp"]
    clock = Clock(exp)
    api = drop_in(dev_realm, now=clock, leeway_seconds=5)
    dev_realm.requests.clear()
    verdicts = []
    for late in (4.5, 5.5, 59.5, 60.5):
        clock.seconds = exp + late
        given: list[dict[str, Any]] = [{}, {"leeway": 0}, {"leeway": 60}]
        verdicts.append([type(outcome(api.decode_token, token, **each)) is dict for each in given])

    assert verdicts == [[True, False, True], [False, False, True], [False, False, True], [False, False, False]]
    assert dev_realm.requests == {"certs": 1}


def test_many_leeways_are_not_kept(dev_realm: DevRealm) -> None:
    """Whoever computes the leeway for each token fills no memory, and loads no keys for it."""
    api, token = drop_in(dev_realm), dev_realm.mint()
    for leeway in range(100):
        api.decode_token(token, leeway=leeway)

    assert len(api._leeways._others) <= 8
    assert dev_realm.requests == {"certs": 1}


@pytest.mark.parametrize("leeway", [-1, "60", float("nan")])
def test_a_leeway_is_a_number_of_seconds(dev_realm: DevRealm, leeway: Any) -> None:
    """Anything else raises, whatever the token."""
    with pytest.raises(ValueError, match="leeway is"):
        drop_in(dev_realm).decode_token(dev_realm.mint(), leeway=leeway)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"key": "-----BEGIN PUBLIC KEY-----"}, id="key"),
        pytest.param({"key": "PEM", "algorithms": ["RS256"], "options": {"verify_aud": False}}, id="all of version 3"),
        pytest.param({"algs": ["RS256"]}, id="algs"),
        pytest.param({"options": {"verify_signature": True, "verify_exp": False}}, id="options"),
    ],
)
def test_other_arguments_are_accepted_with_one_warning(
    dev_realm: DevRealm, caplog: pytest.LogCaptureFixture, given: dict[str, Any]
) -> None:
    """They are not needed, and change nothing: an expired token stays refused, and one line says so once."""
    api = drop_in(dev_realm)
    with caplog.at_level(logging.WARNING, "resource_protector.keycloak"):
        good = [api.decode_token(dev_realm.mint(), **given) for _ in range(3)]
        expired = outcome(api.decode_token, dev_realm.mint("expired"), **given)
        other = outcome(api.decode_token, dev_realm.mint("audience"), **given)

    assert len(good) == 3
    assert isinstance(expired, ours.JWTExpired)
    assert isinstance(other, ours.JWTInvalidClaimValue)
    (record,) = [record for record in caplog.records if record.name == "resource_protector.keycloak"]
    assert all(f"{name}=" in record.getMessage() for name in given)


def test_a_key_may_stand_where_version_3_had_it(dev_realm: DevRealm) -> None:
    """`decode_token(token, KEY)`: the second place is `validate` today, and a key counts as yes."""
    key: Any = "-----BEGIN PUBLIC KEY-----"

    assert drop_in(dev_realm).decode_token(dev_realm.mint(), key)["sub"]


@pytest.mark.parametrize(
    "given",
    [
        {"validate": False},
        {"validate": None},
        {"options": {"verify_signature": False}},
        {"options": {"verify_signature": False, "verify_aud": False}, "key": ""},
    ],
)
def test_unsigned_claims_are_not_to_be_had(dev_realm: DevRealm, given: dict[str, Any]) -> None:
    """The original hands out what anybody has written; ours says why not."""
    with pytest.raises(ValueError, match="always checks the signature"):
        drop_in(dev_realm).decode_token(dev_realm.mint(), **given)


@pytest.mark.parametrize("name", ["check_claims", "audience", "default_claims", "issuer"])
def test_an_argument_that_would_check_something_is_refused(dev_realm: DevRealm, name: str) -> None:
    """What is not read must not look as if it were: the sentence names the constructor."""
    with pytest.raises(TypeError, match=rf"takes no '{name}'.*audience="):
        drop_in(dev_realm).decode_token(dev_realm.mint(), True, **{name: {"aud": "x"}})


def test_keys_that_cannot_be_had_are_no_bad_token(dev_realm: DevRealm) -> None:
    """A KeycloakConnectionError as from the original, and none of jwcrypto's."""
    token = dev_realm.mint()
    with dev_realm.down():
        errors = [outcome(api.decode_token, token) for api in (drop_in(dev_realm), original(dev_realm))]

    assert [type(error).__name__ for error in errors] == ["KeycloakConnectionError"] * 2
    assert not isinstance(errors[0], ours.JWException)
