"""`resource-protector token`: an access token of any realm, to try calls with."""

from __future__ import annotations

import base64
import json

import click

from resource_protector.cli.bad_input import BadInput
from resource_protector.cli.secret import read_secret
from resource_protector.realm import check_issuer

__all__ = ["command"]


@click.command()
@click.argument("issuer")
@click.option("--client-id", required=True, help="The client that asks.")
@click.option("--client-secret-file", metavar="FILE", help="Where its secret stands; '-' is standard input.")
@click.option("--public", is_flag=True, help="The client has no secret.")
@click.option("--scope", help="Scopes to ask for, separated by spaces.")
@click.option("--user", help="Ask for this user (password grant) and not for the client itself.")
@click.option("--password-file", metavar="FILE", help="Where the user's password stands; '-' is standard input.")
@click.option(
    "--auth",
    type=click.Choice(["basic", "post"]),
    default="basic",
    show_default=True,
    help="Send the client's secret by HTTP Basic, or in the form.",
)
@click.option("--claims", is_flag=True, help="Print the claims, which are not verified, and not the token.")
@click.option("--allow-insecure-http", is_flag=True, help="Send secrets without TLS to a host that is not this one.")
def command(
    issuer: str,
    client_id: str,
    client_secret_file: str | None,
    public: bool,
    scope: str | None,
    user: str | None,
    password_file: str | None,
    auth: str,
    claims: bool,
    allow_insecure_http: bool,
) -> None:
    """Get an access token from the realm at ISSUER, such as https://sso.example.com/realms/myorg, and print it.

    The client's secret is read from RESOURCE_PROTECTOR_CLIENT_SECRET, a file or a prompt, the
    user's password from RESOURCE_PROTECTOR_PASSWORD, a file or a prompt.
    """
    from resource_protector.client import TokenEndpoint, TokenRequestFailed

    try:
        check_issuer(issuer, allow_insecure_http=allow_insecure_http)
    except ValueError as error:
        raise BadInput(str(error).replace("allow_insecure_http=True", "--allow-insecure-http")) from error
    if public and client_secret_file is not None:
        raise BadInput("--public says that there is no secret: leave out --client-secret-file.")
    if user is None and password_file is not None:
        raise BadInput("--password-file needs --user NAME, whose password it is.")
    if public and user is None:
        raise BadInput("A public client gets no token for itself: add --user NAME.")
    if {client_secret_file, password_file} == {"-"}:
        raise BadInput("Standard input holds one secret: put the other into a file or the environment.")
    secret = None
    if not public:
        secret = read_secret(
            "client secret",
            variable="RESOURCE_PROTECTOR_CLIENT_SECRET",
            option="--client-secret-file",
            file=client_secret_file,
        )
    password = None
    if user is not None:
        password = read_secret(
            "password", variable="RESOURCE_PROTECTOR_PASSWORD", option="--password-file", file=password_file
        )
    try:
        realm = TokenEndpoint(
            issuer,
            client_id,
            secret,
            auth_method="client_secret_post" if auth == "post" else "client_secret_basic",
            allow_insecure_http=allow_insecure_http,
        )
    except ValueError as error:
        raise BadInput(str(error)) from error
    try:
        issued = realm.client_credentials(scope) if user is None else realm.password(user, password or "", scope)
    except TokenRequestFailed as error:
        raise click.ClickException(str(error)) from error
    token = issued.access_token
    if not claims:
        click.echo(token)
        return
    unverified_claims = _unverified_claims(token)
    click.echo("These claims are not verified: nothing here has checked the signature.", err=True)
    click.echo(json.dumps(unverified_claims, indent=2, ensure_ascii=True))


def _unverified_claims(token: str) -> object:
    """The claims of a token that the realm itself has just given, for reading only: nothing is decided by them."""
    try:
        payload = token.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError) as error:
        raise click.ClickException(
            "The token is not a JWT, so it has no claims to show: print it without --claims."
        ) from error
