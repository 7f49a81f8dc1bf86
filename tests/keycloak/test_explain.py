"""What `explain` says of tokens that a real Keycloak has just issued."""

import pytest

from resource_protector import TokenRejected
from resource_protector.explain.layout import as_text
from resource_protector.scopes import Requirements
from tests.explain.transcript import NAMES, first_line_of_advice
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.refused_tokens import TOKENS


def test_each_of_them_is_recorded() -> None:
    """The suite that needs no Keycloak replays every one of these tokens."""
    assert sorted(TOKENS) == NAMES


@pytest.mark.parametrize("name", TOKENS)
def test_a_fresh_token_is_explained_as_the_recorded_one(keycloak: Keycloak, name: str) -> None:
    """The first line of advice names the cure, and the validator refuses the token for the same reason."""
    if name == "no_subject" and not keycloak.is_at_least("25.0.0"):
        pytest.skip("before 25, 'sub' was in every token")
    fresh = TOKENS[name](keycloak)
    explanation = fresh.explain()
    validator = fresh.validator()
    with pytest.raises(TokenRejected) as refused:
        validator.require(validator.verify(fresh.token), Requirements.of(fresh.scope))

    assert fresh.cure in first_line_of_advice(as_text(explanation))
    assert explanation.refusal is not None
    assert explanation.refusal.reason == refused.value.reason == fresh.reason
