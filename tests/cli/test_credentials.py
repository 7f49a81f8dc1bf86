from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from resource_protector.admin import AdminError, RealmAdmin, ThirdPartyCredentials
from resource_protector.cli import main
from resource_protector.cli.credentials_text import curl_line
from resource_protector.dev import DevRealm
from resource_protector.realm import token_url
from tests.cli.stand_in_keycloak import ADMIN, ADMIN_SECRET, StandInKeycloak
from tests.processes import clean_environment

Credentials = Callable[..., Result]
ACCESS = ("--for", "orders-api", "--scope", "orders:read")
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture
def keycloak() -> Iterator[StandInKeycloak]:
    """A realm with the API's client and nothing issued."""
    server = StandInKeycloak()
    yield server
    server.stop()


@pytest.fixture
def credentials(keycloak: StandInKeycloak) -> Credentials:
    """Run `resource-protector credentials` for the realm, signed in unless told otherwise."""

    def run(*arguments: str, stdin: str = "", **environment: str | None) -> Result:
        settings: dict[str, str | None] = {
            "RESOURCE_PROTECTOR_ISSUER": keycloak.issuer,
            "RESOURCE_PROTECTOR_ADMIN_URL": None,
            "RESOURCE_PROTECTOR_ADMIN_CLIENT_ID": ADMIN,
            "RESOURCE_PROTECTOR_ADMIN_CLIENT_SECRET": ADMIN_SECRET,
        }
        return CliRunner().invoke(main, ["credentials", *arguments], env=settings | environment, input=stdin)

    return run


def one_line(result: Result) -> str:
    """The one line that a command which did nothing has said."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.rstrip("\n").isprintable()
    return result.stderr


def test_issue_makes_a_client_by_the_book(credentials: Credentials, keycloak: StandInKeycloak) -> None:
    """Confidential, with a service account and nothing else, marked, and with a scope whose mapper names the API."""
    result = credentials("issue", "acme", *ACCESS)
    client, scope = keycloak.client("acme"), keycloak.scope("orders:read")

    assert result.exit_code == 0, result.output
    assert client is not None
    assert scope is not None
    flows = ("publicClient", "standardFlowEnabled", "implicitFlowEnabled", "directAccessGrantsEnabled")
    assert [client[flow] for flow in flows] == [False] * 4
    assert client["serviceAccountsEnabled"]
    assert set(client["defaultClientScopes"]) == {"basic", "roles", "service_account", "orders:read"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", client["attributes"]["resource_protector.issued_at"])
    assert [mapper["config"]["included.client.audience"] for mapper in scope["protocolMappers"]] == ["orders-api"]
    assert client["secret"] in result.stdout
    assert "can read every client's secret" in result.stderr
    assert [change.split("/")[-1] for change in keycloak.changes] == ["client-scopes", "clients"]


def test_a_second_run_changes_nothing(credentials: Credentials, keycloak: StandInKeycloak) -> None:
    """Each command may be repeated; the secret is shown by the first `issue` only, and `rotate` alone makes a new one."""
    first, again = credentials("issue", "acme", *ACCESS), credentials("issue", "acme", *ACCESS)
    secret = str((keycloak.client("acme") or {})["secret"])
    texts = [
        result.stdout for name in ("disable", "disable", "enable", "enable") for result in [credentials(name, "acme")]
    ]
    switched = len(keycloak.changes)
    removed = [credentials("remove", "acme").stdout for _ in range(2)]
    as_json = json.loads(credentials("remove", "acme", "--json").stdout)

    assert secret in first.stdout
    assert secret not in again.output
    assert "'credentials rotate' makes a new one" in again.stdout
    assert ["nothing was changed" in text for text in (again.stdout, *texts, *removed)] == [True, *[False, True] * 3]
    assert as_json == {"name": "acme", "exists": False, "changed": False}
    assert switched == 4  # a scope, a client, off and on
    assert len(keycloak.changes) == 5
    assert keycloak.scope("orders:read") is not None


def test_rotate_makes_a_new_secret_each_time(credentials: Credentials, keycloak: StandInKeycloak) -> None:
    """What is shown is what the realm has now."""
    credentials("issue", "acme", *ACCESS)
    shown = []
    for _ in range(2):
        document = json.loads(credentials("rotate", "acme", "--json").stdout)
        shown.append((document["client_secret"], (keycloak.client("acme") or {})["secret"]))

    assert all(printed == kept for printed, kept in shown)
    assert shown[0] != shown[1]


def test_a_disabled_client_is_said_to_be_so(credentials: Credentials) -> None:
    """A new secret, or another `issue`, does not let it in, and says that."""
    credentials("issue", "acme", *ACCESS)
    credentials("disable", "acme")

    assert "'credentials enable' lets it get tokens" in credentials("rotate", "acme").stdout
    assert "It is disabled." in credentials("issue", "acme", *ACCESS).stdout


def test_list_shows_what_was_issued_here(credentials: Credentials, keycloak: StandInKeycloak) -> None:
    """Name, since when, whether enabled, scopes; other clients are nobody's business."""
    none, none_json = credentials("list").stdout, credentials("list", "--json").stdout
    credentials("issue", "Bücher & Söhne", *ACCESS)
    credentials("issue", "acme", *ACCESS)
    credentials("disable", "acme")
    keycloak.add_client({"clientId": "somebody else's"})
    listed = credentials("list").stdout.splitlines()
    documents = json.loads(credentials("list", "--json").stdout)

    assert (none, json.loads(none_json)) == ("No credentials were issued so far.\n", [])
    assert [re.split(r"  +", line)[0] for line in listed] == ["name", "Bücher & Söhne", "acme"]
    assert [re.split(r"  +", line)[2:] for line in listed[1:]] == [["yes", "orders:read"], ["no", "orders:read"]]
    assert [(one["name"], one["enabled"]) for one in documents] == [("Bücher & Söhne", True), ("acme", False)]


