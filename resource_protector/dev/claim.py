"""One claim, as a protocol mapper's configuration wants it: its place, its JSON type, one value or several."""

from __future__ import annotations

import json
import re
from typing import Any

from resource_protector.dev.protocol_mapper import Mapper

__all__ = ["Claims", "add_audience", "write_values"]

Claims = dict[str, Any]


def add_audience(claims: Claims, audience: str) -> None:
    """Add to `aud`, which is a string while it holds one audience and a list from two on."""
    present = claims.get("aud", [])
    audiences = [present] if isinstance(present, str) else list(present)
    if audience not in audiences:
        audiences.append(audience)
    claims["aud"] = audiences[0] if len(audiences) == 1 else audiences


def write_values(mapper: Mapper, claims: Claims, values: list[Any], *, client_id: str | None = None) -> None:
    """Write `values`, converted to the mapper's JSON type, to the mapper's claim; no values, no claim."""
    converted = [_convert(value, mapper.config.get("jsonType.label")) for value in values]
    converted = [value for value in converted if value is not None]
    claim = mapper.config.get("claim.name")
    if not converted or not claim:
        return
    # A dot goes one object deeper, unless a backslash stands before it.
    path = [part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", claim)]
    if client_id is not None:
        path = [part.replace("${client_id}", client_id) for part in path]
    if path == ["aud"]:
        for value in converted:
            add_audience(claims, str(value))
        return
    target = claims
    for part in path[:-1]:
        inner = target.get(part)
        if not isinstance(inner, dict):
            inner = target[part] = {}
        target = inner
    target[path[-1]] = converted if mapper.config.get("multivalued") == "true" else converted[0]


def _convert(value: Any, json_type: str | None) -> Any:
    """`value` as the JSON type that the mapper names; None for what cannot be converted."""
    if json_type == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        if json_type in ("int", "long"):
            return int(text)
        if json_type == "JSON":
            return json.loads(text)
    except ValueError:
        return None
    return text
