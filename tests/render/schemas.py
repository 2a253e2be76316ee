"""As much of JSON Schema (draft 2020-12) as ours uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
KEYWORDS = {
    "$schema", "$defs", "$ref", "title", "description", "type", "const", "enum", "minimum", "properties", "required",
    "additionalProperties", "items", "oneOf",
}  # fmt: skip


def faults(data: object, schema: dict[str, Any]) -> list[str]:
    """List where data is not as the schema says."""
    return list(_faults(data, schema, schema, "$"))


def _faults(data: Any, schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[str]:
    assert schema.keys() <= KEYWORDS, schema.keys() - KEYWORDS
    if "$ref" in schema:
        yield from _faults(data, root["$defs"][unquote(schema["$ref"].removeprefix("#/$defs/"))], root, path)
    if "type" in schema and type(data) not in TYPES[schema["type"]]:
        yield f"{path} is no {schema['type']}"
        return
    if "const" in schema and data != schema["const"]:
        yield f"{path} is not {schema['const']}"
    if "enum" in schema and data not in schema["enum"]:
        yield f"{path} is none of {schema['enum']}"
    if "minimum" in schema and data < schema["minimum"]:
        yield f"{path} is below {schema['minimum']}"
    if "oneOf" in schema:
        fitting = [one for one in schema["oneOf"] if not list(_faults(data, one, root, path))]
        if len(fitting) != 1:
            yield f"{path} fits {len(fitting)} of {len(schema['oneOf'])}"
    yield from (
        f"{path} has no {name}" for name in schema.get("required", ()) if isinstance(data, dict) and name not in data
    )
    yield from _inside(data, schema, root, path)


def _inside(data: Any, schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[str]:
    if "items" in schema:
        for place, item in enumerate(data):
            yield from _faults(item, schema["items"], root, f"{path}[{place}]")
    if "properties" in schema:
        for name, held in data.items():
            if name in schema["properties"]:
                yield from _faults(held, schema["properties"][name], root, f"{path}.{name}")
            elif not schema.get("additionalProperties", True):
                yield f"{path} has {name}"
