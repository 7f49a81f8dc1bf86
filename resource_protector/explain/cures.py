"""The cures of claims that a Keycloak realm left out: page, tab and switch of its admin console (version 26)."""

from __future__ import annotations

from collections.abc import Collection

from .evidence import Evidence
from .printable import exactly

__all__ = ["audience_cure", "lightweight_cure", "role_cure", "scope_cure", "scopes_of_the_client_cure", "subject_cure"]


def audience_cure(audience: Collection[str], aud: object, evidence: Evidence) -> str:
    """The token does not name this API: an Audience mapper, or a client role of the API."""
    api = " or ".join(exactly(name) for name in sorted(audience))
    account = (
        " ('account' is Keycloak's own page for users, and in nearly every token)"
        if aud in ("account", ["account"])
        else ""
    )
    return (
        f"Add an Audience mapper for {api}, or give a role of that client: 'aud' is {exactly(aud)}{account}. The mapper takes "
        f"three clicks: 1. Client scopes > (a scope of {evidence.client}) > Mappers > Configure a new mapper, 2. Audience, "
        f"3. 'Included Client Audience': {api}, Save. The role: {_give_role(evidence, f'a role of the client {api}')}; the "
        "client scope 'roles' then names that client in 'aud' by itself. If an optional scope has the mapper already, the "
        "client has to ask for that scope."
    )


def scope_cure(required: str, evidence: Evidence) -> str:
    """The token lacks a scope that the route needs."""
    return (
        f"Ask for the scope {exactly(required)}, or make it a Default one: the token does not have it. An optional scope is "
        f"only in tokens that were asked for with it: scope={required} in the token request. To have it in every token: "
        f"Clients > ({evidence.client}) > Client scopes > (the scope) > Assigned type: Default; if it is not listed there, "
        "'Add client scope'. In the scope's own settings 'Include in token scope' has to be on."
    )


def role_cure(claim: str | None, required: object, evidence: Evidence) -> str:
    """The token lacks a role, or a claim's value."""
    return (
        f"Give the role {exactly(required)}: it is not in {exactly(claim)}. {_give_role(evidence, 'the role')}; the client "
        "scope 'roles' has to be one of the client's."
    )


def lightweight_cure(evidence: Evidence) -> str:
    """Only introspection could add what is missing, or the client's tokens are made whole."""
    return (
        f"Switch off 'Always use lightweight access token': Clients > ({evidence.client}) > Advanced. A lightweight token "
        "lacks what this API needs of it. Or switch on 'Add to lightweight access token' in the mappers of what is "
        "missing: the Audience mapper, and 'sub' in the client scope 'basic'."
    )


def scopes_of_the_client_cure(evidence: Evidence) -> str:
    """A regular token with next to nothing in it: its client lacks the realm's client scopes."""
    return (
        f"Give the client its client scopes 'basic' and 'roles': Clients > ({evidence.client}) > Client scopes > Add client "
        "scope, each as Default, and the one with this API's Audience mapper too. The token has no roles and no audience or "
        "subject, and is no lightweight one. (A realm file with client scopes of its own gets none of the built-in ones.)"
    )


def subject_cure(evidence: Evidence) -> str:
    """Since Keycloak 25 a client scope adds `sub`."""
    return (
        f"Give the client the client scope 'basic': Clients > ({evidence.client}) > Client scopes > Add client scope, as "
        "Default. The token has no 'sub', which comes from that scope since Keycloak 25; a migrated or imported realm may "
        "lack it."
    )


def _give_role(evidence: Evidence, role: str) -> str:
    if evidence.is_of_a_service_account:
        return (
            f"give the service account {role} under Clients > ({evidence.client}) > Service account roles > Assign role"
        )
    return f"give the user {role} under Users > (the user) > Role mapping > Assign role"
