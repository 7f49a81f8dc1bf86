"""One visit to the docs page: in, a look at one's claims, out again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.browser.docs_page import DocsPage

PROTECTED = ("GET /me", "GET /phone", "GET /admin")
OPEN = dict.fromkeys(PROTECTED, "unlocked")  # nobody is logged in
CLOSED = dict.fromkeys(PROTECTED, "locked")


@dataclass(frozen=True)
class Visit:
    """What the page showed: its locks at first, within and at last, and the answers of `/me` within and at last."""

    locks: tuple[dict[str, str], dict[str, str], dict[str, str]]
    me: tuple[int, dict[str, Any]]
    me_at_last: tuple[int, dict[str, Any]]


def visit(docs: DocsPage, log_in: Callable[[], object]) -> Visit:
    """Log in, call `/me`, log out, call `/me`."""
    before = docs.locks()
    log_in()
    within, me = docs.locks(), docs.call("GET /me")
    docs.log_out()
    return Visit((before, within, docs.locks()), me, docs.call("GET /me"))
