"""What a route requires of a token, and what of it is missing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from .claims import AccessToken
from .errors import Finding, Reason

__all__ = ["AllOf", "AnyOf", "Requirement", "Requirements", "all_of", "any_of", "exactly"]

_SCOPE_TOKEN = re.compile(r"[!#-\[\]-~]+")


@dataclass(frozen=True, slots=True)
class Name:
    """One scope, role or claim value."""

    value: object

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Name) and _distinct(self.value) == _distinct(other.value)

    def __hash__(self) -> int:
        return hash(_distinct(self.value))

    def is_met_by(self, granted: Collection[object]) -> bool:
        return _distinct(self.value) in granted

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of these."""

    terms: tuple[Term, ...]

    def is_met_by(self, granted: Collection[object]) -> bool:
        return all(term.is_met_by(granted) for term in self.terms)

    def __str__(self) -> str:
        return " and ".join(f"({term})" if isinstance(term, AnyOf) else str(term) for term in self.terms)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of these."""

    terms: tuple[Term, ...]

    def is_met_by(self, granted: Collection[object]) -> bool:
        return any(term.is_met_by(granted) for term in self.terms)

    def __str__(self) -> str:
        return " or ".join(f"({term})" if isinstance(term, AllOf) else str(term) for term in self.terms)


Term: TypeAlias = Name | AllOf | AnyOf
#: What a scope, role or claim may be required as: "a b" and ["a", "b"] both mean all of them.
Requirement: TypeAlias = "str | Iterable[Requirement] | Name | AllOf | AnyOf"


def all_of(*required: Requirement) -> AllOf:
    """All of `required`: `all_of("a", any_of("b", "c"))` is a and (b or c). Raises ValueError for nothing at all."""
    return AllOf(tuple(_flat(_terms(required, "all_of()"))))


def any_of(*alternatives: Requirement) -> AnyOf:
    """Any of `alternatives`: `any_of("a b", "c")` is (a and b) or c. Raises ValueError for nothing at all."""
    return AnyOf(_terms(alternatives, "any_of()"))


def exactly(value: str | bool | int) -> Name:
    """A role or claim value as it stands, also where it holds a space (strings are split on spaces otherwise)."""
    if not isinstance(value, str | bool | int) or value == "":
        raise ValueError(f"exactly({value!r}): pass one string, number or boolean.")
    return Name(value)


def _terms(items: Iterable[Requirement], name: str) -> tuple[Term, ...]:
    terms = tuple(_term(item, name) for item in items)
    if not terms:
        raise ValueError(f"{name} requires nothing: name at least one, or leave it out (None means any valid token).")
    return terms


def _term(item: object, name: str) -> Term:
    if isinstance(item, Name | AllOf | AnyOf):
        return item
    if isinstance(item, str):
        names = [part for part in item.split(" ") if part]
        if not names or any(part != part.strip() for part in names):
            raise ValueError(
                f"{name} holds {item!r}: write names separated by single spaces, or None for any valid token."
            )
        return Name(names[0]) if len(names) == 1 else AllOf(tuple(map(Name, names)))
    if isinstance(item, bool | int):
        return Name(item)
    if isinstance(item, Mapping) or not isinstance(item, Iterable) or isinstance(item, bytes):
        raise ValueError(f"{name} holds {item!r}: write a string, a list of strings, any_of(...) or all_of(...).")
    return AllOf(tuple(_flat(_terms(item, name))))


def _flat(terms: Iterable[Term]) -> Iterator[Term]:
    for term in terms:
        if isinstance(term, AllOf):
            yield from term.terms
        else:
            yield term


def _values(claim: object) -> frozenset[object]:
    """What a claim grants: its value, or each member of its list."""
    members = claim if isinstance(claim, list) else [claim]
    return frozenset(_distinct(member) for member in members if isinstance(member, str | bool | int))


def _distinct(value: object) -> object:
    """`value`, told apart from what Python calls equal: `1 == True`, but a claim's 1 is not its true."""
    return (bool, value) if isinstance(value, bool) else value


