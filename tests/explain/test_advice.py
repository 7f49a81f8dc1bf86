from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from resource_protector import RealmTokenValidator
from resource_protector.dev import DevRealm
from resource_protector.explain import Explanation, Yardstick, explain
from resource_protector.scopes import Requirements
from tests.explain.test_agreement import part, rewritten


def explained(realm: DevRealm, token: str, requirements: Requirements | None = None, **options: Any) -> Explanation:
    """`token` against the dev realm's own validator."""
    validator = RealmTokenValidator(realm.issuer, audience="orders-api", fetch=realm.fetch, **options)
    return explain(token, Yardstick.of(validator, requirements))


@pytest.mark.parametrize(
    ("make", "first"),
    [
        pytest.param(lambda r: r.mint("signature"), "Copy the token again, whole, or get a new one", id="signature"),
        pytest.param(lambda r: r.mint("alg_none"), "Get a token from the realm: it did not make", id="alg none"),
        pytest.param(
            lambda r: rewritten(r.mint(), 0, part({"alg": "HS256"})), "Get a token from the realm: it did", id="HMAC"
        ),
        pytest.param(
            lambda r: rewritten(r.mint(), 0, part({"alg": "PS256", "kid": r.rotate()})),
            "Get a token from the realm: it did not make this one, whose 'alg' is 'PS256' and whose key",
            id="not this key's algorithm",
        ),
        pytest.param(lambda r: "opaque", "Copy the token again, whole: three parts", id="opaque"),
        pytest.param(lambda r: r.mint(scope=5), "Correct the mapper of 'scope'", id="scope is a number"),
        pytest.param(lambda r: r.mint(typ="DPoP"), "Switch off 'Require DPoP bound tokens'", id="DPoP"),
        pytest.param(lambda r: r.mint(cnf={"jkt": "x"}), "Switch off 'Require DPoP bound tokens'", id="cnf"),
        pytest.param(lambda r: r.mint(typ="Offline", exp=1), "Send the access token, and revoke", id="offline"),
        pytest.param(lambda r: r.mint(typ="Logout"), "Send the access token: this is a logout", id="logout"),
        pytest.param(lambda r: r.mint(typ=None, events={}), "Send the access token: this is a logout", id="events"),
        pytest.param(lambda r: r.mint("id_token_without_typ"), "Send the access token: this looks like an ID", id="ID"),
        pytest.param(lambda r: r.mint(typ=None, exp=None, iat=None), "signed UserInfo", id="userinfo"),
        pytest.param(lambda r: r.mint(typ=None), "Write token_types=('Bearer', 'at+jwt', 'JWT')", id="untyped"),
        pytest.param(lambda r: r.mint(typ="Odd"), "Send an access token: this one says that it is of", id="odd type"),
        pytest.param(lambda r: r.mint("expired"), "Get a new token: this one expired 1 hour ago", id="expired"),
        pytest.param(lambda r: r.mint("not_yet_valid"), "Set the clocks, by NTP", id="not yet"),
        pytest.param(lambda r: r.mint(sub=None), "Give the client the client scope 'basic'", id="no sub"),
        pytest.param(
            lambda r: r.mint(sub=None, jti="trltcc:1"), "Switch off 'Always use lightweight", id="lightweight, no sub"
        ),
        pytest.param(lambda r: r.mint(sub=5), "Add a mapper for 'sub'", id="sub is a number"),
        pytest.param(lambda r: r.mint(iat=None), "Add a mapper for 'iat'", id="no iat"),
        pytest.param(lambda r: r.mint(aud=None), "Add an Audience mapper for 'orders-api'", id="no aud"),
        pytest.param(lambda r: r.mint("lightweight"), "Switch off 'Always use lightweight access token'", id="lt"),
        pytest.param(lambda r: r.mint("lightweight", jti="0b9c"), "Switch off 'Always use lightweight", id="no hint"),
        pytest.param(lambda r: r.mint("lightweight", jti=5), "Switch off 'Always use lightweight", id="odd hint"),
        pytest.param(
            lambda r: r.mint("lightweight", jti="trrtcc:1"), "Give the client its client scopes 'basic'", id="rt"
        ),
        pytest.param(lambda r: r.mint("unknown_key"), "Get a new token: the realm has withdrawn", id="unknown key"),
        pytest.param(lambda r: r.mint(iss=None), "Get a token from 'http://", id="no issuer"),
    ],
)
def test_the_first_advice(dev_realm: DevRealm, make: Callable[[DevRealm], str], first: str) -> None:
    """What is most telling is said first, however much else is wrong."""
    advice = explained(dev_realm, make(dev_realm)).advice

    assert first in advice[0]


