"""`resource-protector demo`: the main job, call by call, against the embedded realm."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from requests import Session

    from resource_protector.cli.demo_server import RefusalLog
    from resource_protector.cli.tour import Call
    from resource_protector.dev import DevRealm

__all__ = ["command", "run"]

_WIDTH = 96
_INDENT = " " * 4


@click.command()
def command() -> None:
    """Start a realm and a protected server on this machine, call it, and check every answer."""
    from resource_protector.cli.tour import tour

    unexpected = run(tour)
    if unexpected:
        raise click.ClickException(f"{unexpected} of the answers above are not the expected ones.")


def run(tour: Callable[[DevRealm], Iterable[Call]]) -> int:
    """Make the calls of `tour`, print each with its answer, and return how many answers were not the expected ones."""
    import requests

    from resource_protector.cli.demo_server import RefusalLog, application, running
    from resource_protector.cli.tour import API
    from resource_protector.dev import DEMO_REALM_FILE, DevRealm

    unexpected = number = 0
    with (
        DevRealm(DEMO_REALM_FILE) as realm,
        RefusalLog() as log,
        running(application(realm.issuer, API)) as address,
        requests.Session() as session,
    ):
        session.trust_env = False  # a proxy would not find this machine's loopback address
        click.echo(f"Realm   {realm.issuer}")
        click.echo(f"Server  {address}, which accepts tokens for {API!r}")
        for number, call in enumerate(tour(realm), start=1):
            as_expected = _show(number, call, session, address, log)
            unexpected += not as_expected
    click.echo(f"\n{number} calls, {number - unexpected} answered as expected, {unexpected} not.")
    return unexpected


def _show(number: int, call: Call, session: Session, address: str, log: RefusalLog) -> bool:
    headers = {} if call.token is None else {"Authorization": f"Bearer {call.token}"}
    answer = session.get(address + call.path, headers=headers, timeout=10)
    reason, logged = log.take()
    as_expected = (answer.status_code, reason) == (call.status, call.reason)

    click.echo(f"\n{number:2}  GET {call.path} with {call.sends}")
    click.echo(f"{_INDENT}{_outcome(answer.status_code, reason)}, ", nl=False)
    click.echo("as expected" if as_expected else f"BUT EXPECTED {_outcome(call.status, call.reason)}")
    challenge = answer.headers.get("WWW-Authenticate")
    if challenge is not None:
        # One parameter a line: whole, it is wider than a terminal.
        click.echo(f"{_INDENT}WWW-Authenticate: {challenge}".replace('", ', f'",\n{_INDENT * 2}'))
    if logged is not None:
        click.echo(_wrapped(f"log: {logged}"))
    click.echo(_wrapped(call.why))
    return as_expected


def _outcome(status: int, reason: str | None) -> str:
    return f"{status} {reason}" if reason else str(status)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT * 2, break_on_hyphens=False)
