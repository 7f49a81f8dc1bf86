"""The programs of `examples/online_to_offline`, before and after, asked the same by whoever has a provider."""

from __future__ import annotations

import difflib
import re
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.keycloak import realm_file, unverified
from tests.keycloak.realm import Realm
from tests.polling import eventually
from tests.processes import running

FOLDER = Path(__file__).parents[2] / "examples" / "online_to_offline"
KINDS = sorted(path.parent.name for path in FOLDER.glob("*/before.py"))
API = "orders-api"
SCOPE = "test_api_access"
DOWN_AT_THE_START = "down since the start"
DOWN = "Keycloak down"


class Provider(Protocol):
    """A realm, dev or real, whose requests are counted where they arrive, and which can be away."""

    realm: Realm

    @property
    def requests(self) -> Counter[str]:
        """How many requests each endpoint has seen."""

    def down(self) -> AbstractContextManager[object]:
        """Within the block nobody answers at the provider's address."""

    def expired(self) -> str:
        """An access token that the realm has signed and that expired an hour ago."""


@dataclass(frozen=True)
class Answer:
    """What a program answered, and how many requests the provider has seen for it."""

    status: int
    body: str
    asked: int


@dataclass(frozen=True)
class Outcome:
    """Both programs of a kind, request by request; `requests` are all that the second one ever made."""

    kind: str
    before: Mapping[str, Answer]
    after: Mapping[str, Answer]
    requests: Mapping[str, int]

    @property
    def statuses(self) -> dict[str, tuple[int, int]]:
        """Before and after, by request."""
        return {name: (answer.status, self.after[name].status) for name, answer in self.before.items()}

    def __str__(self) -> str:
        lines = [f"{self.kind:<28} before after   requests to the provider"]
        for name, answer in self.before.items():
            after = self.after[name]
            mark = " " if answer.status == after.status else "*"
            lines.append(f"  {name:<26} {answer.status}    {after.status} {mark}   {answer.asked}  {after.asked}")
        return "\n".join(lines)


def realm_content() -> dict[str, Any]:
    """The realm `myorg`, whose API is also a client that users log in to: its ID tokens name the API in `aud`."""
    content = realm_file.content(realm_file.MYORG)
    (api,) = [client for client in content["clients"] if client["clientId"] == API]
    api["directAccessGrantsEnabled"] = True
    return content


def compare(kind: str, provider: Provider) -> Outcome:
    """Run both programs of a kind, one after the other, with the same requests."""
    calls = _calls(provider)
    before = _answers(kind, "before", provider, calls)
    provider.requests.clear()
    after = _answers(kind, "after", provider, calls)
    return Outcome(kind, before, after, dict(provider.requests))


def _calls(provider: Provider) -> dict[str, tuple[str, str | None]]:
    """The path and the Authorization field of each request, by name."""
    realm = provider.realm
    good = realm.token("web", user="alice", scope=f"openid {SCOPE}")
    ended = realm.tokens("web", user="alice", scope=f"openid {SCOPE}")
    realm.logout("web", ended["refresh_token"]).raise_for_status()
    tokens = {
        "good": good,
        "garbage": "garbage",
        "forged": jwt.encode(unverified.header(good), unverified.claims(good), RSAKey.generate_key(2048)),
        "expired": provider.expired(),
        "ID token": realm.tokens(API, user="alice", scope="openid")["id_token"],
        "other audience": realm.token("web", user="bob"),
        "session ended": ended["access_token"],
        DOWN: good,
    }
    return {
        "no token": ("/me", None),
        "another scheme": ("/me", "Basic YWxpY2U6YWxpY2U="),
        "two tokens in the header": ("/me", f"Bearer {good} {good}"),
        "good, on the scoped route": ("/orders", f"Bearer {good}"),
        "scope missing": ("/orders", "Bearer " + realm.token("web", user="alice")),
    } | {name: ("/me", f"Bearer {token}") for name, token in tokens.items()}


def _answers(
    kind: str, which: str, provider: Provider, calls: Mapping[str, tuple[str, str | None]]
) -> dict[str, Answer]:
    environment = {
        "KEYCLOAK_URL": provider.realm.server_url,
        "REALM": provider.realm.name,
        "CLIENT_ID": API,
        "CLIENT_SECRET": provider.realm.secrets[API] or "",
        "PORT": "0",
    }
    folder = FOLDER / kind
    with running([sys.executable, f"{which}.py"], folder=folder, **environment) as program:
        address = program.wait_for(r"Running on (http://127\.0\.0\.1:\d+)")[1]

        def ask(name: str) -> Answer:
            path, authorization = calls[name]
            headers = {} if authorization is None else {"Authorization": authorization}
            asked = provider.requests.total()
            answer = requests.get(address + path, headers=headers, timeout=30)
            return Answer(answer.status_code, answer.text, provider.requests.total() - asked)

        with provider.down():
            down_at_the_start = ask("good")
        eventually(lambda: ask("good").status == 200)
        answers = {name: ask(name) for name in calls if name != DOWN}
        with provider.down():
            return {DOWN_AT_THE_START: down_at_the_start, **answers, DOWN: ask(DOWN)}


def added_lines(kind: str) -> list[str]:
    """The lines of the program after the change that are not in the one before."""
    before, after = ((FOLDER / kind / f"{which}.py").read_text().splitlines() for which in ("before", "after"))
    changes = difflib.ndiff(before, after)
    return [line[2:] for line in changes if line.startswith("+ ") and line[2:].strip()]


def differences_on_the_page(kind: str) -> dict[str, tuple[int, int]]:
    """Before and after by request, as the page's section about a kind has them."""
    _, _, section = page().partition(f"\n## {kind}\n")
    rows = re.findall(r"^\| ([^|]+?) \| (\d{3}) \| (\d{3}) \| [^|]+ \|$", section.partition("\n## ")[0], re.MULTILINE)
    return {name: (int(before), int(after)) for name, before, after in rows}


def page() -> str:
    """The migration page."""
    return (FOLDER / "README.md").read_text()