def test_advice_looks_at_all_findings(dev_realm: DevRealm) -> None:
    """A token with three mistakes has three cures, and not only that of the one it was refused for."""
    token = dev_realm.mint("expired", aud="account", scope="email")
    explanation = explained(dev_realm, token, Requirements.of("test_api_access", roles="admin"))

    assert [advice.split()[0] for advice in explanation.advice] == ["Get", "Add", "Ask", "Give"]
    assert explanation.refusal is not None
    assert explanation.refusal.reason == "expired"


def test_the_issuer_matters_for_the_next_token_too(dev_realm: DevRealm) -> None:
    """An ID token of another host name: the access token beside it would be refused as well, so both are said."""
    token = dev_realm.mint("id_token", iss=dev_realm.issuer.replace("127.0.0.1", "localhost"))
    advice = explained(dev_realm, token).advice

    assert [said.split(":")[0].split(",")[0] for said in advice] == [
        "Send the access token",
        "Get the token by the same host name",
    ]


def test_a_role_is_given_to_whoever_the_token_is_about(dev_realm: DevRealm) -> None:
    """The page is the service account's for a client's own token, and the user's for a user's."""
    of_client = explained(dev_realm, dev_realm.mint(aud="x")).advice[0]
    of_user = explained(dev_realm, dev_realm.mint(aud="x", jti="onrtac:1", clientAddress=None)).advice[0]

    assert "Service account roles > Assign role" in of_client
    assert "Users > (the user) > Role mapping > Assign role" in of_user


def test_a_client_without_a_name(dev_realm: DevRealm) -> None:
    """Where the token does not say who got it, the page is described."""
    token = dev_realm.mint(aud="x", azp=None, client_id=None, typ="Refresh", iss="x")

    assert "in its realm" in explained(dev_realm, token).advice[0]
    assert (
        "client that asked for the token"
        in explained(dev_realm, dev_realm.mint(aud="x", azp=1, client_id=None)).advice[0]
    )


def test_a_realm_that_is_away_is_said(dev_realm: DevRealm) -> None:
    """Where the keys cannot be had, nothing is accepted, and the doctor is recommended."""
    token = dev_realm.mint()
    with dev_realm.down():
        explanation = explained(dev_realm, token)

    assert explanation.advice == (
        f"Run resource-protector doctor {dev_realm.issuer}: the realm could not be asked, so the signature is not checked.",
    )
    assert not explanation.accepted


def test_another_issuer_while_the_realm_is_away(dev_realm: DevRealm) -> None:
    """A token of another realm is refused as such, and that its signature was not checked is said beside it."""
    token = dev_realm.mint("issuer")
    with dev_realm.down():
        explanation = explained(dev_realm, token)

    assert explanation.refusal is not None
    assert explanation.refusal.reason == "issuer"
    assert [said.split()[0] for said in explanation.advice] == ["Get", "Run"]


def test_a_good_token_has_no_advice(dev_realm: DevRealm) -> None:
    """Nothing is said where there is nothing to do."""
    assert explained(dev_realm, dev_realm.mint(scope="a"), Requirements.of("a")).advice == ()
