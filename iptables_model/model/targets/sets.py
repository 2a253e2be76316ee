"""Changes to ipsets, and what their elements say of a packet."""

from __future__ import annotations

from iptables_model.model.option import Target, extension, flag, option, require
from iptables_model.values.codec import between
from iptables_model.values.sets import SET, SetRef

__all__ = ["Set"]


@extension
class Set(Target):
    """Add the packet to an ipset, delete it, or take over marks from it (net/netfilter/xt_set.c)."""

    extension = "SET"
    since = "2.6.39"

    add_set: SetRef | None = option("--add-set", SET, default=None)
    exist: bool = flag("--exist", default=False)
    timeout: int | None = option("--timeout", between(0, 0xFFFFFFFE), default=None)
    del_set: SetRef | None = option("--del-set", SET, default=None)
    map_set: SetRef | None = option("--map-set", SET, default=None)
    map_mark: bool = flag("--map-mark", default=False)
    map_prio: bool = flag("--map-prio", default=False)
    map_queue: bool = flag("--map-queue", default=False)

    def __attrs_post_init__(self) -> None:
        require(bool(self.add_set or self.del_set or self.map_set), "SET needs --add-set, --del-set or --map-set")
        adding = self.exist or self.timeout is not None
        require(bool(self.add_set) or not adding, "--exist and --timeout belong to --add-set")
        mapping = self.map_mark or self.map_prio or self.map_queue
        require(bool(self.map_set) == mapping, "--map-set needs --map-mark, --map-prio or --map-queue")
