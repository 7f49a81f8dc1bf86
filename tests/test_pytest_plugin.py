import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

REALM = {
    "realm": "mine",
    "enabled": True,
    "clients": [{"clientId": "robot", "secret": "s", "serviceAccountsEnabled": True}],
}

PROBE = """
import json, sys
before = set(sys.modules)
import resource_protector.pytest_plugin
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_a_fixture_without_any_set_up(pytester: pytest.Pytester) -> None:
    """Whoever has the package installed has the fixture, and a realm with it."""
    pytester.makepyfile(
        """
        import requests
        from resource_protector import RealmTokenValidator

        def test_realm(dev_realm):
            validator = RealmTokenValidator(dev_realm.issuer, audience="orders-api")
            assert validator.verify(dev_realm.token(scope="test_api_access"))["azp"] == "test_api_client"
            assert dev_realm.requests["certs"] == 1
        """
    )

    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


def test_what_a_test_does_is_undone(pytester: pytest.Pytester) -> None:
    """Faults, keys and counts of one test are not there in the next one, also if it fails."""
    pytester.makepyfile(
        """
        import pytest, requests
        from resource_protector.realm import certs_url

        seen = []

        def look(dev_realm):
            return sorted(key["kid"] for key in requests.get(certs_url(dev_realm.issuer), timeout=10).json()["keys"])

        def test_first(dev_realm):
            seen.append(look(dev_realm))

        @pytest.mark.parametrize(
            "fault", ["answer_500", "answer_html", "answer_broken", "answer_empty", "down", "stop", "rotate"]
        )
        def test_break(dev_realm, fault):
            assert look(dev_realm) == seen[0]
            getattr(dev_realm, fault)()

        def test_withdraw(dev_realm):
            dev_realm.rotate(old="withdraw")
            dev_realm.stall(300)
            raise AssertionError("as a test may")

        def test_last(dev_realm):
            assert dev_realm.requests == {}
            assert look(dev_realm) == seen[0]
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=9, failed=1)


def test_one_realm_for_the_session(pytester: pytest.Pytester) -> None:
    """All tests of a session share one server, which is gone when the session is."""
    pytester.makepyfile(
        **dict.fromkeys(
            ("test_a", "test_b"),
            """\n            def test_port(dev_realm):\n                with open("ports", "a") as ports:\n                    print(dev_realm.port, file=ports)\n            """,
        )
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=2)

    assert len(set((pytester.path / "ports").read_text().split())) == 1


def test_one_realm_per_worker(pytester: pytest.Pytester) -> None:
    """Under xdist each worker has a server of its own, so a fault in one does not reach another."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(20))
        def test_port(dev_realm, worker_id, number):
            with open("ports", "a") as ports:
                print(worker_id, dev_realm.port, file=ports)
        """
    )
    pytester.runpytest_subprocess("-n", "2", "--dist", "each").assert_outcomes(passed=40)
    pairs = {tuple(line.split()) for line in (pytester.path / "ports").read_text().splitlines()}

    assert {worker for worker, _ in pairs} == {"gw0", "gw1"}
    assert len(pairs) == len({port for _, port in pairs}) == 2


def test_a_realm_file_of_ones_own(pytester: pytest.Pytester) -> None:
    """The ini option names a file relative to the rootdir, from wherever pytest is started."""
    pytester.makeini("[pytest]\nresource_protector_realm = realms/mine.json\n")
    folder = pytester.mkdir("realms")
    (folder / "mine.json").write_text(json.dumps(REALM))
    test = pytester.mkdir("suite") / "test_it.py"
    test.write_text(
        "def test_name(dev_realm):\n    assert (dev_realm.name, [*dev_realm.clients]) == ('mine', ['robot'])\n"
    )

    pytester.runpytest_subprocess(test).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read (No such file or directory): write the path of a Keycloak realm file."),
        ("{", "is not JSON"),
        ("{}", "lacks 'realm'"),
    ],
)
def test_a_bad_realm_file(pytester: pytest.Pytester, content: str | None, sentence: str) -> None:
    """A realm file that is none is one sentence that names the option, without a traceback."""
    pytester.makeini("[pytest]\nresource_protector_realm = mine.json\n")
    if content is not None:
        (pytester.path / "mine.json").write_text(content)
    pytester.makepyfile("def test_it(dev_realm): pass")
    result = pytester.runpytest_subprocess()

    result.assert_outcomes(errors=1)
    assert "resource_protector_realm: " in result.stdout.str()
    assert sentence in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


