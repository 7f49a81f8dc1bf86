import pytest
import requests

from resource_protector.dev import DevRealm
from resource_protector.realm import introspection_url
from tests.dev.asking import INACTIVE, SCOPE, introspect, introspected


def test_other_claims(dev_realm: DevRealm) -> None:
    """Told to lie, the realm changes and leaves out members of active answers, and tells the truth afterwards."""
    token = dev_realm.token(scope=SCOPE)
    honest = introspected(dev_realm, token)
    with dev_realm.introspection_says(jti="another", exp=None), dev_realm.introspection_says(iss="x"):
        told = introspected(dev_realm, token)

    assert told == {name: value for name, value in honest.items() if name != "exp"} | {"jti": "another", "iss": "x"}
    assert introspected(dev_realm, token) == honest


def test_an_inactive_token_stays_inactive(dev_realm: DevRealm) -> None:
    """Only what would be active is lied about."""
    dev_realm.introspection_says(active=True, sub="x")

    assert introspected(dev_realm, "x") == INACTIVE


@pytest.mark.parametrize(
    ("body", "sent"),
    [({"active": True}, b'{"active": true}'), ([], b"[]"), (None, b"null"), (b"\xff<p>", b"\xff<p>"), ("x", b'"x"')],
)
def test_another_body(dev_realm: DevRealm, body: object, sent: bytes) -> None:
    """Any body is answered in the place of an answer, with any status and type, to whoever asks."""
    with dev_realm.introspection_answers(body, status_code=418, content_type="text/x-odd"):
        answer = requests.post(introspection_url(dev_realm.issuer), timeout=10)

    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (418, sent, "text/x-odd")
    assert introspect(dev_realm, "x").json() == INACTIVE


def test_the_newest_answer_counts(dev_realm: DevRealm) -> None:
    """Within one answer another one may be begun; when it ends the first is back."""
    with dev_realm.introspection_answers([1]):
        with dev_realm.introspection_answers([2]):
            assert introspect(dev_realm, "x").json() == [2]
        assert introspect(dev_realm, "x").json() == [1]


def test_lies_are_healed(dev_realm: DevRealm) -> None:
    """Healing ends every lie."""
    dev_realm.introspection_answers([1])
    dev_realm.introspection_says(sub="x")
    dev_realm.heal()

    assert introspected(dev_realm, dev_realm.token(scope=SCOPE))["sub"] != "x"