def test_list_prints_no_escape(credentials: Credentials, keycloak: StandInKeycloak) -> None:
    """Whatever somebody has written into the realm, a terminal is given printable text."""
    marks = {"resource_protector.issued_at": "\x1b[2J", "resource_protector.scope": "x"}
    keycloak.add_client({"clientId": "a\x1b[2J\u202eb", "attributes": marks})

    assert "a\\x1b[2J\\u202eb  \\x1b[2J" in credentials("list").stdout


def test_an_existing_scope_is_used_as_it_is(credentials: Credentials, keycloak: StandInKeycloak) -> None:
    """A scope of somebody else's making, whose mapper is right, is used and not changed."""
    keycloak.add_scope(scope_with(audience_mapper(**{"included.custom.audience": "orders-api"})))
    credentials("issue", "acme", *ACCESS)

    assert [change.split("/")[-1] for change in keycloak.changes] == ["clients"]
    assert "orders:read" in (keycloak.client("acme") or {})["defaultClientScopes"]


def audience_mapper(**config: str) -> dict[str, Any]:
    """Keycloak's representation of an Audience mapper, as its console makes one."""
    return {"protocolMapper": "oidc-audience-mapper", "config": {"access.token.claim": "true", **config}}


def scope_with(*mappers: dict[str, Any], protocol: str = "openid-connect", **attributes: str) -> dict[str, Any]:
    """Keycloak's representation of the scope that the tests ask for."""
    named = {name.replace("_", "."): value for name, value in attributes.items()}
    return {"name": "orders:read", "protocol": protocol, "attributes": named, "protocolMappers": list(mappers)}