FORBIDDEN = {
    "the class is replaced": """
        @pytest.fixture(scope="session", autouse=True)
        def no_sockets():
            class Forbidden(socket.socket):
                def __new__(cls, *args, **kwargs):
                    raise RuntimeError("A test tried to use a socket.")
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(socket, "socket", Forbidden)
                yield
        """,
    "an audit hook raises": """
        def refuse(event, args):
            if event in ("socket.bind", "socket.connect"):
                raise AssertionError("no sockets here")

        def pytest_configure(config):
            sys.addaudithook(refuse)
        """,
}


@pytest.mark.parametrize("conftest", FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_suite_that_forbids_sockets(pytester: pytest.Pytester, conftest: str) -> None:
    """Where nobody may open a socket, tokens, `fetch`, `protects` and faults work within the process."""
    pytester.makeconftest("import socket, sys\nimport pytest\n" + textwrap.dedent(conftest))
    pytester.makepyfile(
        """
        import pytest
        from flask import Flask
        from resource_protector import KeysUnavailable, RealmTokenValidator
        from resource_protector.flask import ResourceProtector

        require_auth = ResourceProtector("https://sso.example.com/realms/myorg", audience="my-api")
        app = Flask(__name__)

        @app.get("/")
        @require_auth("orders:read")
        def index():
            return "ok"

        def test_fetch(dev_realm):
            validator = RealmTokenValidator(dev_realm.issuer, audience="orders-api", fetch=dev_realm.fetch)
            with dev_realm.down(), pytest.raises(KeysUnavailable):
                validator.verify(dev_realm.mint())

        def test_protects(dev_realm):
            with dev_realm.protects(require_auth):
                assert app.test_client().get("/", headers=dev_realm.bearer(scope="orders:read")).status_code == 200
                assert app.test_client().get("/", headers=dev_realm.bearer()).status_code == 403
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def test_a_suite_that_forbids_sockets_in_one_test(pytester: pytest.Pytester) -> None:
    """Where the realm already listens and one test may not connect, that test passes `fetch`."""
    pytester.makepyfile(
        """
        import socket
        import pytest
        from resource_protector import RealmTokenValidator

        def test_with_sockets(dev_realm):
            RealmTokenValidator(dev_realm.issuer, audience="orders-api").verify(dev_realm.mint())

        def test_without(dev_realm, monkeypatch):
            def refuse(*args, **kwargs):
                raise RuntimeError("A test tried to use a socket.")
            monkeypatch.setattr(socket, "socket", refuse)
            RealmTokenValidator(dev_realm.issuer, audience="orders-api", fetch=dev_realm.fetch).verify(dev_realm.mint())
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def test_nothing_heavy_is_imported() -> None:
    """The plugin is loaded into every pytest run of its users, and brings nothing along but itself."""
    ran = subprocess.run([sys.executable, "-c", f"import pytest\n{PROBE}"], capture_output=True, text=True, check=True)

    assert json.loads(ran.stdout) == ["resource_protector", "resource_protector.pytest_plugin"]


def test_the_option_is_explained(pytester: pytest.Pytester) -> None:
    """`pytest --help` and `pytest --fixtures` say what there is."""
    assert "resource_protector_realm" in pytester.runpytest_subprocess("--help").stdout.str()
    assert "A running dev realm" in pytester.runpytest_subprocess("--fixtures").stdout.str()


def test_an_installed_package_has_the_plugin() -> None:
    """The entry point is what makes the fixture appear."""
    from importlib.metadata import entry_points

    assert "resource_protector.pytest_plugin" in {point.value for point in entry_points(group="pytest11")}


def test_the_packaged_realm_is_that_of_the_examples() -> None:
    """Without the option it is the realm of the examples, which is packaged."""
    from resource_protector.dev import DEMO_REALM_FILE

    example = Path(__file__).parents[1] / "examples/keycloak/myorg-realm.json"
    assert DEMO_REALM_FILE.read_bytes() == example.read_bytes()
