"""The claims of an access token, and every check that they have to pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeGuard

from .errors import Finding, Reason
from .policy import AT_JWT, Policy
from .readonly import ReadOnlyDict, read_only

__all__ = ["CHECKS", "AccessToken", "find_problems", "first_problem"]

# Beyond this a number is no date, and adding the leeway to it may overflow.
_LAST_DATE = 2**53  # an int: comparing one with a float takes several times as long
_ID_TOKEN_MARKS = ("nonce", "at_hash", "c_hash")
_BEGINNINGS = ("nbf", "iat")
_SCOPES = ("scope", "scp")
_ONLY_STRINGS = frozenset({str})
# What Keycloak puts into every token of a user or a service account unless the client's access tokens are lightweight.
_LEFT_OUT_OF_LIGHTWEIGHT = ("aud", "realm_access", "resource_access", "acr", "preferred_username")


class AccessToken(ReadOnlyDict[str, Any]):
    """The claims of a verified access token (RFC 7519, RFC 9068): a read-only dict, nested values too.

    `.get`, `[]`, `json.dumps`, `**token` and comparison with a plain dict work; changing it raises
    TypeError; `copy` and `deepcopy` give plain dicts. The raw token is not in it. Made from any mapping.
    """

    __slots__ = ("_scopes",)

    _scopes: frozenset[str]

    def __init__(self, claims: Mapping[str, Any]) -> None:
        super().__init__(claims if type(claims) is ReadOnlyDict else read_only(dict(claims)))

    def __repr__(self) -> str:
        return f"AccessToken({dict(self)!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> Any:
        """What it is to pydantic, and so to FastAPI as a return annotation: a JSON object.

        Only a token is taken for one: where `Depends` was forgotten, FastAPI would read it from the request's body.
        """
        from pydantic_core import core_schema  # who calls this has it; nobody else needs it

        claims = core_schema.dict_schema(core_schema.str_schema(), core_schema.any_schema())
        return core_schema.json_or_python_schema(
            json_schema=core_schema.no_info_after_validator_function(_refuse_json, claims),
            python_schema=core_schema.is_instance_schema(cls),
            serialization=core_schema.plain_serializer_function_ser_schema(dict),
        )

    @property
    def subject(self) -> str | None:
        """Claim `sub`: unique within the issuer only (RFC 7519 section 4.1.2)."""
        return self.get("sub")

    @property
    def issuer(self) -> str | None:
        """Claim `iss` (RFC 7519 section 4.1.1)."""
        return self.get("iss")

    @property
    def audience(self) -> tuple[str, ...]:
        """Claim `aud`, as a tuple whether the token holds a string or a list (RFC 7519 section 4.1.3)."""
        aud = self.get("aud", ())
        return (aud,) if isinstance(aud, str) else tuple(aud) if isinstance(aud, list) else ()

    @property
    def client_id(self) -> str | None:
        """The client that got the token: claim `client_id` (RFC 9068 section 2.2) or `azp`."""
        return self.get("client_id") or self.get("azp")

    @property
    def username(self) -> str | None:
        """Claim `preferred_username`: for display, it may change (OpenID Connect Core 1.0 section 5.7)."""
        return self.get("preferred_username")

    @property
    def scopes(self) -> frozenset[str]:
        """Claim `scope`, split on single spaces (RFC 6749 section 3.3); if absent, claim `scp`."""
        try:
            return self._scopes
        except AttributeError:
            self._scopes = _scopes(self)  # every request that brings the token asks for them
            return self._scopes

    @property
    def realm_roles(self) -> frozenset[str]:
        """Keycloak's `realm_access.roles`."""
        return _roles(self.get("realm_access"))

    def client_roles(self, client: str) -> frozenset[str]:
        """Keycloak's `resource_access.CLIENT.roles`."""
        access = self.get("resource_access")
        return _roles(access.get(client)) if isinstance(access, dict) else frozenset()

    @property
    def expires_at(self) -> float | None:
        """Claim `exp`, in seconds since the epoch (RFC 7519 section 4.1.4)."""
        return self.get("exp")


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    scope = claims.get("scope")
    if scope is None:
        scope = claims.get("scp")
    return _strings(scope.split(" ") if isinstance(scope, str) else scope) - {""}