RIGHT = {"included.client.audience": "orders-api"}


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        pytest.param(scope_with(), "has no Audience mapper for 'orders-api'", id="no mapper"),
        pytest.param(scope_with({"protocolMapper": "oidc-sub-mapper"}), "has no Audience mapper", id="another mapper"),
        pytest.param(
            scope_with(audience_mapper(**RIGHT, **{"access.token.claim": "false"})), "no Audience mapper", id="ID token"
        ),
        pytest.param(
            scope_with(audience_mapper(**RIGHT, **{"introspection.token.claim": "false"})),
            "puts 'orders-api (in access tokens only)' into the audience",
            id="not in introspection",
        ),
        pytest.param(
            scope_with({"protocolMapper": "oidc-audience-mapper", "config": RIGHT}),
            "no Audience mapper",
            id="a mapper that says nothing, which Keycloak takes for off",
        ),
        pytest.param(
            scope_with(
                audience_mapper(**RIGHT),
                audience_mapper(**{"included.client.audience": "billing", "introspection.token.claim": "false"}),
            ),
            "puts 'billing (in access tokens only)', 'orders-api' into the audience",
            id="another audience in access tokens alone",
        ),
        pytest.param(
            scope_with(
                audience_mapper(**RIGHT),
                audience_mapper(
                    **{
                        "included.client.audience": "billing",
                        "access.token.claim": "false",
                        "introspection.token.claim": "true",
                    }
                ),
            ),
            "puts 'billing (in introspection only)', 'orders-api' into the audience",
            id="another audience in introspection alone",
        ),
        pytest.param(
            scope_with(audience_mapper(**{"included.client.audience": "billing"})),
            "puts 'billing' into the audience, not 'orders-api' alone",
            id="another audience",
        ),
        pytest.param(
            scope_with(audience_mapper(**RIGHT), audience_mapper(**{"included.custom.audience": "billing"})),
            "puts 'billing', 'orders-api' into the audience",
            id="two audiences",
        ),
        pytest.param(
            scope_with(audience_mapper(**RIGHT), include_in_token_scope="false"),
            "switch on its 'Include in token scope'",
            id="not named in the token",
        ),
        pytest.param(scope_with(protocol="saml"), "not one for OpenID Connect", id="SAML"),
    ],
)
def test_an_existing_scope_that_is_not_right(
    credentials: Credentials, keycloak: StandInKeycloak, scope: dict[str, Any], expected: str
) -> None:
    """It is neither used nor mended: other clients may have it."""
    keycloak.add_scope(scope)

    assert expected in one_line(credentials("issue", "acme", *ACCESS))
    assert keycloak.changes == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["issue", "theirs", *ACCESS], "was not issued here", id="a name that is taken"),
        pytest.param(["rotate", "theirs"], "was not issued here", id="rotate another's"),
        pytest.param(["disable", "theirs"], "was not issued here", id="disable another's"),
        pytest.param(["enable", "theirs"], "was not issued here", id="enable another's"),
        pytest.param(["remove", "theirs"], "was not issued here", id="remove another's"),
        pytest.param(["rotate", "acne"], "There are no credentials 'acne'", id="rotate nobody's"),
        pytest.param(["disable", "acne"], "There are no credentials 'acne'", id="disable nobody's"),
        pytest.param(["enable", "acne"], "There are no credentials 'acne'", id="enable nobody's"),
        pytest.param(["issue", "THEIRS", *ACCESS], "only in upper and lower case", id="another case"),
        pytest.param(["issue", "a", "--for", "api", "--scope", "s"], "There is no client 'api'", id="no such API"),
        pytest.param(
            ["issue", "acme", "--for", "orders-api", "--scope", "other"],
            "was issued for the scope 'orders:read'",
            id="another scope than before",
        ),
    ],
)
def test_what_is_not_done(
    credentials: Credentials, keycloak: StandInKeycloak, arguments: list[str], expected: str
) -> None:
    """One line that says why, and the realm is as it was."""
    credentials("issue", "acme", *ACCESS)
    keycloak.add_client({"clientId": "theirs"})
    before = json.dumps([keycloak.clients, keycloak.scopes])
    said = one_line(credentials(*arguments))

    assert expected in said
    assert json.dumps([keycloak.clients, keycloak.scopes]) == before


