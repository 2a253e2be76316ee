"""What frozen values need beside their constructors: to be put together of checked parts, and to keep what is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

__all__ = ["filled", "kept", "maker"]

T = TypeVar("T")


def filled(value: T, names: Iterable[str], held: Iterable[object]) -> T:
    """Give fields of a new value what they hold, in the order of their names, and give the value."""
    for name, one in zip(names, held, strict=True):
        object.__setattr__(value, name, one)
    return value


def maker(kind: type[T], *names: str) -> Callable[..., T]:
    """Give what makes values of a class with slots, of what some fields hold, in this order; the others stay empty."""
    slots = [getattr(kind, name).__set__ for name in names]

    def make(*held: object) -> T:
        made = object.__new__(kind)
        for fill, one in zip(slots, held, strict=True):
            fill(made, one)
        return made

    return make


def kept(value: object, slot: str, make: Callable[[], T]) -> T:
    """Give what a slot of a value keeps, which is made when it is first asked for.

    For values that are looked at very often: a class with a `cached_property` beside slots takes three times as long
    to give any of its attributes, since attrs then gives it a `__getattr__`.
    """
    try:
        found: T = getattr(value, slot)
    except AttributeError:
        found = make()
        object.__setattr__(value, slot, found)
    return found
