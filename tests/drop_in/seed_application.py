"""Seed 003's application, on the drop-in or on the library that it was written for.

`seed_003/seed_*.txt` is the article's code as it was found, which has lost its indentation. The other files are what is
run: the same lines, indented, with `# changed` beside each line that is not the article's.
"""

import importlib
import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

SEED = Path(__file__).parent / "seed_003"
MARK = "  # changed"
FILES = ("local.env", "settings", "security", "auth", "lifespan")
# What the article's readers had to find out themselves: it prints none of these lines.
ORIGINAL_IMPORTS = """\
from keycloak import KeycloakOpenID
from jwcrypto.common import JWException
from jwcrypto.jws import InvalidJWSSignature
from jwcrypto.jwt import JWTExpired"""
_NUMBERS = itertools.count()


def text(name: str) -> str:
    """One of the files that are run."""
    return (SEED / f"{name}.txt").read_text("utf-8")


def lines(name: str) -> list[str]:
    """Its lines, as far as they can be compared with what the article has lost."""
    return [line.strip() for line in text(name).splitlines() if line.strip()]


@contextmanager
def running(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    server_url: str,
    secret: str,
    key_at_startup: bool = False,
    on_original: bool = False,
) -> Iterator[TestClient]:
    """A client of the application, which is started and stopped as FastAPI does it.

    `key_at_startup` is the article's last chapter: the key is loaded once and given to `decode_token`.
    """
    sources = {name: text(name) for name in FILES}
    if key_at_startup:
        lifespan, _, decode = sources["lifespan"].strip().rpartition("\n")
        app = sources["auth"].partition("app = FastAPI(")[2].partition("\n\n")[0]
        sources["auth"] = sources["auth"].replace(f"app = FastAPI({app}", lifespan)
        sources["security"] = sources["security"].replace(
            "        return await idp.a_decode_token(token, validate=True)\n", f"{decode}\n"
        )
        sources["settings"] = sources["settings"].replace("    VERSION:", "    JWT_KEY: object = None\n    VERSION:")
    if on_original:
        ours = next(line for line in sources["security"].splitlines() if line.startswith("from resource_protector"))
        sources["security"] = sources["security"].replace(ours, ORIGINAL_IMPORTS)
        sources["auth"] = sources["auth"].replace(
            "from resource_protector.keycloak.exceptions", "from keycloak.exceptions"
        )
    package = folder / f"seed_003_{next(_NUMBERS)}"
    package.mkdir()
    for name in ("settings", "security", "auth"):
        (package / f"{name}.py").write_text(sources[name])
    environment = sources["local.env"].replace("http://localhost:8080", server_url)
    (folder / ".local.env").write_text(environment.replace("<secret that you get from keycloak>", secret))
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    try:
        app_module: Any = importlib.import_module(f"{package.name}.auth")
        with TestClient(app_module.app) as client:
            yield client
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == package.name]:
            del sys.modules[name]
