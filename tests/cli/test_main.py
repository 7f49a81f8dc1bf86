from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

from tests.cli.conftest import Run


def test_lists_its_commands(run: Run) -> None:
    """--help names every command with one line about it."""
    result = run("--help")

    assert result.exit_code == 0
    listed = result.stdout.partition("Commands:")[2].splitlines()
    names = ["credentials", "demo", "dev-realm", "doctor", "explain", "routes", "token"]
    assert [line.split()[0] for line in listed if line] == names
    assert all(len(line.split()) > 3 for line in listed if line)


def test_an_unknown_command(run: Run) -> None:
    """A command that does not exist is bad usage, status 2."""
    result = run("introspect")

    assert result.exit_code == 2
    assert "No such command 'introspect'" in result.stderr


def test_runs_as_a_module() -> None:
    """`python -m resource_protector` is the same command line, and --version needs no realm."""
    result = subprocess.run(
        [sys.executable, "-m", "resource_protector", "--version"], capture_output=True, text=True, check=True
    )

    assert result.stdout == f"resource-protector, version {version('resource-protector')}\n"


def test_help_loads_no_server() -> None:
    """Listing the commands imports neither the dev realm nor the Flask adapter."""
    program = (
        "import sys\n"
        "from resource_protector.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "print(sorted(n for n in sys.modules if n.startswith(('resource_protector.dev', 'resource_protector.flask'))))\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert result.stdout.splitlines()[-1] == "[]"