@pytest.mark.parametrize(
    ("request_", "status", "body"),
    [
        pytest.param("GET .*/default-default-client-scopes", 500, b"", id="before the client is made"),
        pytest.param("POST .*/clients", 400, b'{"error": "invalid_input"}', id="the client is refused"),
        pytest.param("GET .*/clients/[^/]+", 500, b"", id="after the client was made"),
        pytest.param("GET .*/clients/[^/]+", None, b"", id="no answer after the client was made"),
        pytest.param("GET .*/clients/[^/]+", 200, b"<html>", id="nonsense after the client was made"),
    ],
)
def test_a_failure_midway_is_undone(
    credentials: Credentials, keycloak: StandInKeycloak, request_: str, status: int | None, body: bytes
) -> None:
    """Neither the client nor the scope stays; the next run makes both."""
    keycloak.fault(request_, status, body)
    failed = one_line(credentials("issue", "acme", *ACCESS))
    left = (keycloak.client("acme"), keycloak.scope("orders:read"))
    again = credentials("issue", "acme", *ACCESS)

    assert failed
    assert left == (None, None)
    assert again.exit_code == 0, again.output
    assert "client secret" in again.stdout


def test_a_scope_that_somebody_has_by_now_is_not_undone(credentials: Credentials, keycloak: StandInKeycloak) -> None:
    """What was made for a client that failed may have been given to another one in the meantime."""
    keycloak.fault("POST .*/clients", 400)
    keycloak.add_client({"clientId": "quick", "defaultClientScopes": ["orders:read"]})
    one_line(credentials("issue", "acme", *ACCESS))

    assert keycloak.scope("orders:read") is not None


def test_what_cannot_be_undone_is_finished_by_the_next_run(credentials: Credentials, keycloak: StandInKeycloak) -> None:
    """Keycloak went away right after it had made the client: it is there, whole, and `rotate` gives it a secret."""
    keycloak.fault("POST .*/clients", None, done=True)
    keycloak.fault("GET .*/clients", 200, b'[{"id": "1", "clientId": "orders-api"}]')
    keycloak.fault("GET .*/clients", 200, b"[]")
    keycloak.fault("GET .*/clients", None)
    broken = one_line(credentials("issue", "acme", *ACCESS))
    again = credentials("issue", "acme", *ACCESS)

    assert "see by 'credentials list' what was done" in broken
    assert "exists, and nothing was changed" in again.stdout
    assert credentials("rotate", "acme").exit_code == 0


def test_a_lost_scope_is_given_back(credentials: Credentials, keycloak: StandInKeycloak) -> None:
    """Credentials without their scope are half-made, whoever has taken it: `issue` finishes them, scope and all."""
    credentials("issue", "acme", *ACCESS)
    client, scope = keycloak.client("acme") or {}, keycloak.scope("orders:read") or {}
    client["defaultClientScopes"].remove("orders:read")
    given_back = credentials("issue", "acme", *ACCESS)
    client["defaultClientScopes"].remove("orders:read")
    del keycloak.scopes[scope["id"]]
    remade = credentials("issue", "acme", *ACCESS, "--json")

    assert "had lost its scope and has it again" in given_back.stdout
    assert json.loads(remade.stdout)["changed"]
    assert "client_secret" not in remade.stdout
    assert "orders:read" in client["defaultClientScopes"]


def test_a_scope_that_vanishes_while_the_client_is_made(credentials: Credentials, keycloak: StandInKeycloak) -> None:
    """Keycloak makes the client without it, which is noticed and mended."""
    keycloak.add_scope(scope_with(audience_mapper(**RIGHT)) | {"name": "late"})
    scope = keycloak.scope("late") or {}
    scope_id, listed = scope["id"], json.dumps([scope]).encode()
    keycloak.fault("GET .*/client-scopes", 200, listed.replace(b"late", b"orders:read"))
    scope["name"] = "renamed"  # as if it were not there when the client is made
    result = credentials("issue", "acme", *ACCESS)

    assert result.exit_code == 0, result.output
    assert keycloak.changes[-1].endswith(f"default-client-scopes/{scope_id}")


