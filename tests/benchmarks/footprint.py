"""What this package adds to a process: the time of its import, and memory per remembered token."""

from __future__ import annotations

import gc
import subprocess
import sys
import tracemalloc

from resource_protector import RealmTokenValidator
from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from tests.benchmarks.figures import Row, Section

__all__ = ["measure"]

IMPORT_MILLISECONDS = 15.0
BYTES_PER_TOKEN = 5_000.0
_UNDERNEATH = (
    "import flask, authlib.integrations.flask_oauth2, authlib.oauth2.rfc7523, joserfc.jwt, joserfc.jwk, joserfc.jws"
)
_IMPORTS = {
    "ours, on top of Flask, Authlib and joserfc": (_UNDERNEATH, "import resource_protector.flask"),
    "PyJWT, on top of Flask": ("import flask", "import jwt"),
    "python-keycloak, on top of Flask": ("import flask", "import keycloak"),
}
_TIMED = "import time; {before}; begun = time.perf_counter(); {added}; print((time.perf_counter() - begun) * 1000)"


def measure(rounds: int, tokens: int) -> list[Section]:
    """Two sections."""
    found: dict[str, list[float]] = {name: [] for name in _IMPORTS}
    failures: dict[str, str] = {}
    for _ in range(rounds):
        for name, (before, added) in _IMPORTS.items():
            program = [sys.executable, "-W", "ignore", "-c", _TIMED.format(before=before, added=added)]
            ended = subprocess.run(program, capture_output=True, text=True, check=False)
            if ended.returncode:
                failures[name] = ended.stderr.strip().splitlines()[-1]
            else:
                found[name].append(float(ended.stdout))
    rows = [
        Row(name, values, IMPORT_MILLISECONDS if ours else None, is_ours=ours, failure=failures.get(name))
        for name, values in found.items()
        for ours in [name.startswith("ours")]
    ]
    memory = Row("one token of the demo realm", [bytes_per_token(tokens)], BYTES_PER_TOKEN, is_ours=True)
    return [
        Section("Import", "ms", rows),
        Section("The cache of verified tokens", "bytes", [memory], f"{tokens:,} tokens, by tracemalloc."),
    ]


def bytes_per_token(tokens: int) -> float:
    """What one entry of the cache of verified tokens takes."""
    with DevRealm(DEMO_REALM_FILE) as realm:
        validator = RealmTokenValidator(realm.issuer, audience="orders-api", fetch=realm.fetch, token_cache_size=tokens)
        fresh = [realm.token(client="eddsa", scope="test_api_access") for _ in range(tokens + 1)]
        validator.verify(fresh.pop())
        gc.collect()
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        for token in fresh:
            validator.verify(token)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return (after - before) / tokens
