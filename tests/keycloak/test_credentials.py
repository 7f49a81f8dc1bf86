"""`resource-protector credentials` and `examples/third_party_credentials` on a real Keycloak."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result
from flask import Flask
from flask.typing import ResponseReturnValue

from resource_protector import RealmTokenValidator
from resource_protector.admin import Change, RealmAdmin, ThirdPartyCredentials
from resource_protector.cli import main
from resource_protector.flask import ResourceProtector
from tests.keycloak import program, realm_file, unverified
from tests.keycloak.keycloak import Keycloak
from tests.keycloak.realm import Realm
from tests.keycloak.server import free_port
from tests.polling import Clock, eventually
from tests.processes import clean_environment

EXAMPLE = Path(__file__).parents[2] / "examples" / "third_party_credentials"
ACCESS = ("--for", "orders-api", "--scope", "test_api_access")
ODD = "Bücher & Söhne / o'neil's \"#1\""
NAMES = ["acme", ODD, "a b+c%41:d", "$(id) `id` \\", "株式会社 例", "-x", "a" * 239]
INTROSPECTION_SECONDS = 2
TIMEOUT_SECONDS = 30

Credentials = Callable[..., Result]


def with_service_accounts() -> dict[str, Any]:
    """The realm `myorg` with three service accounts: one that may manage clients, one that may see them, one of no role."""
    content = realm_file.content(realm_file.MYORG)
    for name, roles in {"manager": ["manage-clients"], "viewer": ["view-clients"], "nobody": []}.items():
        content["clients"].append(
            {
                "clientId": name,
                "secret": f"{name}-secret",
                "serviceAccountsEnabled": True,
                "standardFlowEnabled": False,
            }
        )
        account = {"username": f"service-account-{name}", "enabled": True, "serviceAccountClientId": name}
        content["users"].append(account | {"clientRoles": {"realm-management": roles}})
    return content


@pytest.fixture(scope="module")
def realm(keycloak: Keycloak) -> Iterator[Realm]:
    """A realm of this file's own, in which each test has customers of other names."""
    with keycloak.own_realm(with_service_accounts()) as own:
        for name in ("manager", "viewer", "nobody"):
            own.token(name)  # on the first of an imported client, Keycloak 24 gives it mappers
        yield own


@pytest.fixture(scope="module")
def credentials(realm: Realm) -> Credentials:
    """Run `resource-protector credentials` for the realm, signed in as the manager unless told otherwise."""

    def run(*arguments: str, who: str = "manager", secret: str | None = None) -> Result:
        environment = {
            "RESOURCE_PROTECTOR_ISSUER": realm.issuer,
            "RESOURCE_PROTECTOR_ADMIN_URL": None,
            "RESOURCE_PROTECTOR_ADMIN_CLIENT_ID": who,
            "RESOURCE_PROTECTOR_ADMIN_CLIENT_SECRET": secret or f"{who}-secret",
        }
        return CliRunner().invoke(main, ["credentials", *arguments], env=environment)

    return run


def done(result: Result) -> Any:
    """The JSON document of a command that was to succeed."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def everything(realm: Realm) -> Any:
    """All clients with their secrets, and all client scopes, as Keycloak has them."""
    form = {"grant_type": "client_credentials", "client_id": "manager", "client_secret": "manager-secret"}
    header = {"Authorization": f"Bearer {realm.ask(form).json()['access_token']}"}
    address = realm.issuer.replace("/realms/", "/admin/realms/")
    answers = [requests.get(f"{address}/{kind}", headers=header, timeout=30) for kind in ("clients", "client-scopes")]
    return [sorted_within({one["id"]: one for one in answer.json()}) for answer in answers]


def sorted_within(document: Any) -> Any:
    """The document with its lists in one order: Keycloak gives mappers and scopes in any."""
    if isinstance(document, dict):
        return {name: sorted_within(value) for name, value in document.items()}
    if isinstance(document, list):
        return sorted(map(sorted_within, document), key=lambda one: json.dumps(one, sort_keys=True))
    return document


def by_shell(line: str) -> dict[str, Any]:
    """What a printed `curl` line answers, run as its reader would run it."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    ran = subprocess.run(
        ["sh", "-c", line],
        env=clean_environment({}),
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT_SECONDS,
    )
    return dict(json.loads(ran.stdout))


def printed_line(output: str) -> str:
    """The `curl` line of a text for people."""
    (line,) = [line for line in output.splitlines() if line.startswith("  curl ")]
    return line