def test_two_runs_at_once(keycloak: StandInKeycloak) -> None:
    """Of several runs one issues and shows the secret; the others find what it has made."""
    barrier, changes = threading.Barrier(4), []

    def issue() -> None:
        own = ThirdPartyCredentials(RealmAdmin(keycloak.issuer, "a.b.c"))
        barrier.wait()
        changes.append(own.issue("acme", audience="orders-api", scope="orders:read"))

    threads = [threading.Thread(target=issue) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(change.changed for change in changes) == [False, False, False, True]
    assert sum(change.secret is not None for change in changes) == 1
    assert len(keycloak.changes) == 2


@pytest.mark.parametrize("pattern", ["POST .*/client-scopes", "POST .*/clients"])
def test_another_run_was_quicker(credentials: Credentials, keycloak: StandInKeycloak, pattern: str) -> None:
    """A scope or a client that appears between the look and the making is taken as it is."""
    keycloak.fault(pattern, 409, b'{"errorMessage": "it already exists"}', done=True)

    assert credentials("issue", "acme", *ACCESS).exit_code == 0
    assert keycloak.client("acme") is not None


def test_a_quicker_run_for_another_api(credentials: Credentials, keycloak: StandInKeycloak) -> None:
    """A scope that appears meanwhile is judged like one that was there before."""
    keycloak.add_scope(scope_with(audience_mapper(**{"included.client.audience": "billing"})))
    keycloak.fault("GET .*/client-scopes", 200, b"[]")

    assert "puts 'billing' into the audience" in one_line(credentials("issue", "acme", *ACCESS))
    assert keycloak.changes == []


def test_a_conflict_over_nothing_is_said(credentials: Credentials, keycloak: StandInKeycloak) -> None:
    """A scope that can be neither made nor seen is one line, with Keycloak's word for it."""
    keycloak.fault("POST .*/client-scopes", 409, b'{"errorMessage": "taken\\u001b[2J"}')

    assert "Keycloak refused (409: taken?[2J)" in one_line(credentials("issue", "acme", *ACCESS))


def test_removed_by_another_run(credentials: Credentials, keycloak: StandInKeycloak) -> None:
    """Credentials that vanish under the hands are none, or are said to have gone."""
    credentials("issue", "acme", *ACCESS)
    keycloak.fault("DELETE .*", 404, b'{"error": "Could not find client"}')
    removed = credentials("remove", "acme")
    keycloak.fault("GET .*/clients/[^/]+", 404, b'{"error": "Could not find client"}')
    looked_for = one_line(credentials("enable", "acme"))
    keycloak.fault("POST .*/client-secret", 404, b'{"error": "Could not find client"}')

    assert "nothing was changed" in removed.stdout
    assert "There are no credentials 'acme'" in looked_for
    assert "It was removed while this command ran" in one_line(credentials("rotate", "acme"))


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(403, b'{"error": "HTTP 403 Forbidden"}', "give it the role 'manage-clients'", id="no role"),
        pytest.param(200, b"[]", "give it the role 'manage-clients'", id="a role that sees no client"),
        pytest.param(401, b'{"error": "HTTP 401 Unauthorized"}', "does not accept the token", id="another address"),
        pytest.param(404, b"<html>", "a proxy in front of Keycloak may hide it", id="hidden by a proxy"),
        pytest.param(302, b"", "Keycloak refused (302)", id="a redirect"),
        pytest.param(500, b'{"error": "unknown_error"}', "Keycloak refused (500: unknown_error)", id="a server error"),
        pytest.param(500, b"<html>", "Keycloak refused (500).", id="an error page"),
        pytest.param(500, b'["\\u001b"]', "is not Keycloak's admin interface", id="a list"),
        pytest.param(200, b"<html>", "is not Keycloak's admin interface", id="HTML"),
        pytest.param(200, b"{}", "is not Keycloak's admin interface", id="an object"),
        pytest.param(200, b"[1]", "is not Keycloak's admin interface", id="a list of numbers"),
        pytest.param(None, b"", "broke off", id="no answer"),
    ],
)
def test_an_odd_answer_is_one_line(
    credentials: Credentials, keycloak: StandInKeycloak, status: int | None, body: bytes, expected: str
) -> None:
    """Whatever answers in the place of the admin interface, one line says what to do."""
    for _ in range(2):  # python-keycloak asks again after a 401
        keycloak.fault("GET .*/clients", status, body)

    assert expected in one_line(credentials("list"))


