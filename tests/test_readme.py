from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from resource_protector.dev import DevRealm
from resource_protector.options import ValidatorOptions
from tests.processes import Program, clean_environment, running

README = (Path(__file__).parent.parent / "README.md").read_text()
REALM, SERVER = "127.0.0.1:8080", "127.0.0.1:5000"  # as the README calls them
SECRET = "fsQJIcU3Ze3ymaYSA6cxlHVIw0LDIDeY"
BETWEEN_COMMANDS = "<<< next >>>"


def blocks(language: str) -> list[str]:
    """The README's code blocks of one kind."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def programs() -> dict[str, str]:
    """The Python blocks, by the file name that each begins with."""
    named = (re.match(r"# (\w+\.py)\n", block) for block in blocks("python"))
    return {match[1]: match.string for match in named if match}


def normalized(text: str) -> str:
    """`text` with each run of white space as one space."""
    return " ".join(text.split())


@pytest.fixture
def folder(tmp_path: Path, dev_realm: DevRealm) -> Path:
    """A folder with every Python block as a file, the dev realm in the place of the README's."""
    for name, source in programs().items():
        (tmp_path / name).write_text(source.replace(REALM, f"127.0.0.1:{dev_realm.port}"))
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[Program]:
    """The application of the first screen, started as the README says."""
    with running([sys.executable, "-m", "flask", "--app", "app", "run", "--port", "0"], folder=folder) as program:
        program.wait_for("Running on")
        yield program


def test_every_python_block_has_a_name() -> None:
    """Each Python block begins with its file's name, so that none is left out of these tests."""
    assert len(programs()) == len(blocks("python"))


def test_the_first_block_is_twelve_lines() -> None:
    """The application of the first screen is twelve lines long at most, not counting its name."""
    assert len(programs()["app.py"].splitlines()) - 1 <= 12


@pytest.mark.parametrize("name", [name for name in programs() if not name.startswith("test_")])
def test_python_block(folder: Path, name: str) -> None:
    """Each block is a program that runs by itself, without a warning."""
    result = subprocess.run(
        [sys.executable, "-W", "error", name],
        cwd=folder,
        env=clean_environment({}),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


def test_the_tests_of_ones_own_routes(folder: Path) -> None:
    """The README's own tests pass under its own plugin."""
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", "-q"],
        cwd=folder,
        env=clean_environment({}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    tests = sum(source.count("def test_") for name, source in programs().items() if name.startswith("test_"))
    assert f"{tests} passed" in result.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_calls_of_the_first_screen(dev_realm: DevRealm, server: Program) -> None:
    """Each command of the console blocks prints what the README says, and the log has the lines shown."""
    address = server.wait_for(r"Running on http://(\S+)")[1]
    commands, expected = [], []
    for block in blocks("console"):
        for command in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            commands.append(command[0])
            expected.append(command[1])
    script = f"\necho '{BETWEEN_COMMANDS}'\n".join(commands)
    for name, actual in ((REALM, f"127.0.0.1:{dev_realm.port}"), (SERVER, address)):
        script = script.replace(name, actual)
    scripts = Path(sys.executable).parent
    environment = clean_environment({"RESOURCE_PROTECTOR_CLIENT_SECRET": SECRET})
    environment["PATH"] = f"{scripts}:{environment['PATH']}"
    result = subprocess.run(
        ["sh", "-eu"], input=script, env=environment, capture_output=True, text=True, check=False, timeout=60
    )

    assert result.returncode == 0, result.stderr
    printed = result.stdout.split(f"{BETWEEN_COMMANDS}\n")
    assert len(printed) == len(expected)
    for actual, shown in zip(printed, expected, strict=True):
        pattern = re.escape(shown.rstrip("\n")).replace(re.escape("...\n"), r"(?:.*\n)*?")
        lines = actual.replace("\r\n", "\n").rstrip("\n")
        assert re.fullmatch(pattern, lines), f"{shown}\nis not what was printed:\n{actual}"
    log = normalized(server.output.replace(f"127.0.0.1:{dev_realm.port}", REALM))
    for shown in blocks("log"):
        assert normalized(shown) in log


def test_the_secret_is_that_of_the_realm_file(dev_realm: DevRealm) -> None:
    """The secret that the README tells to export is the client's."""
    assert f"export RESOURCE_PROTECTOR_CLIENT_SECRET={SECRET}`" in README
    assert dev_realm.clients["test_api_client"].secret == SECRET


def test_every_path_named_exists() -> None:
    """Files and folders that the README points to are there."""
    root = Path(__file__).parent.parent
    named = set(re.findall(r"`((?:examples/[\w./-]+)|SECURITY\.md)`", README))

    assert named
    assert [path for path in named if not (root / path).exists()] == []


def test_every_keyword_is_in_the_table() -> None:
    """The table of keywords holds all of them but the seams for tests, and no other."""
    keywords = set(ValidatorOptions.__annotations__) - {"now", "monotonic", "fetch"}

    assert set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)) == keywords | {"issuer", "audience"}


def test_every_make_target_named_exists() -> None:
    """The `make` commands of the README are targets of the Makefile."""
    makefile = (Path(__file__).parent.parent / "Makefile").read_text()

    for target in re.findall(r"^make ([\w-]+)", "".join(blocks("sh")), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
