"""`resource-protector explain`: why a token is refused, and what to do about it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from resource_protector.cli.bad_input import BadInput

if TYPE_CHECKING:
    from resource_protector.explain import Yardstick

__all__ = ["command"]

_LONGEST_INPUT = 1_048_576


@click.command()
@click.argument("token", required=False)
@click.option("--issuer", help="The realm whose tokens the API accepts, such as https://sso.example.com/realms/myorg.")
@click.option("--audience", multiple=True, help="What the API is called in 'aud'; may be given more than once.")
@click.option("--scope", help="Scopes that the route needs, separated by spaces.")
@click.option("--app", metavar="MODULE:NAME", help="Take all that from an application, a protector or a validator.")
@click.option("--jwks-uri", metavar="URL", help="Where the keys are, if elsewhere.")
@click.option(
    "--allow-insecure-http", is_flag=True, help="Fetch the keys without TLS from a host that is not this one."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
def command(
    token: str | None,
    issuer: str | None,
    audience: tuple[str, ...],
    scope: str | None,
    app: str | None,
    jwks_uri: str | None,
    allow_insecure_http: bool,
    as_json: bool,
) -> None:
    """Say what is in TOKEN, make every check, and name the cure for what is wrong.

    TOKEN is an access token, an 'Authorization:' header or a whole curl line; '-', or none, is
    standard input, which keeps the token out of the shell's history. Nothing is fetched but the keys
    of the realm that you name. Exit status: 0 accepted, 1 refused or not fully checked, 2 usage.
    """
    from resource_protector.explain import explain
    from resource_protector.explain.layout import as_document, as_text
    from resource_protector.explain.pasted import NoToken, pasted_token
    from resource_protector.explain.printable import as_json as json_text

    if app is not None and (issuer is not None or audience or jwks_uri is not None or allow_insecure_http):
        raise BadInput("--app brings the issuer, the audience and the keys' address: leave out the other options.")
    if issuer is None and jwks_uri is not None:
        raise BadInput("--jwks-uri says where the keys are, and not whose: add --issuer.")
    try:
        yardstick = _yardstick(issuer, audience, scope, app, jwks_uri, allow_insecure_http)
        text = pasted_token(_standard_input() if token in (None, "-") else str(token))
    except NoToken as error:
        raise BadInput(str(error)) from error
    except ValueError as error:
        raise BadInput(str(error).replace("allow_insecure_http=True", "--allow-insecure-http")) from error
    explanation = explain(text, yardstick)
    said = json_text(as_document(explanation)) if as_json else as_text(explanation)
    encoding = sys.stdout.encoding or "ascii"
    click.echo(said.encode(encoding, "backslashreplace").decode(encoding))
    sys.exit(0 if explanation.accepted else 1)


def _yardstick(
    issuer: str | None,
    audience: tuple[str, ...],
    scope: str | None,
    app: str | None,
    jwks_uri: str | None,
    allow_insecure_http: bool,
) -> Yardstick:
    from resource_protector.explain import Yardstick
    from resource_protector.scopes import Requirements

    requirements = Requirements.of(scope)
    if app is None:
        return Yardstick.of_options(
            issuer, audience, requirements, jwks_uri=jwks_uri, allow_insecure_http=allow_insecure_http
        )
    from resource_protector.cli.application import validator_of

    return Yardstick.of(validator_of(app), requirements)


def _standard_input() -> str:
    if sys.stdin.isatty():
        click.echo("Paste the token, then press Ctrl-D on an empty line.", err=True)
    content = sys.stdin.buffer.read(_LONGEST_INPUT)
    return content.decode("utf-8", "replace")
