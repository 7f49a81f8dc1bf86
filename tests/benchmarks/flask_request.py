"""What a whole Flask request costs in process, as multiples of the same route unprotected."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import requests
from flask import Flask, abort, request
from werkzeug.test import EnvironBuilder

from resource_protector import RealmTokenValidator
from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from resource_protector.flask import ResourceProtector
from tests.benchmarks.figures import Row, Section
from tests.benchmarks.in_process import situation_of
from tests.benchmarks.peers import AUDIENCE, Call, Situation, pyjwt_client
from tests.benchmarks.verify import ratios, raw_verification

__all__ = ["introspecting_view", "measure", "seed_protector"]

SCOPE = "test_api_access"
TARGETS = {"ours, token not seen before": 2.15, "ours, token seen before": 1.25}
View = Callable[[], dict[str, str]]


def view() -> dict[str, str]:
    """What every route here answers: a little JSON, as an API does."""
    return {"status": "good"}


def measure(rounds: int, times: int) -> list[Section]:
    """One section; all applications take turns within every round."""
    with DevRealm(DEMO_REALM_FILE) as realm, _applications(situation_of(realm, "RS256")) as applications:
        tokens = [realm.token(scope=SCOPE) for _ in range(2)]
        calls: dict[str, Call] = {}
        rows: list[Row] = []
        for name, make in applications.items():
            try:
                calls[name] = _asking(make(), tokens)
                calls[name]()
            except Exception as error:  # noqa: BLE001 - whatever a library has to say
                rows.append(Row(name, failure=f"{type(error).__name__}: {error}"[:120]))
        bare = _asking(view, tokens)
        bare()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of libraries that deprecate one another
            found = {name: values for name, values in ratios(calls, bare, rounds, times).items() if name in calls}
        measured = [
            Row(name, values, TARGETS.get(name), is_ours=name.startswith("ours")) for name, values in found.items()
        ]
    return [Section("Whole Flask request in process", "times the same route unprotected", measured + rows)]


def seed_protector(situation: Situation) -> Callable[[View], View]:
    """Authlib's own protector in front of its rfc7523 validator, as its tutorials have it."""
    flask_oauth2: Any = import_module("authlib.integrations.flask_oauth2")
    rfc7523: Any = import_module("authlib.oauth2.rfc7523")
    keys = import_module("joserfc.jwk").KeySet.import_key_set(situation.signing_keys)
    validator = rfc7523.JWTBearerTokenValidator(keys, issuer=situation.issuer)
    validator.claims_options = {
        "exp": {"essential": True},
        "aud": {"essential": True, "value": AUDIENCE},
        "iss": {"essential": True, "value": situation.issuer},
    }
    require_auth = flask_oauth2.ResourceProtector()
    require_auth.register_token_validator(validator)
    return require_auth(SCOPE)  # type: ignore[no-any-return]  # Authlib has no types


def introspecting_view(issuer: str, secret: str) -> View:
    """A view that asks the realm about every token, over one `requests.Session`."""
    session = requests.Session()
    session.trust_env = False

    def introspected() -> dict[str, str]:
        answer = session.post(
            issuer + "/protocol/openid-connect/token/introspect",
            data={"token": _token(), "client_id": AUDIENCE, "client_secret": secret},
            timeout=10,
        ).json()
        if not answer["active"] or SCOPE not in answer["scope"].split():
            abort(401)
        return view()

    return introspected


@contextmanager
def _applications(situation: Situation) -> Iterator[dict[str, Callable[[], View]]]:
    realm = situation.realm

    def ours(size: int) -> View:
        validator = RealmTokenValidator(realm.issuer, audience=AUDIENCE, fetch=realm.fetch, token_cache_size=size)
        return ResourceProtector(validator)(SCOPE)(view)

    def raw_only() -> View:
        verify = raw_verification(dict(situation.jwk), "RS256", situation.token)

        def checked() -> dict[str, str]:
            _token()
            verify()
            return view()

        return checked

    def pyjwt_with_client() -> View:
        verify = pyjwt_client(situation)

        def checked() -> dict[str, str]:
            _token()
            verify()
            return view()

        return checked

    yield {
        # A cache of one entry, and two tokens in turn: none is ever found in it.
        "ours, token not seen before": lambda: ours(1),
        "ours, token seen before": lambda: ours(4096),
        "the raw signature verification only": raw_only,
        "Authlib's protector and rfc7523 validator": lambda: seed_protector(situation)(view),
        "PyJWT and a warm PyJWKClient": pyjwt_with_client,
        "introspection per request, local server": lambda: introspecting_view(
            realm.issuer, realm.clients[AUDIENCE].secret or ""
        ),
    }


def _asking(view: View, tokens: list[str]) -> Call:
    """A request to an application of this one view, through WSGI, with the tokens in turn."""
    app = Flask(__name__)
    app.get("/")(view)
    builders = [EnvironBuilder("/", headers=[("Authorization", f"Bearer {token}")]) for token in tokens]
    environments = itertools.cycle([builder.get_environ() for builder in builders])
    status: list[str] = []

    def start(line: str, headers: object, error: object = None) -> None:
        status[:] = [line]

    def call() -> object:
        answer = b"".join(app.wsgi_app(dict(next(environments)), start))  # type: ignore[arg-type]  # start returns no writer
        if status != ["200 OK"]:
            raise ValueError(f"{status} {answer.decode()[:100]}")
        return answer

    return call


def _token() -> str:
    return request.headers["Authorization"].removeprefix("Bearer ")