class Api:
    """The running example, as a customer sees it."""

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(self, path: str, token: str | None) -> requests.Response:
        """The answer to a call with the token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.get(f"{self.address}/{path}", headers=headers, timeout=TIMEOUT_SECONDS)

    def status(self, path: str, token: str | None) -> int:
        """Its status alone."""
        return self.ask(path, token).status_code


@pytest.fixture(scope="module")
def api(realm: Realm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The example's API, which lets each customer ask for orders three times a minute."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    settings = {"ORDERS_LIMIT": "3 per minute", "INTROSPECTION_SECONDS": str(INTROSPECTION_SECONDS)}
    settings["DEFAULT_LIMIT"] = "100000 per minute"  # the other routes are polled here
    log = tmp_path_factory.mktemp("third_party_credentials") / "api.log"
    with program.serving(
        EXAMPLE / "api.py", f"{address}/health", log=log, ISSUER=realm.issuer, PORT=str(port), **settings
    ) as server:
        yield Api(address)
        assert server.is_running, server.last_words()
        assert "Traceback" not in server.output()


def test_a_customer_s_life(realm: Realm, credentials: Credentials, api: Api) -> None:
    """Issued, known by name, limited by itself, rotated, disabled, enabled, listed and removed."""
    issued = credentials("issue", ODD, *ACCESS)
    first_line = printed_line(issued.stdout)
    token = by_shell(first_line)["access_token"]
    served = [api.ask("orders", token) for _ in range(4)]
    neighbour = by_shell(done(credentials("issue", "neighbour", *ACCESS, "--json"))["curl"])["access_token"]
    for_others = (api.status("orders", neighbour), api.status("orders", None))
    usage = api.ask("usage", token).json()

    rotated = credentials("rotate", ODD)
    old, new = by_shell(first_line), by_shell(printed_line(rotated.stdout))

    asked_before = api.status("payouts", token)
    disabled = credentials("disable", ODD)
    while_disabled = by_shell(printed_line(rotated.stdout))
    eventually(lambda: api.status("payouts", token) == 401, within_seconds=INTROSPECTION_SECONDS + 2)
    refusal, plain = api.ask("payouts", token), api.status("usage", token)

    enabled = credentials("enable", ODD)
    token = by_shell(printed_line(rotated.stdout))["access_token"]
    let_in_again = [api.status(path, token) for path in ("usage", "payouts")]
    listed = {one["name"]: one for one in done(credentials("list", "--json"))}
    removed = credentials("remove", ODD)
    after_removal = by_shell(printed_line(rotated.stdout))

    assert [answer.status_code for answer in served] == [200, 200, 200, 429]
    assert served[0].json()["customer"] == ODD
    assert int(served[3].headers["Retry-After"]) in range(1, 61)
    assert for_others == (200, 401)
    assert usage == {"customer": ODD, "calls": 3}
    assert old["error"] == "unauthorized_client"
    assert "access_token" in new
    assert asked_before == 200
    assert while_disabled["error"] == "invalid_client"
    assert 'error="invalid_token"' in refusal.headers["WWW-Authenticate"]
    assert "no longer active" in refusal.headers["WWW-Authenticate"]
    assert plain == 200
    assert let_in_again == [200, 200]
    assert (listed[ODD]["enabled"], listed[ODD]["scopes"]) == (True, ["test_api_access"])
    assert listed[ODD]["issued_at"][:2] == "20"
    assert after_removal["error"] == "invalid_client"
    assert ODD not in [one["name"] for one in done(credentials("list", "--json"))]
    assert all(result.exit_code == 0 for result in (issued, rotated, disabled, enabled, removed))


def application_view() -> ResponseReturnValue:
    """What is protected."""
    return {"served": True}


def test_a_plain_route_serves_a_disabled_customer_until_the_token_expires(
    realm: Realm, credentials: Credentials
) -> None:
    """The honest word: without introspection nothing is noticed before `exp`, and nothing is served after it."""
    clock = Clock()
    validator = RealmTokenValidator(realm.issuer, audience="orders-api", leeway_seconds=0, now=clock)
    require_auth = ResourceProtector(validator)
    app = Flask(__name__)
    app.add_url_rule("/", view_func=require_auth("test_api_access")(application_view))
    token = by_shell(done(credentials("issue", "patient", *ACCESS, "--json"))["curl"])["access_token"]
    credentials("disable", "patient")
    expires_at = unverified.claims(token)["exp"]

    statuses = []
    for clock.seconds in (expires_at - 1, expires_at + 1):
        statuses.append(app.test_client().get("/", headers={"Authorization": f"Bearer {token}"}).status_code)

    assert statuses == [200, 401]


def test_only_disable_ends_tokens_that_are_out(keycloak: Keycloak, realm: Realm, credentials: Credentials) -> None:
    """To Keycloak a token got by a secret that was rotated is active; `enable` revives old ones, from Keycloak 26 on."""
    token = by_shell(done(credentials("issue", "leaky", *ACCESS, "--json"))["curl"])["access_token"]
    active = []
    for command in ("rotate", "disable", "enable"):
        done(credentials(command, "leaky", "--json"))
        form = {"token": token, "client_id": "orders-api", "client_secret": str(realm.secrets["orders-api"])}
        active.append(
            requests.post(f"{realm.token_url}/introspect", data=form, timeout=TIMEOUT_SECONDS).json()["active"]
        )

    assert active == [True, False, keycloak.is_at_least("26.0.0")]


def test_a_second_run_changes_nothing(realm: Realm, credentials: Credentials) -> None:
    """Of each command but `rotate`, which is there to make a new secret each time."""
    unchanged = []
    for command in (["issue", "twice", *ACCESS], ["disable", "twice"], ["enable", "twice"], ["remove", "twice"]):
        first = done(credentials(*command, "--json"))
        before = everything(realm)
        second = done(credentials(*command, "--json"))
        unchanged.append((first["changed"], second["changed"], everything(realm) == before, "client_secret" in second))

    assert unchanged == [(True, False, True, False)] * 4


@pytest.mark.parametrize("name", NAMES)
def test_any_name(credentials: Credentials, name: str) -> None:
    """The printed line gets a token for exactly that client, meant for the API, with the scope and a subject."""
    claims = unverified.claims(
        by_shell(done(credentials("issue", "--json", *ACCESS, "--", name))["curl"])["access_token"]
    )
    listed = [one["name"] for one in done(credentials("list", "--json"))]
    removed = done(credentials("remove", "--json", "--", name))

    assert claims["client_id"] == claims["azp"] == name
    assert "orders-api" in claims["aud"]
    assert "test_api_access" in claims["scope"].split(" ")
    assert claims["sub"]
    assert name in listed
    assert removed["changed"]


def test_a_scope_that_is_missing_is_made(realm: Realm, credentials: Credentials, keycloak: Keycloak) -> None:
    """With an audience mapper for the API and its name in the token; the client has its own grant and no other."""
    document = done(credentials("issue", "new scope", "--for", "orders-api", "--scope", "orders:read", "--json"))
    claims = unverified.claims(by_shell(document["curl"])["access_token"])
    client = keycloak.admin.client(realm.name, "new scope")

    assert "orders-api" in claims["aud"]
    assert "orders:read" in claims["scope"].split(" ")
    flows = ("publicClient", "standardFlowEnabled", "implicitFlowEnabled", "directAccessGrantsEnabled")
    assert [client[flow] for flow in flows] == [False] * 4
    assert client["serviceAccountsEnabled"]
    assert client["optionalClientScopes"] == []


def test_what_was_half_made_is_finished(realm: Realm, credentials: Credentials) -> None:
    """Killed after the scope, or robbed of it: the next run does the rest."""
    half = ("half made", "--for", "orders-api", "--scope", "half:made")
    done(credentials("issue", *half, "--json"))
    done(credentials("remove", "half made", "--json"))  # the scope is there, as if the run had been killed then
    issued = done(credentials("issue", *half, "--json"))
    admin = RealmAdmin(realm.issuer, realm.ask(manager_form()).json()["access_token"])
    scope = admin.scope("half:made")
    assert scope is not None
    admin.delete_scope(scope["id"])
    robbed = [one["scopes"] for one in done(credentials("list", "--json")) if one["name"] == "half made"]
    finished = done(credentials("issue", *half, "--json"))

    assert "client_secret" in issued
    assert robbed == [[]]
    assert (finished["changed"], finished["scopes"], "client_secret" in finished) == (True, ["half:made"], False)
    assert "orders-api" in unverified.claims(by_shell(issued["curl"])["access_token"])["aud"]


def manager_form() -> dict[str, str]:
    """What the manager signs in with."""
    return {"grant_type": "client_credentials", "client_id": "manager", "client_secret": "manager-secret"}


def test_several_runs_at_once(realm: Realm) -> None:
    """One of them issues and shows the secret; there is one client and one scope."""
    token = realm.ask(manager_form()).json()["access_token"]
    barrier, changes = threading.Barrier(4), list[Change]()

    def issue() -> None:
        own = ThirdPartyCredentials(RealmAdmin(realm.issuer, token))
        barrier.wait()
        changes.append(own.issue("raced", audience="orders-api", scope="raced:for"))

    threads = [threading.Thread(target=issue) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    clients, scopes = everything(realm)

    assert sorted(change.changed for change in changes) == [False, False, False, True]
    assert sum(change.secret is not None for change in changes) == 1
    assert [client["clientId"] for client in clients.values()].count("raced") == 1
    assert [scope["name"] for scope in scopes.values()].count("raced:for") == 1


@pytest.mark.parametrize(
    ("arguments", "who", "secret", "expected"),
    [
        pytest.param(["list"], "nobody", None, "give it the role 'manage-clients'", id="list without a role"),
        pytest.param(["issue", "x", *ACCESS], "nobody", None, "give it the role 'manage-clients'", id="no role"),
        pytest.param(["issue", "x", *ACCESS], "viewer", None, "give it the role 'manage-clients'", id="may only look"),
        pytest.param(["rotate", "fixed"], "viewer", None, "give it the role 'manage-clients'", id="may not rotate"),
        pytest.param(["remove", "fixed"], "viewer", None, "give it the role 'manage-clients'", id="may not remove"),
        pytest.param(["disable", "fixed"], "viewer", None, "give it the role 'manage-clients'", id="may not disable"),
        pytest.param(["list"], "manager", "wrong", "check the secret of client 'manager'", id="wrong secret"),
        pytest.param(["list"], "stranger", None, "no client 'stranger' in this realm", id="unknown admin client"),
        pytest.param(["list"], "web", None, "switch on 'Client authentication'", id="a public admin client"),
        pytest.param(["issue", "web", *ACCESS], "manager", None, "'web' is a client that was not issued", id="taken"),
        pytest.param(["rotate", "orders-api"], "manager", None, "was not issued here", id="rotate the API's client"),
        pytest.param(["remove", "orders-api"], "manager", None, "was not issued here", id="remove the API's client"),
        pytest.param(["disable", "manager"], "manager", None, "was not issued here", id="disable itself"),
        pytest.param(
            ["issue", "FIXED", "--for", "orders-api", "--scope", "never:made"],
            "manager",
            None,
            "only in upper and lower case",
            id="taken in another case",
        ),
        pytest.param(
            ["issue", "x", "--for", "nothing", "--scope", "s"], "manager", None, "no client 'nothing'", id="no such API"
        ),
        pytest.param(
            ["issue", "x", "--for", "orders-api", "--scope", "profile"],
            "manager",
            None,
            "has no Audience mapper for 'orders-api'",
            id="a scope that is no audience",
        ),
        pytest.param(
            ["issue", "x", "--for", "web", "--scope", "test_api_access"],
            "manager",
            None,
            "puts 'orders-api' into the audience, not 'web' alone",
            id="a scope of another API",
        ),
        pytest.param(
            ["issue", "fixed", "--for", "orders-api", "--scope", "other"],
            "manager",
            None,
            "was issued for the scope 'test_api_access'",
            id="another scope than before",
        ),
        pytest.param(
            ["list", "--issuer", "http://127.0.0.1:1/realms/x"], "manager", None, "Nothing answers at", id="away"
        ),
    ],
)
def test_what_is_not_done(
    realm: Realm, credentials: Credentials, arguments: list[str], who: str, secret: str | None, expected: str
) -> None:
    """One clear line, exit status 1, and the realm is as it was."""
    credentials("issue", "fixed", *ACCESS)
    before = everything(realm)
    result = credentials(*arguments, who=who, secret=secret)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert expected in result.stderr
    assert everything(realm) == before


def test_the_role_reads_every_secret(realm: Realm) -> None:
    """Why that service account never lives on the API's host; `view-clients` is no better."""
    read = []
    for who in ("manager", "viewer"):
        form = {"grant_type": "client_credentials", "client_id": who, "client_secret": f"{who}-secret"}
        client = RealmAdmin(realm.issuer, realm.ask(form).json()["access_token"]).client("orders-api")
        read.append((client or {}).get("secret"))

    assert read == [realm.secrets["orders-api"]] * 2


@pytest.mark.parametrize("program_", ["python", "curl"])
def test_a_customer_s_client(realm: Realm, credentials: Credentials, api: Api, program_: str) -> None:
    """The example's clients get a token and are served under their name, whatever characters are in it."""
    if program_ == "curl" and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    name = f"{ODD} by {program_}"
    document = done(credentials("issue", name, *ACCESS, "--json"))
    command = [sys.executable, "customer.py"] if program_ == "python" else ["sh", "customer.sh"]
    settings = {"CLIENT_ID": name, "TOKEN_URL": realm.token_url, "API_URL": f"{api.address}/orders", "CALLS": "2"}
    runs = [
        subprocess.run(
            command,
            cwd=EXAMPLE,
            env=clean_environment(settings | {"CLIENT_SECRET": secret}),
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
        for secret in (document["client_secret"], "wrong")
    ]

    assert runs[0].returncode == 0, runs[0].stderr
    assert "Bücher" in runs[0].stdout.encode().decode("unicode_escape" if program_ == "curl" else "utf-8")
    assert runs[1].returncode == 1
    assert "no token: " in runs[1].stderr