def test_a_wrong_secret(credentials: Credentials) -> None:
    """The sign-in that fails says so, and speaks of no option that this command lacks."""
    said = one_line(credentials("list", RESOURCE_PROTECTOR_ADMIN_CLIENT_SECRET="wrong"))

    assert f"check the secret of client {ADMIN!r}" in said


def test_an_admin_client_without_a_service_account(credentials: Credentials, dev_realm: DevRealm) -> None:
    """What `token` would say of --user is left out here."""
    arguments = ("--issuer", dev_realm.issuer, "--admin-client-id", "orders-api")
    said = one_line(credentials("list", *arguments, RESOURCE_PROTECTOR_ADMIN_CLIENT_SECRET="orders-api-secret"))

    assert said.endswith("switch on 'Service account roles' of client 'orders-api'.\n")


def test_nobody_answers(credentials: Credentials, keycloak: StandInKeycloak) -> None:
    """A Keycloak that is away is said to be so, by its address."""
    keycloak.stop()
    said = one_line(credentials("list"))

    assert f"Nothing answers at {token_url(keycloak.issuer)}" in said


def test_the_admin_interface_at_another_address(credentials: Credentials, keycloak: StandInKeycloak) -> None:
    """Keycloak is asked at --admin-url; the customer is shown the issuer's own address."""
    public = "https://sso.example.com/realms/my%20org"
    result = credentials("issue", "acme", *ACCESS, "--issuer", public, "--admin-url", f"{keycloak.url}/")

    assert result.exit_code == 0, result.output
    assert token_url(public) in result.stdout
    assert keycloak.url not in result.stdout


def test_no_proxy_to_this_machine(credentials: Credentials) -> None:
    """A proxy of the environment is not sent what is for a loopback address."""
    proxies: dict[str, str | None] = dict.fromkeys(("http_proxy", "HTTP_PROXY"), "http://127.0.0.1:1")

    assert credentials("list", **proxies, no_proxy=None, NO_PROXY=None).exit_code == 0


def test_the_secret_from_a_file(credentials: Credentials, tmp_path: Path) -> None:
    """The admin client's secret may stand in a file, or come through standard input."""
    (tmp_path / "secret").write_text(ADMIN_SECRET + "\n")
    from_file = credentials("list", "--admin-client-secret-file", str(tmp_path / "secret"))
    from_input = credentials("list", "--admin-client-secret-file", "-", stdin=ADMIN_SECRET)

    assert (from_file.exit_code, from_input.exit_code) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["issue", "acme", "--scope", "s"], "Missing option '--for'", id="no API"),
        pytest.param(["issue", "acme", "--for", "a", "--scope", "a b"], "write one scope", id="two scopes"),
        pytest.param(["issue", "acme", "--for", "a", "--scope", "ü"], "write one scope", id="a scope not in ASCII"),
        pytest.param(["remove", " "], "without spaces at its ends", id="a blank name"),
        pytest.param(["remove", "acme "], "without spaces at its ends", id="a space at the end"),
        pytest.param(["remove", "ac\u202eme"], "'ac\\u202eme'", id="an invisible character"),
        pytest.param(["remove", "a" * 240], "240 characters long: Keycloak takes 239", id="too long"),
        pytest.param(["list", "--admin-client-secret", "s"], "No such option", id="a secret as an option"),
        pytest.param(["list", "--issuer", "myorg"], "no scheme", id="no scheme"),
        pytest.param(["list", "--issuer", "http://sso.example.com/realms/m"], "--allow-insecure-http", id="plain http"),
        pytest.param(["list", "--issuer", "https://sso.example.com/"], "is no realm of a Keycloak", id="no Keycloak"),
        pytest.param(["list", "--admin-url", "http://kc:8080"], "--allow-insecure-http", id="plain http inside"),
        pytest.param(["list", "--admin-url", "https://kc/realms/m"], "without the realm", id="a realm inside"),
        pytest.param(["list", "--admin-client-secret-file", "/no/such"], "No such file", id="no file"),
    ],
)
def test_bad_usage(credentials: Credentials, keycloak: StandInKeycloak, arguments: list[str], expected: str) -> None:
    """It is status 2 before anything is asked, with what to write instead."""
    result = credentials(*arguments)

    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert expected in " ".join(result.stderr.split())
    assert keycloak.changes == []


