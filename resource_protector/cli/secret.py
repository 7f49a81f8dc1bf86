"""A secret that the user gives: from the environment, a file or a prompt, never as an option's value."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from resource_protector.cli.bad_input import BadInput

__all__ = ["read_secret"]


def read_secret(what: str, *, variable: str, option: str, file: str | None) -> str:
    """The secret called `what`: from `file` (`-` is standard input), else from `variable`, else asked for.

    An option's value would stand in the shell's history and in everybody's process list.
    Raises BadInput when the file cannot be read, or when there is nobody to ask.
    """
    if file is not None:
        return _without_newline(_text_of(file, option), option)
    if variable in os.environ:
        return os.environ[variable]
    if not sys.stdin.isatty():
        raise BadInput(f"No {what}: set {variable}, or write it to a file and pass {option} FILE.")
    # To standard error: standard output is for the token alone.
    answer: str = click.prompt(what.capitalize(), hide_input=True, err=True)
    return answer


def _text_of(file: str, option: str) -> str:
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return content.decode()
    except UnicodeDecodeError:
        # `from None`: the exception carries the bytes, and they are the secret.
        raise BadInput(f"{option} {file}: the file is not UTF-8 text.") from None
    except OSError as error:
        raise BadInput(f"{option} {file}: {error.strerror or error}.") from error


def _without_newline(text: str, option: str) -> str:
    secret = text.removesuffix("\n").removesuffix("\r")
    if "\n" in secret:
        raise BadInput(f"{option}: the file holds more than one line; write the secret alone.")
    return secret
