"""`resource-protector doctor`: whether a realm is fit for the first deployment."""

from __future__ import annotations

import sys

import click

from resource_protector.cli.bad_input import BadInput
from resource_protector.realm import check_url

__all__ = ["command"]


@click.command()
@click.argument("issuer")
@click.option(
    "--timeout", type=click.FloatRange(0.1, 60), default=5, show_default=True, help="Seconds for each answer."
)
@click.option("--allow-insecure-http", is_flag=True, help="Plain http to another host is meant to be.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
def command(issuer: str, timeout: float, allow_insecure_http: bool, as_json: bool) -> None:
    """Examine the realm at ISSUER, such as https://sso.example.com/realms/myorg, without a token.

    Exit status, by the worst line: 0 all is well, 1 there is a problem, 3 there are warnings, 2 usage.
    """
    from resource_protector.explain.diagnosis import Level, as_document, as_text, worst
    from resource_protector.explain.doctor import examine
    from resource_protector.explain.printable import as_json as json_text
    from resource_protector.explain.probe import Probe

    try:
        check_url(issuer, name="ISSUER", allow_insecure_http=True)
    except ValueError as error:
        raise BadInput(str(error)) from error
    lines = examine(issuer, Probe(timeout_seconds=timeout), allow_insecure_http=allow_insecure_http)
    click.echo(json_text(as_document(issuer, lines)) if as_json else as_text(issuer, lines))
    sys.exit({Level.OK: 0, Level.WARNING: 3, Level.PROBLEM: 1}[worst(lines)])
