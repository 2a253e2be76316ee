"""The JSON Schema of what `to_json` writes of a ruleset, derived from the declarations of the extensions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from iptables_model.model.matches import MATCHES
from iptables_model.model.option import Extension, Option
from iptables_model.model.targets import TARGETS
from iptables_model.render.encode import MATCH_KEY, TARGET_KEY, extension_name

__all__ = ["json_schema"]

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_WORDS = {"type": "array", "items": _TEXT}


def json_schema() -> dict[str, Any]:
    """Describe the JSON of a ruleset as a JSON Schema (draft 2020-12).

    >>> json_schema()["$defs"]["target MARK"]["required"]
    ['target', 'set_xmark']
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A ruleset, as iptables_model writes it",
        **_ref("ruleset"),
        "$defs": {
            **_NOUNS,
            "match": _one_of(MATCH_KEY, MATCHES, [_record(unknown_match=_TEXT, words=_WORDS)]),
            "target": _one_of(
                TARGET_KEY,
                TARGETS,
                [_record(jump=_TEXT), _record(goto=_TEXT), _record(unknown_target=_TEXT, words=_WORDS)],
            ),
            **{_key(MATCH_KEY, kind): _extension(MATCH_KEY, kind) for kind in MATCHES},
            **{_key(TARGET_KEY, kind): _extension(TARGET_KEY, kind) for kind in TARGETS},
        },
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name.replace(' ', '%20')}"}


def _key(role: str, kind: type[Extension]) -> str:
    return f"{role} {extension_name(kind)}"


def _array(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _ref(name)}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"oneOf": [schema, {"type": "null"}]}


def _record(**properties: dict[str, Any]) -> dict[str, Any]:
    """Describe an object that has all of these and nothing else."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _one_of(role: str, kinds: Iterable[type[Extension]], others: list[dict[str, Any]]) -> dict[str, Any]:
    return {"oneOf": [*(_ref(_key(role, kind)) for kind in kinds), *others]}


def _extension(role: str, kind: type[Extension]) -> dict[str, Any]:
    record = _record(**{role: {"const": extension_name(kind)}})
    record["description"] = (kind.__doc__ or "").partition("\n")[0]
    record["properties"] |= {option.name: _option(option) for option in kind.options}
    record["required"] += [option.name for option in kind.options if option.required]
    return record


def _option(option: Option) -> dict[str, Any]:
    described = {"description": option.flag}
    if option.is_flag:
        return described | ({"type": "boolean"} if option.negatable else {"const": True})
    value = {"type": "string", "description": option.codec.expected}
    if option.negatable:
        return described | _record(value=value, negated={"type": "boolean"})
    return value | {"description": f"{option.flag}: {option.codec.expected}"}


_NOUNS: dict[str, Any] = {
    "ruleset": _record(
        name=_TEXT,
        family={"enum": [4, 6, None]},
        fragment={"type": "boolean"},
        tables=_array("table"),
        issues=_array("issue"),
    ),
    "table": _record(name=_TEXT, chains=_array("chain")),
    "chain": _record(
        name=_TEXT,
        policy=_or_null(_TEXT),
        counters=_or_null(_ref("counters")),
        declared={"type": "boolean"},
        rules=_array("rule"),
    ),
    "rule": _record(
        table=_TEXT,
        chain=_TEXT,
        index=_COUNT,
        line=_or_null(_COUNT),
        counters=_or_null(_ref("counters")),
        matches=_array("match"),
        target=_or_null(_ref("target")),
    ),
    "counters": _record(packets=_COUNT, bytes=_COUNT),
    "issue": _record(
        message=_TEXT,
        source=_TEXT,
        line=_COUNT,
        column=_COUNT,
        end=_COUNT,
        text=_TEXT,
        expected=_TEXT,
        hint=_TEXT,
    ),
}
