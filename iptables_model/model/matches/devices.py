"""The devices that a packet passes, and the processor that handles it."""

from __future__ import annotations

import enum

import attrs

from iptables_model.model.option import Match, extension, flag, option, options_of, require
from iptables_model.values.codec import Codec, Form, one_of, unsigned
from iptables_model.values.names import INTERFACE, Interface
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import Masked, named_mark

__all__ = ["Cpu", "Devgroup", "Physdev", "PktType", "Pkttype"]


@extension
class Physdev(Match):
    """Match the ports of a bridge by which a packet comes and goes (net/netfilter/xt_physdev.c)."""

    extension = "physdev"

    physdev_is_in: bool | None = flag("--physdev-is-in", negatable=True, default=None)
    physdev_in: Negatable[Interface] | None = option("--physdev-in", INTERFACE, negatable=True, default=None)
    physdev_is_out: bool | None = flag("--physdev-is-out", negatable=True, default=None)
    physdev_out: Negatable[Interface] | None = option("--physdev-out", INTERFACE, negatable=True, default=None)
    physdev_is_bridged: bool | None = flag("--physdev-is-bridged", negatable=True, default=None)

    def __attrs_post_init__(self) -> None:
        require(bool(options_of(self)), "physdev needs at least one of its options")


_GROUP = named_mark("default", "group", "group")


@extension
class Devgroup(Match):
    """Match the groups of the devices by which a packet comes and goes (net/netfilter/xt_devgroup.c)."""

    extension = "devgroup"
    since = "2.6.39"

    src_group: Negatable[Masked] | None = option("--src-group", _GROUP, negatable=True, default=None)
    dst_group: Negatable[Masked] | None = option("--dst-group", _GROUP, negatable=True, default=None)

    def __attrs_post_init__(self) -> None:
        require(bool(self.src_group or self.dst_group), "devgroup needs --src-group or --dst-group")


class PktType(enum.StrEnum):
    """To whom a packet is addressed on its link."""

    UNICAST = "unicast"
    BROADCAST = "broadcast"
    MULTICAST = "multicast"
    OTHERHOST = "otherhost"


_OTHER_NAMES = {"host": PktType.UNICAST, "bcast": PktType.BROADCAST, "mcast": PktType.MULTICAST}
_TYPES = one_of(PktType)


def _pkt_type(text: str) -> PktType:
    return _OTHER_NAMES.get(text.lower()) or _TYPES.read(text)


_PKT_TYPE: Codec[PktType] = attrs.evolve(
    _TYPES, forms=(*_TYPES.forms, Form(regex="(?i:host|bcast|mcast)")), read=_pkt_type
)


@extension
class Pkttype(Match):
    """Match to whom a packet is addressed on its link (net/netfilter/xt_pkttype.c)."""

    extension = "pkttype"

    pkt_type: Negatable[PktType] = option("--pkt-type", _PKT_TYPE, negatable=True)


@extension
class Cpu(Match):
    """Match the processor that handles a packet (net/netfilter/xt_cpu.c)."""

    extension = "cpu"
    since = "2.6.36"

    cpu: Negatable[int] = option("--cpu", unsigned(32), negatable=True)
