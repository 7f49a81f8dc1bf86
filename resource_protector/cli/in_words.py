"""What a route demands, in words."""

from __future__ import annotations

from resource_protector.scopes import Requirements

__all__ = ["in_words"]


def in_words(requirements: Requirements, *, optional: bool) -> str:
    """All of it in one line."""
    parts = []
    if requirements.scopes is not None:
        parts.append(f"scope {requirements.scopes}")
    if requirements.roles is not None:
        parts.append(f"role {requirements.roles}")
    parts += [f"role {required} of {client}" for client, required in requirements.client_roles]
    parts += [f"claim {name} {required}" for name, required in requirements.claims]
    if requirements.issuer is not None:
        parts.append(f"issuer {requirements.issuer}")
    said = ", ".join(parts) or "any valid token"
    return f"optional: {said}" if optional else said
