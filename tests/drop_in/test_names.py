import inspect
from collections.abc import Callable
from typing import Any

import keycloak
import keycloak.exceptions
import pytest

from resource_protector import keycloak as ours
from resource_protector.dev import DevRealm
from resource_protector.keycloak import exceptions
from tests.drop_in.drop_ins import drop_in, jwcrypto_common, jwcrypto_jws, jwcrypto_jwt, original

PUBLIC = sorted(name for name in dir(keycloak.KeycloakOpenID) if not name.startswith("_"))
HERE = [name for name in PUBLIC if hasattr(ours.KeycloakOpenID, name)]
ELSEWHERE = [name for name in PUBLIC if name not in HERE and name != "client_secret_key"]
ERRORS = sorted(name for name in exceptions.__all__)


def parameters(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    """The name, kind and default of each parameter."""
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


def test_the_constructor_is_the_originals() -> None:
    """The same names in the same order with the same defaults; what is new can only be given by name."""
    theirs, mine = parameters(keycloak.KeycloakOpenID), parameters(ours.KeycloakOpenID)
    added = mine[len(theirs) :]

    assert mine[: len(theirs)] == theirs
    assert {kind for _, kind, _ in added} == {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}


def test_what_the_issue_names_is_here() -> None:
    """Nine methods, and each of them for `await`."""
    methods = [
        "introspect",
        "decode_token",
        "userinfo",
        "token",
        "refresh_token",
        "logout",
        "well_known",
        "public_key",
        "certs",
    ]

    assert {*methods, *(f"a_{name}" for name in methods)} | {"realm_name", "client_id"} == set(HERE)


@pytest.mark.parametrize("name", [name for name in HERE if name not in ("realm_name", "client_id")])
def test_a_method_takes_what_the_originals_takes(name: str) -> None:
    """The same parameters in the same order with the same defaults, and a coroutine where that is one."""
    theirs, mine = getattr(keycloak.KeycloakOpenID, name), getattr(ours.KeycloakOpenID, name)

    assert parameters(mine) == parameters(theirs)
    assert inspect.iscoroutinefunction(mine) == inspect.iscoroutinefunction(theirs)
    assert mine.__name__ == name
    assert mine.__doc__


@pytest.mark.parametrize("name", ELSEWHERE)
def test_anything_else_names_the_library_that_has_it(dev_realm: DevRealm, name: str) -> None:
    """One sentence, which `hasattr` reads as no."""
    api = drop_in(dev_realm)
    with pytest.raises(AttributeError, match=rf"no '{name}'\. .*python-keycloak"):
        getattr(api, name)

    assert not hasattr(api, name)


def test_an_unknown_name_is_unknown(dev_realm: DevRealm) -> None:
    """What the original does not have either is not sent there."""
    with pytest.raises(AttributeError, match="'KeycloakOpenID' object has no attribute 'introspct'"):
        drop_in(dev_realm).introspct  # noqa: B018 - reading it is the test


def test_plain_properties_are_read_as_before(dev_realm: DevRealm) -> None:
    """The realm's and the client's name, and the secret; the latter may be changed, and is in no repr."""
    mine, theirs = drop_in(dev_realm), original(dev_realm)
    names = ("realm_name", "client_id", "client_secret_key")
    read = [tuple(getattr(api, name) for name in names) for api in (mine, theirs)]
    mine.client_secret_key = "another"

    assert read[0] == read[1]
    assert mine.client_secret_key == "another"
    assert "another" not in repr(mine)
    assert repr(mine) == f"<KeycloakOpenID <RealmTokenValidator {dev_realm.issuer} audience=['orders-api']>>"


@pytest.mark.parametrize("name", ERRORS)
def test_an_exception_has_its_name_and_its_kin(name: str) -> None:
    """A clause that caught one of python-keycloak's exceptions catches ours of that name, and all below it."""
    theirs, mine = getattr(keycloak.exceptions, name), getattr(ours, name)
    kin = [kind.__name__ for kind in theirs.__mro__ if kind.__module__ == "keycloak.exceptions"]

    assert [kind.__name__ for kind in mine.__mro__ if kind.__module__ == exceptions.__name__] == kin
    assert parameters(mine) == parameters(theirs)


def test_every_exception_that_can_be_imported_is_here() -> None:
    """All of python-keycloak's, so that an import line changes in its module alone."""
    theirs = {name for name in dir(keycloak.exceptions) if name.startswith("Keycloak")}

    assert theirs == set(ERRORS)


def test_an_exception_says_what_the_originals_says() -> None:
    """Attributes and text are the same."""
    for arguments in ((), ("message",), (b"body", 400, b"body")):
        theirs, mine = keycloak.exceptions.KeycloakPostError(*arguments), ours.KeycloakPostError(*arguments)
        names = ("error_message", "response_code", "response_body", "args")

        assert [getattr(mine, name) for name in names] == [getattr(theirs, name) for name in names]
        assert str(mine) == str(theirs)


@pytest.mark.parametrize(
    "name",
    [
        *("JWException", "JWKeyNotFound", "JWTExpired", "JWTNotYetValid", "JWTMissingClaim", "JWTInvalidClaimValue"),
        *("JWTMissingKey", "InvalidJWSSignature", "InvalidJWSObject"),
    ],
)
def test_jwcryptos_names_have_their_kin(name: str) -> None:
    """What is a subclass of what is as in jwcrypto."""
    home = next(module for module in (jwcrypto_common, jwcrypto_jws, jwcrypto_jwt) if hasattr(module, name))
    theirs = [kind.__name__ for kind in getattr(home, name).__mro__]

    assert [kind.__name__ for kind in getattr(ours, name).__mro__] == theirs


def test_nothing_of_python_keycloak_is_imported() -> None:
    """It may be uninstalled: no module of ours names it or jwcrypto in an import."""
    import ast
    from pathlib import Path

    tops = {
        alias.name.split(".")[0] if isinstance(node, ast.Import) else (node.module or "").split(".")[0]
        for path in Path(str(ours.__file__)).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and not node.level)
        for alias in node.names
    }

    assert not tops & {"keycloak", "jwcrypto", "httpx"}
