"""Asking the realm after all: whether a token that passed every check here is still active (RFC 7662)."""

from .configured import second_opinion
from .second_opinion import Question, SecondOpinion

__all__ = ["Question", "SecondOpinion", "second_opinion"]
