"""How users write it: checked by mypy --strict, never run."""

from typing import Any, assert_type

from flask import Blueprint, Flask
from werkzeug.routing import Rule

from resource_protector import (
    AccessToken,
    MultiRealmValidator,
    RealmTokenValidator,
    Reason,
    TokenRejected,
    all_of,
    any_of,
    exactly,
)
from resource_protector.flask import ResourceProtector, current_token, get_token
from resource_protector.shadow import Shadow, ShadowReport

ISSUER = "https://sso.example.com/realms/myorg"

app = Flask(__name__)
admin = Blueprint("admin", __name__)
validator = RealmTokenValidator(ISSUER, audience=["a", "b"], leeway_seconds=5, algorithms={"RS256"})
found = RealmTokenValidator.discover("https://keycloak.internal/realms/myorg", issuer=ISSUER, audience=None)
require_auth = ResourceProtector(ISSUER, audience="a", cooldown_seconds=2.5, realm="Orders")
ResourceProtector(validator)
ResourceProtector(MultiRealmValidator(validator, found))

RealmTokenValidator(ISSUER)  # type: ignore[call-arg]  # an audience has to be chosen
RealmTokenValidator(ISSUER, audience="a", leeway=5)  # type: ignore[call-arg]  # no such keyword
require_auth("a", scopes="b")  # type: ignore[call-overload]  # no such requirement


@app.get("/bare")
@require_auth
def bare() -> str:
    """A decorator without brackets."""
    return "ok"


@app.get("/orders/<int:number>")
@require_auth(
    any_of("a b", "c"), roles=["x"], client_roles={"a": all_of("w", exactly("x y"))}, claims={"ok": exactly(True)}
)
def order(number: int) -> str:
    """Requirements of every kind."""
    assert_type(current_token, AccessToken)
    assert_type(get_token(), AccessToken | None)
    assert_type(current_token.scopes, frozenset[str])
    with require_auth.acquire("d") as token:
        assert_type(token, AccessToken)
    return str(number)


assert_type(order(5), str)  # decorating keeps the signature
require_auth.guard(admin, "a", optional=True, exempt="/health", g_name="auth_token")
assert_type(require_auth.unprotected(app), list[Rule])


def online(token: str) -> dict[str, Any]:
    """The provider's answer."""
    return {}


shadow = Shadow(online, validator, decides="online", refusals=(LookupError,))
ResourceProtector(shadow)
assert_type(shadow.verify("x"), AccessToken)
assert_type(shadow.report(), ShadowReport)
assert_type(shadow.watching(online)("x"), dict[str, Any])
assert_type(shadow.answer("x", lambda: 1, accepted=lambda claims: 2), int)


@require_auth.accept_token(True, ["a"], render_errors=False)
def accepting() -> str:
    """A view written for flask-oidc 1."""
    return "ok"


assert_type(accepting(), str)

try:
    assert_type(validator.verify("x", introspect=True), AccessToken)
except TokenRejected as error:
    assert_type(error.reason, Reason)
