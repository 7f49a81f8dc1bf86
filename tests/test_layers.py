"""Imports go one way."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import resource_protector

PACKAGE = Path(resource_protector.__file__).parent

# The table of the architecture. A module imports from lower layers, and from its own package.
LAYERS = [
    {"after_fork", "errors", "realm", "readonly", "algorithms"},
    {"policy", "strict_json", "jws", "bearer", "keys", "provider", "outage_log", "refusal_log"},
    {"claims", "scopes", "options", "signing_key", "introspection"},
    {"cache", "access_token_validator", "validator", "multi_realm"},
    {"settings", "protector", "dev", "explain", "shadow", "keycloak", "admin", "client"},
    {"flask", "fastapi", "pytest_plugin", "cli"},
]
WEB_FRAMEWORKS = {"flask", "werkzeug", "fastapi", "starlette", "click"}


def modules() -> list[Path]:
    """Every module of the package."""
    return sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__main__.py")


def room(path: Path) -> str:
    """The module or sub-package of the top level that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def layer(name: str) -> int:
    """The number of the layer that a room stands in."""
    return next(number for number, names in enumerate(LAYERS) if name in names)


def imported(path: Path) -> Iterator[str]:
    """The absolute names of everything that a file imports, wherever in the file."""
    package = ["resource_protector", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *(node.module or "").split(".")]).strip(".")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def test_every_module_stands_in_the_table() -> None:
    """A new module is given its layer before it can be imported."""
    rooms = {room(path) for path in modules()} - {"__init__"}

    assert rooms <= set().union(*LAYERS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downwards(path: Path) -> None:
    """A module imports from lower layers or from siblings in its layer, never upwards."""
    own = room(path)
    names = [name.split(".") for name in imported(path) if name.startswith("resource_protector.")]
    rooms = {parts[1] for parts in names} - {own}
    known = {other for other in rooms if any(other in names for names in LAYERS)}

    assert own == "__init__" or all(layer(other) <= layer(own) for other in known)


@pytest.mark.parametrize("path", [path for path in modules() if room(path) != "__init__" and layer(room(path)) < 4])
def test_the_core_knows_no_web_framework(path: Path) -> None:
    """The core is imported by adapters and imports none of what they adapt to."""
    tops = {name.split(".")[0] for name in imported(path)}

    assert not tops & WEB_FRAMEWORKS


def test_siblings_of_a_layer_do_not_import_in_circles() -> None:
    """Within a layer too there is an order."""
    needs = {path: {n for n in imported(path) if n.startswith("resource_protector.")} for path in modules()}
    graph = {
        room(path): {n.split(".")[1] for n in names} - {room(path)}
        for path, names in needs.items()
        if room(path) != "__init__"
    }
    done: set[str] = set()
    while ready := {name for name, others in graph.items() if name not in done and others & graph.keys() <= done}:
        done |= ready

    assert done == graph.keys()
