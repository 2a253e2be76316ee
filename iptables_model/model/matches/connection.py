"""What connection tracking knows of the packet's connection."""

from __future__ import annotations

import enum
import re

import attrs

from iptables_model.model.option import Match, Spelling, extension, flag, option, options_of, require, settle
from iptables_model.values.addresses import PLAIN_PREFIX, HostPrefix
from iptables_model.values.codec import NUMBER, Codec, between, one_of, several_of, strtoul, text_of
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import PROTOCOL, NumberRange, PortRange, Protocol, ranges
from iptables_model.values.ports import ANY_PORTS, PORT

__all__ = [
    "Cluster",
    "Connlabel",
    "Conntrack",
    "CtDir",
    "CtState",
    "CtStatus",
    "ForwardMethod",
    "Helper",
    "Ipvs",
    "State",
]


class CtState(enum.StrEnum):
    """A state of the connection; SNAT and DNAT say that its addresses are being changed."""

    INVALID = "INVALID"
    NEW = "NEW"
    RELATED = "RELATED"
    ESTABLISHED = "ESTABLISHED"
    UNTRACKED = "UNTRACKED"
    SNAT = "SNAT"
    DNAT = "DNAT"


class CtStatus(enum.StrEnum):
    """A status bit of the connection; NONE stands alone and means that no bit is set."""

    NONE = "NONE"
    EXPECTED = "EXPECTED"
    SEEN_REPLY = "SEEN_REPLY"
    ASSURED = "ASSURED"
    CONFIRMED = "CONFIRMED"


class CtDir(enum.StrEnum):
    """The direction of the packet in its connection."""

    ORIGINAL = "ORIGINAL"
    REPLY = "REPLY"


_STATUSES = several_of(CtStatus, abbreviated=True)


def _ct_status(text: str) -> tuple[CtStatus, ...]:
    found = _STATUSES.read(text)
    return tuple(status for status in found if status is not CtStatus.NONE) or found


_CT_PROTOCOL: Codec[Protocol] = attrs.evolve(PROTOCOL, write=lambda held: str(int(held)))


@extension
class Conntrack(Match):
    """Match the state, addresses, ports and age of the packet's connection (net/netfilter/xt_conntrack.c)."""

    extension = "conntrack"

    ctstate: Negatable[tuple[CtState, ...]] | None = option(
        "--ctstate", several_of(CtState, abbreviated=True), negatable=True, default=None
    )
    ctproto: Negatable[Protocol] | None = option("--ctproto", _CT_PROTOCOL, negatable=True, default=None)
    ctorigsrc: Negatable[HostPrefix] | None = option("--ctorigsrc", PLAIN_PREFIX, negatable=True, default=None)
    ctorigdst: Negatable[HostPrefix] | None = option("--ctorigdst", PLAIN_PREFIX, negatable=True, default=None)
    ctreplsrc: Negatable[HostPrefix] | None = option("--ctreplsrc", PLAIN_PREFIX, negatable=True, default=None)
    ctrepldst: Negatable[HostPrefix] | None = option("--ctrepldst", PLAIN_PREFIX, negatable=True, default=None)
    ctorigsrcport: Negatable[PortRange] | None = option("--ctorigsrcport", ANY_PORTS, negatable=True, default=None)
    ctorigdstport: Negatable[PortRange] | None = option("--ctorigdstport", ANY_PORTS, negatable=True, default=None)
    ctreplsrcport: Negatable[PortRange] | None = option("--ctreplsrcport", ANY_PORTS, negatable=True, default=None)
    ctrepldstport: Negatable[PortRange] | None = option("--ctrepldstport", ANY_PORTS, negatable=True, default=None)
    ctstatus: Negatable[tuple[CtStatus, ...]] | None = option(
        "--ctstatus", attrs.evolve(_STATUSES, read=_ct_status), negatable=True, default=None
    )
    ctexpire: Negatable[NumberRange] | None = option(
        "--ctexpire", ranges(32, "number of seconds"), negatable=True, default=None
    )
    ctdir: CtDir | None = option("--ctdir", one_of(CtDir), default=None)

    def __attrs_post_init__(self) -> None:
        require(bool(options_of(self)), "conntrack needs at least one of its options")


