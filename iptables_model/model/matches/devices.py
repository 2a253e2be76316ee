"""The devices that a packet passes."""

from __future__ import annotations

from iptables_model.model.option import Match, extension, flag, option, options_of, require
from iptables_model.values.names import INTERFACE, Interface
from iptables_model.values.negatable import Negatable

__all__ = ["Physdev"]


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
