"""Names that are printed bare: interfaces and chains."""

from __future__ import annotations

import attrs

from iptables_model.values.codec import Codec, Form, bare

__all__ = ["CHAIN", "CHAIN_NAME", "INTERFACE", "Interface"]

CHAIN_NAME = r"[^\s!\"-][^\s\"]{0,27}"
"""A chain's name: at most 28 bytes (XT_EXTENSION_MAXNAMELEN less one), not starting with `!` or `-`."""

CHAIN: Codec[str] = bare(
    "chain", "the name of a chain, of at most 28 characters", CHAIN_NAME, hint="a name starts neither with - nor with !"
)
"""The chain that a jump or goto enters."""


@attrs.frozen
class Interface:
    """Hold an interface's name, or with `prefix` the beginning of the names meant, which iptables writes with a `+`.

    >>> str(Interface("eth0")), str(Interface("veth", prefix=True))
    ('eth0', 'veth+')
    """

    name: str
    prefix: bool = attrs.field(default=False, kw_only=True)

    def __str__(self) -> str:
        return f"{self.name}+" if self.prefix else self.name


def _interface(text: str) -> Interface:
    return Interface(text[:-1], prefix=True) if text.endswith("+") else Interface(text)


INTERFACE: Codec[Interface] = Codec(
    name="interface",
    expected="an interface name of at most 15 characters",
    forms=(Form(regex=r"[^\s/]{1,15}"), Form(regex=r"[^\s]{1,15}")),
    read=_interface,
    write=str,
    hint="a + at the end stands for any ending: eth+",
)
"""An interface, by name or by the beginning of its name."""
