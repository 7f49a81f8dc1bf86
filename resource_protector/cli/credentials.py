"""`resource-protector credentials`: credentials of third parties, made and withdrawn in Keycloak."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from resource_protector.cli.admin_sign_in import signed_in
from resource_protector.cli.bad_input import BadInput

if TYPE_CHECKING:
    from resource_protector.admin import ThirdPartyCredentials

__all__ = ["command"]

_SCOPE_TOKEN = re.compile(r"[!#-\[\]-~]{1,255}")  # RFC 6749 section 3.3
_LONGEST_NAME = 239  # Keycloak puts 'service-account-' before it, into a column of 255


@click.group()
def command() -> None:
    """Issue credentials to third parties, and withdraw them.

    Credentials are a confidential client in Keycloak that gets tokens for itself, by its id and secret. The
    commands change only what was issued by them, and may be repeated: what is as it should be is left alone.

    They sign in as a service account with the role 'manage-clients' of 'realm-management', and no other. THAT ROLE
    IS REALM-ADMIN GRADE: it can read every client's secret, and make clients with any audience and role. Keep its
    secret where the realm's administrators work, and never on the host of the API. It is read from
    RESOURCE_PROTECTOR_ADMIN_CLIENT_SECRET, a file or a prompt.

    Exit status: 0 done, or done before; 1 not done, with one line that says why; 2 usage.
    """


def _checked_name(context: click.Context, parameter: click.Parameter, name: str) -> str:
    """A name that can be written down and read again, and that Keycloak can store."""
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise BadInput(f"NAME {name!a}: write it without control characters, and without spaces at its ends.")
    if len(name) > _LONGEST_NAME:
        raise BadInput(f"NAME is {len(name)} characters long: Keycloak takes {_LONGEST_NAME} at most.")
    return name


def _checked_scope(context: click.Context, parameter: click.Parameter, scope: str) -> str:
    """One scope, as it can stand in a token."""
    if not _SCOPE_TOKEN.fullmatch(scope):
        raise BadInput(f"--scope {scope!a}: write one scope, in ASCII without spaces and quotes, such as orders:read.")
    return scope


@command.command()
@click.argument("name", callback=_checked_name)
@click.option("--for", "audience", required=True, metavar="CLIENT", help="The API: its client id in Keycloak.")
@click.option(
    "--scope",
    required=True,
    callback=_checked_scope,
    help="The client scope that stands for it; made if there is none.",
)
@signed_in
def issue(credentials: ThirdPartyCredentials, issuer: str, name: str, audience: str, scope: str, as_json: bool) -> None:
    """Issue credentials NAME, which is the client id, and show their secret.

    The scope is made with an Audience mapper for the API. One that exists is used as it is, if its mapper is right.
    Credentials that exist keep their secret, which is not shown again.
    """
    from resource_protector.cli.credentials_text import show_issued

    show_issued(credentials.issue(name, audience=audience, scope=scope), issuer, audience, as_json=as_json)


@command.command()
@click.argument("name", callback=_checked_name)
@signed_in
def rotate(credentials: ThirdPartyCredentials, issuer: str, name: str, as_json: bool) -> None:
    """Make a new secret for NAME and show it; the old one is refused from now on.

    The one command that changes something each time: that is what it is for.
    """
    from resource_protector.cli.credentials_text import show_rotated

    show_rotated(*credentials.rotate(name), issuer, as_json=as_json)


@command.command()
@click.argument("name", callback=_checked_name)
@signed_in
def disable(credentials: ThirdPartyCredentials, issuer: str, name: str, as_json: bool) -> None:
    """Let NAME get no more tokens, until it is enabled again.

    Tokens that are out are good until they expire, except on routes with introspect=True.
    """
    from resource_protector.cli.credentials_text import show_switched

    show_switched(credentials.disable(name), as_json=as_json)


@command.command()
@click.argument("name", callback=_checked_name)
@signed_in
def enable(credentials: ThirdPartyCredentials, issuer: str, name: str, as_json: bool) -> None:
    """Let NAME get tokens again, with the secret it has."""
    from resource_protector.cli.credentials_text import show_switched

    show_switched(credentials.enable(name), as_json=as_json)


@command.command(name="list")
@signed_in
def list_command(credentials: ThirdPartyCredentials, issuer: str, as_json: bool) -> None:
    """List what was issued: name, since when, whether enabled, scopes."""
    from resource_protector.cli.credentials_text import show_list

    show_list(credentials.list(), as_json=as_json)


@command.command()
@click.argument("name", callback=_checked_name)
@signed_in
def remove(credentials: ThirdPartyCredentials, issuer: str, name: str, as_json: bool) -> None:
    """Remove NAME for good; its scope stays.

    Tokens that are out are good until they expire, except on routes with introspect=True.
    """
    from resource_protector.cli.credentials_text import show_removed

    show_removed(name, changed=credentials.remove(name), as_json=as_json)
