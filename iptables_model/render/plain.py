"""Any answer of the library as plain data for JSON."""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Callable, Mapping, Set
from fractions import Fraction
from typing import Any, Protocol, runtime_checkable

import attrs

from iptables_model.errors import ModelError
from iptables_model.model.rule import Rule
from iptables_model.render.encode import WRITERS
from iptables_model.values.addresses import address_text, network_text

__all__ = ["HasData", "plain"]

_LEAVES = "iptables_model.values."


@runtime_checkable
class HasData(Protocol):
    """A value that says itself what stands for it in JSON."""

    def as_data(self) -> object:
        """Give what stands for the value; `plain` turns it into plain data."""


def plain(value: object) -> Any:
    """Turn a value of the library into what JSON knows: objects, arrays, strings, numbers, true, false and null.

    A frozen value becomes an object of its fields, unless it is a `HasData`; a tuple an array, a set a sorted array, an
    enum its value. An address, and every other leaf value that has a text of its own, stands as iptables prints it. A
    fraction becomes the nearest number. A rule is told by its place and its text, for an answer speaks of many;
    `to_dict` gives its parts.

    Raises `ModelError` for what is none of these.

    >>> plain({"share": Fraction(1, 4), "from": ipaddress.ip_network("10.0.0.0/8")})
    {'share': 0.25, 'from': '10.0.0.0/8'}
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, HasData):
        return plain(value.as_data())
    if _is_leaf(value):
        return str(value)
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value)
    return _structure(value)


def _is_leaf(value: object) -> bool:
    """Say whether a value is one of the room `values` and has a text of its own."""
    kind = type(value)
    return kind.__module__.startswith(_LEAVES) and not isinstance(value, Fraction) and "__str__" in vars(kind)


def _structure(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(held) for key, held in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Set):
        return sorted((plain(item) for item in value), key=repr)
    if attrs.has(type(value)):
        return {name: plain(getattr(value, name)) for name in _public_fields(value)}
    raise ModelError(f"{type(value).__name__} has no form in JSON")


def _public_fields(value: Any) -> list[str]:
    return [field.name for field in attrs.fields(type(value)) if not field.name.startswith("_")]


def _rule_place(rule: Rule) -> dict[str, Any]:
    return {"table": rule.table, "chain": rule.chain, "index": rule.index, "line": rule.line, "text": str(rule)}


# The first that fits is taken: an enum may be a string too.
_WRITERS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (enum.Enum, lambda member: member.value),
    (str, str),
    (Fraction, float),
    (ipaddress.IPv4Address, address_text),
    (ipaddress.IPv6Address, address_text),
    (ipaddress.IPv4Network, network_text),
    (ipaddress.IPv6Network, network_text),
    (Rule, _rule_place),
    *WRITERS,
)