def _refuse_json(value: object) -> NoReturn:
    raise ValueError(
        "claims that nobody has verified are no access token: make one by AccessToken(...), if you mean it"
    )


def _strings(value: object) -> frozenset[str]:
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()


def _roles(access: object) -> frozenset[str]:
    return _strings(access.get("roles")) if isinstance(access, dict) else frozenset()


def find_problems(
    claims: Mapping[str, Any], policy: Policy, now: float, *, header_type: str | None
) -> Iterator[Finding]:
    """Every reason why `policy` refuses a token with these claims, most telling first.

    `now` is in seconds since the epoch, `header_type` the header's `typ`. The signature has been
    checked by the caller, or has not: claims are claims. Whoever only wants a verdict takes the first.
    """
    for check in CHECKS.values():
        yield from check(claims, policy, now, header_type)


def first_problem(claims: Mapping[str, Any], policy: Policy, now: float, *, header_type: str | None) -> Finding | None:
    """The first of `find_problems`, without a generator: this is on the way of every token."""
    for check in _IN_ORDER:
        found = check(claims, policy, now, header_type)
        if found:
            return found[0]
    return None


Check = Callable[[Mapping[str, Any], Policy, float, str | None], Sequence[Finding]]


def _check_issuer(claims: Mapping[str, Any], policy: Policy, now: float, header_type: str | None) -> Sequence[Finding]:
    """Exact string comparison (RFC 7519 section 4.1.1, RFC 9207 section 2.4)."""
    issuer = claims.get("iss")
    if issuer == policy.issuer:
        return ()
    reason = Reason.ISSUER if isinstance(issuer, str) else Reason.MISSING_CLAIM
    return (Finding(reason, "iss", policy.issuer, issuer),)


def _check_binding(claims: Mapping[str, Any], policy: Policy, now: float, header_type: str | None) -> Sequence[Finding]:
    """A bound token without its proof is somebody else's (RFC 7800, RFC 9449 section 7.1)."""
    if "cnf" in claims:
        return (Finding(Reason.BOUND, "cnf", "absent", "present"),)
    if claims.get("typ") == "DPoP":
        return (Finding(Reason.BOUND, "typ", "Bearer", "DPoP"),)
    return ()


def _check_type(claims: Mapping[str, Any], policy: Policy, now: float, header_type: str | None) -> Sequence[Finding]:
    """Which kind of token it says it is (RFC 8725 section 3.11, RFC 9068 section 4)."""
    said, accepted = claims.get("typ"), policy.token_types
    if said == "Bearer" and header_type == "JWT" and said in accepted:
        return ()  # Keycloak's, nearly always
    # A blank `typ` says something, and nothing that we know; only an absent one says nothing.
    in_header = "jwt" if header_type is None else header_type.lower().removeprefix("application/")
    if said is not None:
        is_accepted = said in accepted
    elif in_header == AT_JWT:
        is_accepted = AT_JWT in accepted
    else:
        is_accepted = (header_type or "JWT") in accepted
    if in_header not in ("jwt", AT_JWT) and header_type not in accepted:
        is_accepted = False
    if not is_accepted:
        actual = (
            said if said is not None else "untyped" if header_type is None else f"header typ {header_type or 'blank'}"
        )
        return (Finding(Reason.TOKEN_TYPE, "typ", accepted, actual),)
    if said == "Bearer":
        return ()
    marks = [mark for mark in _ID_TOKEN_MARKS if mark in claims]
    return [Finding(Reason.TOKEN_TYPE, mark, "absent", "present, as in an ID token") for mark in marks]


