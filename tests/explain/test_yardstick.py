from __future__ import annotations

from typing import Any

import pytest

from resource_protector import MultiRealmValidator, RealmTokenValidator
from resource_protector.access_token_validator import AccessTokenValidator
from resource_protector.explain import Yardstick
from resource_protector.refusal_log import RefusalLog
from resource_protector.scopes import Requirements

ISSUER = "https://sso.example.com/realms/myorg"


class Foreign(AccessTokenValidator):
    """A validator that is not made of a policy and keys."""

    def verify(self, token_string: str, *, introspect: bool = False) -> Any:
        raise NotImplementedError

    def status(self) -> dict[str, Any]:
        return {}

    def with_issuer(self, issuer: str, **options: Any) -> Any:
        raise NotImplementedError


def test_a_validator_of_another_kind() -> None:
    """Only validators whose checks are known can be explained."""
    with pytest.raises(ValueError, match="explain knows RealmTokenValidator"):
        Yardstick.of(Foreign(None, RefusalLog("x", lambda: 0.0)))


@pytest.mark.parametrize(
    ("yardstick", "said"),
    [
        (Yardstick.of_options(None, ()), "no realm: nothing is fetched, and the signature is not checked"),
        (Yardstick.of_options(ISSUER, ()), ISSUER),
        (Yardstick.of_options(ISSUER, ("b", "a"), Requirements.of("x y")), f"{ISSUER}, audience a or b, scope x and y"),
        (Yardstick.of(RealmTokenValidator(ISSUER, audience=None)), f"{ISSUER}, any audience"),
        (
            Yardstick.of(
                MultiRealmValidator(
                    RealmTokenValidator(ISSUER, audience="a"), RealmTokenValidator(f"{ISSUER}2", audience="b")
                )
            ),
            f"{ISSUER} or {ISSUER}2",
        ),
    ],
    ids=["nothing", "issuer alone", "options", "any audience", "several realms"],
)
def test_it_is_named_in_one_line(yardstick: Yardstick, said: str) -> None:
    """The first line of the output says against what."""
    assert str(yardstick) == said