@extension
class State(Match):
    """Match the state of the packet's connection, in the older way (net/netfilter/xt_state.c)."""

    extension = "state"
    since = "2.4"

    state: Negatable[tuple[CtState, ...]] = option(
        "--state", several_of(CtState, only=tuple(CtState)[:5], abbreviated=True), negatable=True
    )


@extension
class Helper(Match):
    """Match connections that a helper expects or follows; an empty name stands for any (net/netfilter/xt_helper.c)."""

    extension = "helper"

    helper: Negatable[str] = option("--helper", text_of("helper", "a helper's name", longest=29), negatable=True)


_NAMED = text_of("label", "the number or name of a label", shortest=1, longest=255)
_LABEL = attrs.evolve(_NAMED, quoted=True, read=lambda text: _number_or_name(_NAMED.read(text)))


def _number_or_name(text: str) -> str:
    """Write a number as it is printed, in decimal."""
    return str(strtoul(text)) if re.fullmatch(NUMBER, text) else text


@extension
class Connlabel(Match):
    """Match connections that have a label, by its number or its name (net/netfilter/xt_connlabel.c).

    Names are those of the host's /etc/xtables/connlabel.conf. With `set` the label is set if it can be.
    """

    extension = "connlabel"
    since = "3.9"

    label: Negatable[str] = option(
        "--label",
        _LABEL,
        negatable=True,
    )
    set: bool = flag("--set", default=False)


class ForwardMethod(enum.StrEnum):
    """How IPVS hands packets on."""

    GATE = "GATE"
    IPIP = "IPIP"
    MASQ = "MASQ"


@extension
class Ipvs(Match):
    """Match what IPVS knows of the packet's connection (net/netfilter/xt_ipvs.c).

    `ipvs` alone asks whether it knows it; each of the others says so too.
    """

    extension = "ipvs"
    since = "2.6.37"

    ipvs: bool | None = flag("--ipvs", negatable=True, default=None)
    vproto: Negatable[Protocol] | None = option("--vproto", _CT_PROTOCOL, negatable=True, default=None)
    vaddr: Negatable[HostPrefix] | None = option("--vaddr", PLAIN_PREFIX, negatable=True, default=None)
    vport: Negatable[int] | None = option("--vport", PORT, negatable=True, default=None)
    vdir: CtDir | None = option("--vdir", one_of(CtDir), default=None)
    vmethod: Negatable[ForwardMethod] | None = option("--vmethod", one_of(ForwardMethod), negatable=True, default=None)
    vportctl: Negatable[int] | None = option("--vportctl", PORT, negatable=True, default=None)

    def __attrs_post_init__(self) -> None:
        given = options_of(self)
        require(bool(given), "ipvs needs at least one of its options")
        require(self.ipvs is not False or len(given) == 1, "! --ipvs stands alone")
        if len(given) > 1:
            settle(self, "ipvs", None)


_NODES = between(1, 0xFFFFFFFF, digits=8)


def _node_mask(text: str) -> int:
    return 1 << between(1, 32).parse(text) - 1


@extension
class Cluster(Match):
    """Match the connections that this node of a cluster has to handle, by a hash of their source (.../xt_cluster.c).

    Bit n of the mask stands for node n + 1.
    """

    extension = "cluster"
    since = "2.6.30"

    cluster_local_nodemask: Negatable[int] = option(
        "--cluster-local-nodemask",
        _NODES,
        negatable=True,
        also=(Spelling("--cluster-local-node", attrs.evolve(between(1, 32), read=_node_mask, write=_NODES.write)),),
    )
    cluster_total_nodes: int = option("--cluster-total-nodes", between(1, 32))
    cluster_hash_seed: int = option("--cluster-hash-seed", between(0, 0xFFFFFFFF, digits=8))

    def __attrs_post_init__(self) -> None:
        nodes = self.cluster_local_nodemask.value
        require(nodes >> self.cluster_total_nodes == 0, "--cluster-local-nodemask has more nodes than the cluster")
