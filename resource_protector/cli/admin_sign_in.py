"""How the `credentials` commands sign in to a realm's admin interface: options, secret and token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import click

from resource_protector.cli.bad_input import BadInput
from resource_protector.cli.secret import read_secret
from resource_protector.realm import check_issuer, check_url

__all__ = ["signed_in"]

_SECRET_VARIABLE = "RESOURCE_PROTECTOR_ADMIN_CLIENT_SECRET"  # noqa: S105 - the name of the variable


def signed_in(function: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options to sign in with, and the credentials of the realm as its first argument."""

    @click.option(
        "--issuer",
        required=True,
        envvar="RESOURCE_PROTECTOR_ISSUER",
        show_envvar=True,
        help="The realm, such as https://sso.example.com/realms/myorg.",
    )
    @click.option(
        "--admin-client-id",
        required=True,
        envvar="RESOURCE_PROTECTOR_ADMIN_CLIENT_ID",
        show_envvar=True,
        help="The client whose service account has the role.",
    )
    @click.option("--admin-client-secret-file", metavar="FILE", help="Where its secret stands; '-' is standard input.")
    @click.option(
        "--admin-url",
        envvar="RESOURCE_PROTECTOR_ADMIN_URL",
        show_envvar=True,
        help="Keycloak's address, if its admin interface is not at the issuer's, such as https://keycloak.internal.",
    )
    @click.option(
        "--allow-insecure-http", is_flag=True, help="Send secrets without TLS to a host that is not this one."
    )
    @click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
    @wraps(function)
    def with_options(
        issuer: str,
        admin_client_id: str,
        admin_client_secret_file: str | None,
        admin_url: str | None,
        allow_insecure_http: bool,
        **arguments: Any,
    ) -> None:
        address = _address(issuer, admin_url, allow_insecure_http=allow_insecure_http)
        with _failures_said():
            from resource_protector.admin import RealmAdmin, ThirdPartyCredentials
            from resource_protector.client import TokenEndpoint

            secret = read_secret(
                "secret of the admin client",
                variable=_SECRET_VARIABLE,
                option="--admin-client-secret-file",
                file=admin_client_secret_file,
            )
            try:
                realm = TokenEndpoint(address, admin_client_id, secret, allow_insecure_http=allow_insecure_http)
            except ValueError as error:  # an empty secret, or id
                raise BadInput(str(error)) from error
            token = realm.client_credentials().access_token
            function(ThirdPartyCredentials(RealmAdmin(address, token)), issuer=issuer, **arguments)

    return with_options


@contextmanager
def _failures_said() -> Iterator[None]:
    """What goes wrong inside is one line, and exit status 1."""
    from resource_protector.client import TokenRequestFailed

    try:
        from resource_protector.admin import AdminError
    except ImportError as error:
        raise click.ClickException(str(error)) from error
    try:
        yield
    except AdminError as error:
        raise click.ClickException(str(error)) from error
    except TokenRequestFailed as error:
        raise click.ClickException(str(error).replace(", or ask with a user's name and password", "")) from error


def _address(issuer: str, admin_url: str | None, *, allow_insecure_http: bool) -> str:
    """Where the realm is asked: the issuer's own address, or the same realm of the Keycloak at `admin_url`."""
    try:
        check_issuer(issuer, allow_insecure_http=allow_insecure_http)
        if admin_url is not None:
            check_url(admin_url, name="--admin-url", allow_insecure_http=allow_insecure_http)
    except ValueError as error:
        raise BadInput(str(error).replace("allow_insecure_http=True", "--allow-insecure-http")) from error
    server, slash, realm = issuer.rpartition("/realms/")
    if not slash or "/" in realm:
        raise BadInput(f"--issuer {issuer!r} is no realm of a Keycloak: write it as https://host/realms/NAME.")
    if admin_url is not None and "/realms/" in admin_url:
        raise BadInput(f"--admin-url {admin_url!r}: write it without the realm, which is that of --issuer.")
    return f"{(admin_url or server).rstrip('/')}/realms/{realm}"