def _check_times(claims: Mapping[str, Any], policy: Policy, now: float, header_type: str | None) -> Sequence[Finding]:
    """`exp`, `nbf` and `iat` with one leeway (RFC 7519 sections 4.1.4 to 4.1.6)."""
    found = []
    exp, leeway = claims.get("exp"), policy.leeway_seconds
    if not _is_date(exp):
        found.append(Finding(Reason.MISSING_CLAIM, "exp", "seconds since the epoch", exp))
    elif now >= exp + leeway:
        found.append(Finding(Reason.EXPIRED, "exp", f"later than {now:.0f}", exp))
    for name in _BEGINNINGS:
        if name in claims:
            date = claims[name]
            if not _is_date(date):
                found.append(Finding(Reason.MISSING_CLAIM, name, "seconds since the epoch", date))
            elif now < date - leeway:
                found.append(Finding(Reason.NOT_YET_VALID, name, f"not later than {now:.0f}", date))
    return found


def _is_date(value: object) -> TypeGuard[float]:
    return type(value) in (int, float) and -_LAST_DATE < value < _LAST_DATE  # type: ignore[operator]  # a number by its type


def _check_lightweight(
    claims: Mapping[str, Any], policy: Policy, now: float, header_type: str | None
) -> Sequence[Finding]:
    """Keycloak's lightweight access tokens: what is needed here is only to be had by introspection."""
    lacks_audience = "aud" not in claims and policy.audience is not None
    if not lacks_audience and ("sub" in claims or "sub" not in policy.required_claims):
        return ()
    if claims.get("typ") != "Bearer" or any(name in claims for name in _LEFT_OUT_OF_LIGHTWEIGHT):
        return ()
    return (Finding(Reason.LIGHTWEIGHT, "aud" if lacks_audience else "sub", "present", "absent"),)


def _check_audience(
    claims: Mapping[str, Any], policy: Policy, now: float, header_type: str | None
) -> Sequence[Finding]:
    """One exact member of `aud`, strings only (RFC 7519 section 4.1.3)."""
    if policy.audience is None:
        return ()
    aud = claims.get("aud")
    members = [aud] if isinstance(aud, str) else aud
    if not isinstance(members, list) or not _ONLY_STRINGS.issuperset(map(type, members)):
        return (Finding(Reason.MISSING_CLAIM, "aud", sorted(policy.audience), aud),)
    if policy.audience.isdisjoint(members):
        return (Finding(Reason.AUDIENCE, "aud", sorted(policy.audience), aud),)
    return ()


def _check_required(
    claims: Mapping[str, Any], policy: Policy, now: float, header_type: str | None
) -> Sequence[Finding]:
    """Claims that this API needs, and those whose type everything here relies on."""
    found = []
    for name in policy.required_claims:
        if claims.get(name) is None:
            found.append(  # noqa: PERF401 - a comprehension costs more for the nothing that it nearly always makes
                Finding(Reason.MISSING_CLAIM, name, "present", claims.get(name, "absent"))
            )
    sub = claims.get("sub")
    if sub is not None and not (isinstance(sub, str) and sub):
        found.append(Finding(Reason.MISSING_CLAIM, "sub", "a string", sub))
    for name in _SCOPES:
        if name in claims:
            value = claims[name]
            if not isinstance(value, str) and not (isinstance(value, list) and set(map(type, value)) <= _ONLY_STRINGS):
                found.append(Finding(Reason.MALFORMED, name, "a string or a list of strings", value))
    return found


#: In the order in which a verdict is reached, by what each one checks.
CHECKS: dict[str, Check] = {
    "issuer": _check_issuer,
    "proof of possession": _check_binding,
    "type": _check_type,
    "times": _check_times,
    "lightweight": _check_lightweight,
    "audience": _check_audience,
    "required claims": _check_required,
}
_IN_ORDER = tuple(CHECKS.values())