def test_nobody_to_ask_for_the_secret(credentials: Credentials) -> None:
    """Without a terminal the variable and the option are named."""
    result = credentials("list", RESOURCE_PROTECTOR_ADMIN_CLIENT_SECRET=None)

    assert result.exit_code == 2
    assert "RESOURCE_PROTECTOR_ADMIN_CLIENT_SECRET" in result.stderr
    assert "--admin-client-secret-file FILE" in result.stderr


def test_help_says_what_the_role_is_worth(credentials: Credentials) -> None:
    """Whoever reads the help knows where that secret must not live."""
    text = " ".join(credentials("--help").stdout.split())

    assert "REALM-ADMIN GRADE" in text
    assert "never on the host of the API" in text


def test_without_python_keycloak(keycloak: StandInKeycloak) -> None:
    """The missing extra is named, before any secret is asked for."""
    program = (
        "import sys\n"
        "sys.modules['keycloak'] = None\n"  # Python's own way to say that a module is not to be had
        "from resource_protector.cli import main\n"
        "main(sys.argv[1:], prog_name='resource-protector')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, "credentials", "list", "--issuer", keycloak.issuer, "--admin-client-id", "a"],
        env=clean_environment({}),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "pip install 'resource-protector[admin]'" in result.stderr


def test_a_change_does_not_show_its_secret(keycloak: StandInKeycloak) -> None:
    """What a traceback or a debugger prints of it holds no secret; the time is UTC, whatever the clock says."""
    then = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
    admin = RealmAdmin(keycloak.issuer, "a.b.c")
    change = ThirdPartyCredentials(admin, now=lambda: then).issue("acme", audience="orders-api", scope="orders:read")

    assert change.credentials.issued_at == "2026-02-03T04:05:06Z"
    assert change.secret
    assert change.secret not in repr(change)


def test_no_answer_in_time() -> None:
    """A Keycloak that takes the call and says nothing is given up."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        admin = RealmAdmin(f"http://127.0.0.1:{silent.getsockname()[1]}/realms/r", "a.b.c", timeout_seconds=1)
        with pytest.raises(AdminError, match="did not answer within 1 seconds: see by 'credentials list'"):
            admin.clients()


def test_no_tls(keycloak: StandInKeycloak) -> None:
    """https to a port that speaks http is said to be a matter of certificates."""
    admin = RealmAdmin(keycloak.issuer.replace("http:", "https:"), "a.b.c")

    with pytest.raises(AdminError, match="is not trusted here: set REQUESTS_CA_BUNDLE"):
        admin.clients()


@needs_curl
@pytest.mark.parametrize(
    "client_id", ["acme", "Bücher & Söhne", "o'neil's \"$HOME\" `id`", "a/b:c%41+d", "-x", "株式会社"]
)
def test_the_curl_line_works_as_printed(client_id: str) -> None:
    """A shell and curl bring every name and secret through unchanged, as a realm with an apostrophe in its name sees."""
    secret = "s%2B+:/ß'€"
    client = {"clientId": client_id, "secret": secret, "serviceAccountsEnabled": True}
    with DevRealm({"realm": "o'neil's", "enabled": True, "clients": [client]}) as realm:
        line = curl_line(token_url(realm.issuer), client_id, secret)
        answer = subprocess.run(
            ["sh", "-c", line], env=clean_environment({}), capture_output=True, text=True, check=True, timeout=30
        )

    assert "access_token" in json.loads(answer.stdout)
