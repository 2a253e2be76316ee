"""The public names, from their docstrings, signatures and fields."""

from __future__ import annotations

import ast
import enum
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType, NoneType

import attrs

import iptables_model
from docs.generate.markdown import cell, table
from iptables_model import graph, lint, render

__all__ = ["GROUPS", "described", "group_text"]

_MODULES = {"graph": graph, "lint": lint, "render": render}

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "reading": ("parse", "load", "parse_dumps", "Mode"),
        "nouns": ("Ruleset", "Table", "Chain", "Rule", "Counters"),
        "services": ("services", "reachable_endpoints", "reachability_matrix", "external_traffic"),
        "answers": ("ServicePort", "Endpoint", "Reachability", "ExternalTraffic"),
        "words": ("Entry", "Source", "Outcome", "Trilean"),
        "packets": ("trace", "Packet", "Flow", "Step", "Node", "Route", "RouteType", "IpSet"),
        "graph": ("graph.graph", "Graph", "Edge"),
        "rendering": tuple(f"render.{name}" for name in render.__all__),
        "findings": tuple(f"lint.{name}" for name in lint.__all__),
    }
)
"""What stands in each part of the page, in order. Errors have a page of their own, and so have matches and targets."""


def described() -> set[str]:
    """Name the public names of the package that the page describes."""
    return {name for names in GROUPS.values() for name in names}


def group_text(group: str) -> str:
    """Describe the names of a group."""
    return "\n\n".join("\n\n".join(_entry(name)) for name in GROUPS[group])


def _entry(name: str) -> Iterator[str]:
    module, _, own = name.rpartition(".")
    found = getattr(_MODULES[module] if module else iptables_model, own)
    yield f"### {name}"
    if inspect.isfunction(found):
        yield f"`{_signature(name, found)}`"
    yield from _prose_and_examples(inspect.getdoc(found) or "")
    if inspect.isclass(found):
        yield from _members(found)


def _signature(name: str, function: Callable[..., object]) -> str:
    """Print a signature as it stands in the source."""
    (declared,) = _declared(function)
    assert isinstance(declared, ast.FunctionDef)  # noqa: S101 (for the type checker)
    return _signature_text(name, declared)


def _declared(found: Callable[..., object]) -> list[ast.stmt]:
    return ast.parse(textwrap.dedent(inspect.getsource(found))).body


def _signature_text(name: str, declared: ast.FunctionDef) -> str:
    given = ast.unparse(declared.args).removeprefix("self").removeprefix("cls").removeprefix(", ")
    returns = "" if declared.returns is None else f" -> {ast.unparse(declared.returns)}"
    return f"{name}({given}){returns}"


def _prose_and_examples(said: str) -> Iterator[str]:
    """Give the paragraphs of a docstring, its examples as blocks of code."""
    for paragraph in re.split(r"\n\n+", said):
        yield f"```python\n{paragraph}\n```" if paragraph.startswith(">>> ") else paragraph


def _members(kind: type) -> Iterator[str]:
    if issubclass(kind, enum.Enum):
        yield table(("member", "value"), [(f"`{one.name}`", f'`"{one.value}"`') for one in kind])
        return
    if attrs.has(kind):
        fields = [field for field in attrs.fields(kind) if not field.name.startswith("_")]
        yield table(("field", "type", "default"), [_field_row(field) for field in fields])
    rows = list(_method_rows(kind))
    if rows:
        yield table(("member", "what it does"), rows)


def _field_row(field: attrs.Attribute[object]) -> tuple[str, str, str]:
    return f"`{field.name}`", f"`{cell(_taken(field))}`", _default_text(field.default)


def _taken(field: attrs.Attribute[object]) -> str:
    """Name the type of a field, or of what it is converted from."""
    if not inspect.isfunction(field.converter):
        return str(field.type)
    taken, *_ = inspect.get_annotations(field.converter).values()
    return str(taken)


def _default_text(default: object) -> str:
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        return "made from the other fields"
    if default is attrs.NOTHING:
        return "required"
    # What is no plain value has a text of its own.
    return f"`{cell(repr(default) if type(default) in _PLAIN else str(default))}`"


_PLAIN = (NoneType, bool, int, str, tuple)


def _method_rows(kind: type) -> Iterator[tuple[str, str]]:
    """List the public methods and properties, as they stand in the source."""
    (declared,) = _declared(kind)
    assert isinstance(declared, ast.ClassDef)  # noqa: S101 (for the type checker)
    for member in declared.body:
        if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
            kinds = {ast.unparse(decorator) for decorator in member.decorator_list}
            shown = member.name if kinds & {"property", "cached_property"} else _signature_text(member.name, member)
            yield f"`{cell(shown)}`", cell((ast.get_docstring(member) or "").partition("\n")[0])
