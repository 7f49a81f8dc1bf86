"""What ends a command that was given something it cannot use: one line, and exit status 2."""

from __future__ import annotations

import click

__all__ = ["BadInput"]


class BadInput(click.ClickException):
    """A click.UsageError without the two lines of usage: the message itself says what to write instead."""

    exit_code = 2
