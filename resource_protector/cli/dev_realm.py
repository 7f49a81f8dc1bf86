"""`resource-protector dev-realm`: the embedded realm, until it is stopped."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from resource_protector.cli.bad_input import BadInput

__all__ = ["command", "stopped_by_signals"]


@click.command()
@click.argument("file", required=False)
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 means any free port.")
def command(file: str | None, port: int) -> None:
    """Run the realm of a Keycloak realm FILE on this machine, without a Keycloak.

    FILE is what Keycloak's --import-realm takes; without one it is the realm of the examples.
    It listens on 127.0.0.1 only and stops on Ctrl-C.
    """
    from resource_protector.cli.realm_summary import summary
    from resource_protector.dev import DEMO_REALM_FILE, DevRealm

    try:
        realm = DevRealm(file or DEMO_REALM_FILE, port=port).start()
    except ValueError as error:
        raise BadInput(str(error)) from error
    except OSError as error:
        raise click.ClickException(str(error)) from error
    with realm, stopped_by_signals() as stopped:
        click.echo(summary(realm))
        click.echo("\nCtrl-C stops it.")
        stopped.wait()
    click.echo("Stopped.")


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that the realm is stopped in order and not torn down."""
    stopped = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, lambda *_: stopped.set())
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
