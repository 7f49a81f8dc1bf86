"""The command line `resource-protector`: one module per command, loaded when it is called."""

from __future__ import annotations

from importlib import import_module

import click

__all__ = ["main"]

_MODULES = {
    "credentials": "credentials",
    "demo": "demo",
    "dev-realm": "dev_realm",
    "doctor": "doctor",
    "explain": "explain",
    "routes": "routes",
    "token": "token",
}


class _Commands(click.Group):
    """A group that imports a command's module only when that command is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MODULES:
            return None
        command = import_module(f"{__name__}.{_MODULES[cmd_name]}").command
        assert isinstance(command, click.Command)  # noqa: S101 - for mypy: import_module is untyped
        return command


@click.group(cls=_Commands)
@click.version_option(package_name="resource-protector", prog_name="resource-protector")
def main() -> None:
    """Check access tokens offline: why one is refused, a realm's health, an application's routes, and a realm to try."""
