from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from resource_protector import TokenRejected
from resource_protector.explain.layout import as_text
from resource_protector.scopes import Requirements
from tests.explain.transcript import NAMES, Transcript, first_line_of_advice


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The zone in which the transcripts were recorded."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(params=NAMES)
def transcript(request: pytest.FixtureRequest) -> Transcript:
    """Each recorded one."""
    return Transcript.load(request.param)


def test_there_are_twelve() -> None:
    """Twelve tokens of a real Keycloak, each wrong in one way, each with a cure of its own."""
    assert len(NAMES) == 12
    assert len({Transcript.load(name).cure for name in NAMES}) == 12


def test_the_first_line_of_advice_names_the_cure(transcript: Transcript) -> None:
    """Whoever reads one line only has read what to do."""
    assert transcript.cure in first_line_of_advice(as_text(transcript.explain()))


def test_it_prints_what_was_recorded(transcript: Transcript) -> None:
    """With the recorded keys and clock, the output is the recorded one to the letter."""
    assert as_text(transcript.explain()) + "\n" == transcript.text


def test_the_validator_agrees(transcript: Transcript) -> None:
    """The validator refuses each for the reason that is named as the API's answer."""
    validator = transcript.validator()
    with pytest.raises(TokenRejected) as refused:
        validator.require(validator.verify(transcript.token), Requirements.of(transcript.scope))
    explanation = transcript.explain()

    assert explanation.refusal is not None
    assert refused.value.reason == explanation.refusal.reason == transcript.reason


def test_no_output_holds_the_token(transcript: Transcript) -> None:
    """The signature is shortened, so that nobody can send what stands in a ticket or a chat."""
    assert transcript.token.rpartition(".")[2] not in transcript.text