@dataclass(frozen=True, slots=True)
class Requirements:
    """Everything that one route requires; all of it must hold. Equal and hashable by what it requires.

    `introspect` requires that the realm calls the token active, and the rest of today's claims.
    """

    scopes: Term | None = None
    roles: Term | None = None
    client_roles: tuple[tuple[str, Term], ...] = ()
    claims: tuple[tuple[str, Term], ...] = ()
    issuer: str | None = None
    introspect: bool = False

    @classmethod
    def of(
        cls,
        scopes: Requirement | None = None,
        *,
        roles: Requirement | None = None,
        client_roles: Mapping[str, Requirement] | None = None,
        claims: Mapping[str, Requirement] | None = None,
        issuer: str | None = None,
        introspect: bool = False,
    ) -> Requirements:
        """Read what a route was given. Raises ValueError for what requires nothing or can never hold."""
        read = None if scopes is None else _term(scopes, "scopes")
        for name in _names(read):
            if not isinstance(name.value, str) or not _SCOPE_TOKEN.fullmatch(name.value):
                raise ValueError(
                    f"scope {name.value!r} cannot be in any token: scopes are printable ASCII without quotes and "
                    "backslashes (RFC 6749 section 3.3)."
                )
        if issuer is not None and (not isinstance(issuer, str) or not issuer.strip()):
            raise ValueError(f"issuer is {issuer!r}: write the issuer's URL, or leave it out.")
        if not isinstance(introspect, bool):
            raise ValueError(f"introspect is {introspect!r}: write True or False.")
        return cls(
            scopes=read,
            roles=None if roles is None else _text(_term(roles, "roles"), "roles"),
            client_roles=tuple(
                (client, _text(term, f"client_roles[{client!r}]"))
                for client, term in _mapping(client_roles, "client_roles", "{'orders-api': 'writer'}")
            ),
            claims=_mapping(claims, "claims", "{'groups': any_of('/staff', '/admins')}"),
            issuer=issuer,
            introspect=introspect,
        )

    @property
    def scope_parameter(self) -> str | None:
        """The challenge's `scope` (RFC 6750 section 3): every scope needed, or None where no single list is right."""
        scopes = self.scopes
        if isinstance(scopes, Name):
            return str(scopes)
        if isinstance(scopes, AllOf) and all(isinstance(term, Name) for term in scopes.terms):
            return " ".join(dict.fromkeys(map(str, scopes.terms)))
        return None

    def joined(self, other: Requirements) -> Requirements:
        """Both together, where a guard and a decorator, or two decorators, protect one route."""
        return Requirements(
            scopes=_both(self.scopes, other.scopes),
            roles=_both(self.roles, other.roles),
            client_roles=self.client_roles + other.client_roles,
            claims=self.claims + other.claims,
            issuer=self.issuer or other.issuer,
            introspect=self.introspect or other.introspect,
        )

    def problems(self, token: AccessToken) -> Iterator[Finding]:
        """What `token` lacks of this, the issuer first."""
        if self.issuer is not None and token.get("iss") != self.issuer:
            yield Finding(Reason.ISSUER, "iss", self.issuer, token.get("iss"))
        if self.scopes is not None and not self.scopes.is_met_by(token.scopes):
            yield Finding(Reason.INSUFFICIENT_SCOPE, "scope", str(self.scopes), sorted(token.scopes))
        if self.roles is not None and not self.roles.is_met_by(token.realm_roles):
            yield _lacks_role("realm_access.roles", self.roles, sorted(token.realm_roles))
        for client, required in self.client_roles:
            roles = token.client_roles(client)
            if not required.is_met_by(roles):
                yield _lacks_role(f"resource_access.{client}.roles", required, sorted(roles))
        for name, required in self.claims:
            if not required.is_met_by(_values(token.get(name))):
                yield _lacks_role(name, required, token.get(name))


def _both(one: Term | None, other: Term | None) -> Term | None:
    return all_of(one, other) if one and other else one or other


def _lacks_role(claim: str, required: Term, actual: Any) -> Finding:
    return Finding(Reason.INSUFFICIENT_ROLE, claim, str(required), actual)


def _names(term: Term | None) -> Iterator[Name]:
    if isinstance(term, Name):
        yield term
    elif term is not None:
        for part in term.terms:
            yield from _names(part)


def _text(term: Term, name: str) -> Term:
    """`term`, if all that it names is text, as roles are. Raises ValueError."""
    for part in _names(term):
        if not isinstance(part.value, str):
            raise ValueError(
                f"{name} holds {part.value!r}, and a role is text, so no token could ever have it: write "
                f"{str(part.value)!r}, or claims={{'name': {part.value!r}}} for a claim that is no text."
            )
    return term


def _mapping(given: Mapping[str, Requirement] | None, name: str, example: str) -> tuple[tuple[str, Term], ...]:
    if given is None:
        return ()
    if not isinstance(given, Mapping) or not given or not all(isinstance(key, str) and key for key in given):
        raise ValueError(f"{name} is {given!r}: write a dict such as {example}, or leave it out.")
    return tuple((key, _term(value, f"{name}[{key!r}]")) for key, value in given.items())
