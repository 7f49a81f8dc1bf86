"""What the `credentials` commands print: for people, or as JSON."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from resource_protector.explain.printable import as_json as json_text
from resource_protector.explain.printable import printable
from resource_protector.realm import token_url

if TYPE_CHECKING:
    from resource_protector.admin import Change, Credentials

__all__ = ["curl_line", "show_issued", "show_list", "show_removed", "show_rotated", "show_switched"]

_KEEP_AWAY = "Keep the admin client's secret off the API's host: by 'manage-clients' it can read every client's secret."
_TOKENS_LIVE_ON = "Tokens that are out are good until they expire, except on routes with introspect=True."


def curl_line(token_endpoint: str, client_id: str, client_secret: str) -> str:
    """A `curl` command that gets a token by HTTP Basic.

    Id and secret are percent-encoded (RFC 6749 section 2.3.1), which curl leaves to its caller.
    """
    user = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
    return shlex.join(["curl", "-sS", "--user", user, "-d", "grant_type=client_credentials", token_endpoint])


def show_issued(change: Change, issuer: str, audience: str, *, as_json: bool) -> None:
    """What `issue` has done; the secret if it is new."""
    name = change.credentials.name
    if change.secret is not None:
        access = f"access to {audience} by the scope {change.credentials.issued_for}"
        _show_secret(f"Issued {name!r}: {access}.", change.credentials, change.secret, issuer, as_json=as_json)
        click.echo(_KEEP_AWAY, err=True)
        return
    done = "had lost its scope and has it again" if change.changed else "exists, and nothing was changed"
    switched_off = "" if change.credentials.enabled else " It is disabled."
    since = printable(change.credentials.issued_at)
    hint = f"Its secret is not shown again: 'credentials rotate' makes a new one.{switched_off}"
    _show(change, f"{name!r}, issued {since}, {done}. {hint}", as_json=as_json)


def show_rotated(credentials: Credentials, secret: str, issuer: str, *, as_json: bool) -> None:
    """The new secret."""
    switched_off = "" if credentials.enabled else " It is disabled: 'credentials enable' lets it get tokens."
    text = f"{credentials.name!r} has a new secret, and the old one gets no more tokens.{switched_off}"
    _show_secret(text, credentials, secret, issuer, as_json=as_json)


def show_switched(change: Change, *, as_json: bool) -> None:
    """What `enable` or `disable` has done."""
    state = "enabled" if change.credentials.enabled else "disabled"
    done = f"is {state}" if change.changed else f"was {state} before, and nothing was changed"
    more = "" if change.credentials.enabled else f" {_TOKENS_LIVE_ON}"
    _show(change, f"{change.credentials.name!r} {done}.{more}", as_json=as_json)


def show_removed(name: str, *, changed: bool, as_json: bool) -> None:
    """What `remove` has done."""
    if as_json:
        click.echo(json_text({"name": name, "exists": False, "changed": changed}))
    elif changed:
        click.echo(f"{name!r} is removed. {_TOKENS_LIVE_ON}")
    else:
        click.echo(f"There are no credentials {name!r}, and nothing was changed.")


def show_list(credentials: Sequence[Credentials], *, as_json: bool) -> None:
    """One line for each."""
    if as_json:
        click.echo(json_text([_document(one) for one in credentials]))
        return
    if not credentials:
        click.echo("No credentials were issued so far.")
        return
    rows: list[tuple[str, ...]] = [("name", "since", "enabled", "scopes")]
    for one in credentials:
        cells = (one.name, one.issued_at, "yes" if one.enabled else "no", " ".join(one.scopes) or "none")
        rows.append(tuple(map(printable, cells)))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _show_secret(text: str, credentials: Credentials, secret: str, issuer: str, *, as_json: bool) -> None:
    name, endpoint = credentials.name, token_url(issuer)
    line = curl_line(endpoint, name, secret)
    if as_json:
        shown = {"client_id": name, "client_secret": secret, "token_endpoint": endpoint, "curl": line}
        click.echo(json_text(_document(credentials) | {"changed": True} | shown))
        return
    click.echo(f"{text}\n")
    click.echo(f"  client id       {name}")
    click.echo(f"  client secret   {secret}")
    click.echo(f"  token endpoint  {endpoint}")
    click.echo(f"\nThe secret is shown this once. A token for the asking:\n\n  {line}\n")


def _show(change: Change, text: str, *, as_json: bool) -> None:
    click.echo(json_text(_document(change.credentials) | {"changed": change.changed}) if as_json else text)


def _document(credentials: Credentials) -> dict[str, Any]:
    return {
        "name": credentials.name,
        "exists": True,
        "issued_at": credentials.issued_at,
        "enabled": credentials.enabled,
        "scopes": list(credentials.scopes),
    }
