from __future__ import annotations

import runpy
import shutil
import traceback
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent.parent / "examples" / "fastapi_login"
GOOD = {
    "KEYCLOAK_SERVER_URL": "https://sso.example.com",
    "KEYCLOAK_CLIENT_ID": "orders-api",
    "KEYCLOAK_REALM_NAME": "myorg",
    "KEYCLOAK_CLIENT_SECRET_KEY": "fsQJIcU3Ze3ymaYS",
}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of settings.py without its two files, and an environment that says nothing."""
    for name in (*GOOD, "VERSION", "SWAGGER_CLIENT_ID", "RUNTIME_ENV"):
        monkeypatch.delenv(name, raising=False)
    return Path(shutil.copy(EXAMPLE / "settings.py", tmp_path))


def problems(settings: Path) -> list[str]:
    """The sentences with which the settings refuse to be read."""
    with pytest.raises(ValueError, match=r"\.$") as caught:
        runpy.run_path(str(settings))
    # Whoever starts the server reads the whole traceback, and pydantic's own text would show what was given.
    assert "input_value" not in "".join(traceback.format_exception(caught.value))
    return str(caught.value).splitlines()


@pytest.mark.parametrize(("runtime_env", "swagger_client"), [("local", None), ("prod", "local-docs")])
def test_both_files_are_good(
    runtime_env: str, swagger_client: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """RUNTIME_ENV chooses the file, which is found beside settings.py, wherever the server is started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNTIME_ENV", runtime_env)
    loaded = runpy.run_path(str(EXAMPLE / "settings.py"))["settings"]

    assert loaded.model_dump(include={"RUNTIME_ENV", "KEYCLOAK_CLIENT_ID", "SWAGGER_CLIENT_ID"}) == {
        "RUNTIME_ENV": runtime_env,
        "KEYCLOAK_CLIENT_ID": "local-api",
        "SWAGGER_CLIENT_ID": swagger_client,
    }


def test_the_environment_is_enough(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is needed, and nobody sees the secret who does not ask for it."""
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    loaded = runpy.run_path(str(settings))["settings"]

    assert loaded.KEYCLOAK_CLIENT_SECRET_KEY.get_secret_value() == GOOD["KEYCLOAK_CLIENT_SECRET_KEY"]
    assert GOOD["KEYCLOAK_CLIENT_SECRET_KEY"] not in repr(loaded)


def test_all_that_is_missing_is_named_at_once(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence for each; a blank value is none."""
    monkeypatch.setenv("KEYCLOAK_CLIENT_ID", "")
    monkeypatch.setenv("KEYCLOAK_REALM_NAME", " ")

    assert problems(settings) == [
        f"{name} is missing: set it in the environment or in {settings.with_name('.local.env')}." for name in GOOD
    ]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        pytest.param(
            "KEYCLOAK_SERVER_URL",
            "localhost:8080",
            "KEYCLOAK_SERVER_URL 'localhost:8080' has no scheme: write it as 'https://host/...'.",
            id="no scheme",
        ),
        pytest.param(
            "KEYCLOAK_SERVER_URL",
            "http://sso.example.com",
            "KEYCLOAK_SERVER_URL 'http://sso.example.com' is plain http",
            id="plain http",
        ),
        pytest.param(
            "KEYCLOAK_SERVER_URL",
            "https://sso.example.com/realms/myorg",
            "KEYCLOAK_SERVER_URL 'https://sso.example.com/realms/myorg' names a realm too: write 'https://sso.example.com'.",
            id="an issuer",
        ),
        pytest.param(
            "KEYCLOAK_REALM_NAME",
            "https://sso.example.com/realms/myorg",
            "KEYCLOAK_REALM_NAME 'https://sso.example.com/realms/myorg' is an address: write only what follows",
            id="an issuer for the realm",
        ),
        pytest.param(
            "KEYCLOAK_CLIENT_SECRET_KEY",
            "<secret that you get from keycloak>",
            "KEYCLOAK_CLIENT_SECRET_KEY holds no secret: copy it from Keycloak's console",
            id="the tutorial's placeholder",
        ),
        pytest.param(
            "RUNTIME_ENV",
            "production",
            "RUNTIME_ENV is 'production': write 'local' to read .local.env, or 'prod' to read .env.",
            id="neither local nor prod",
        ),
    ],
)
def test_a_wrong_value_is_told_what_to_write(
    settings: Path, name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence that names the setting, and nothing else of what was given."""
    for setting, given in {**GOOD, name: value}.items():
        monkeypatch.setenv(setting, given)
    (said,) = problems(settings)

    assert said.startswith(sentence)
    assert GOOD["KEYCLOAK_CLIENT_SECRET_KEY"] not in said


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        pytest.param(
            {"RUNTIME_ENV": "prod"}, "RUNTIME_ENV in {} is 'prod', which has a file of its own", id="the other file's"
        ),
        pytest.param(
            {"KEYCLOACK_REALM": "x"}, "KEYCLOACK_REALM in {} is no setting of this application, which has", id="a typo"
        ),
    ],
)
def test_a_wrong_line_in_a_file(settings: Path, line: dict[str, str], sentence: str) -> None:
    """What a file says and nobody reads is refused, with the file's name."""
    file = settings.with_name(".local.env")
    file.write_text("".join(f"{name}={value}\n" for name, value in (GOOD | line).items()))
    (said,) = problems(settings)

    assert said.startswith(sentence.format(file))
