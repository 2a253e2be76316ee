"""Why a packet does not tell what some matches ask, and what of others is not decided."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import attrs

from iptables_model.model import matches
from iptables_model.model.option import Match
from iptables_model.netfilter.packet import FIELDS

__all__ = ["PARTLY", "UNDECIDED", "Undecided"]


@attrs.frozen
class Undecided:
    """Say what is missing to decide a match, of which fields, and whether the next look may find it otherwise."""

    reason: str
    fields: tuple[str, ...] = FIELDS
    fleeting: bool = False


_BYTES = Undecided("the bytes of the packet are not said")
_PAST = Undecided("it depends on how many packets came before", fleeting=True)

UNDECIDED: Mapping[type[Match], Undecided] = MappingProxyType(
    {
        matches.Bpf: _BYTES,
        matches.Cgroup: Undecided("the cgroups of sockets are not in the dump", ("socket", "uid_owner", "gid_owner")),
        matches.Cluster: Undecided("the hash of the connection is not worked out", ("state",)),
        matches.Connlimit: Undecided("it counts the connections of the moment", fleeting=True),
        matches.Cpu: Undecided("the processor that handles the packet is not said"),
        matches.Devgroup: Undecided(
            "the groups of the node's devices are not in the dump", ("in_interface", "out_interface")
        ),
        matches.Eui64: Undecided(
            "whether the source is made from the hardware address is not said", ("src", "mac_source")
        ),
        matches.Hashlimit: _PAST,
        matches.Ipcomp: Undecided("a packet here has no compression index"),
        matches.Ipvs: Undecided("the connections of IPVS are not in the dump"),
        matches.Limit: _PAST,
        matches.Nfacct: Undecided("whether the counter has a quota that is not used up is not in the dump", ()),
        matches.Osf: Undecided("the fingerprints of operating systems are not in the dump"),
        matches.Quota: _PAST,
        matches.Rateest: Undecided("the rates of the estimators are not in the dump", fleeting=True),
        matches.Realm: Undecided("the realms of the node's routes are not in the dump", ("src", "dst", "mark")),
        matches.String: _BYTES,
        matches.Time: Undecided("the time is not said", fleeting=True),
        matches.U32: _BYTES,
    }
)
"""The matches that nothing decides that is said of a packet or a node."""

PARTLY: Mapping[type[Match], str] = MappingProxyType(
    {
        matches.Ah: "length and reserved field",
        matches.Ip: "which protocol a packet has with an IPv6 authentication header, in which the backends differ",
        matches.Connbytes: "the counters of a connection",
        matches.Connlabel: "labels that no `--set` sets",
        matches.Conntrack: "what nat made of the ends of later packets, `--ctexpire`",
        matches.Dccp: "`--dccp-option`",
        matches.Dst: "what stands in the header",
        matches.Frag: "what stands in the header",
        matches.Hbh: "what stands in the header",
        matches.Helper: "whose helper expected a connection",
        matches.Mh: "the type",
        matches.Owner: "`--suppl-groups`",
        matches.Policy: "`--dir out`, the transformations",
        matches.Recent: "all but `--set`",
        matches.Rpfilter: "the way back where the node's routes are not known, or `ip rule` chooses among them",
        matches.Rt: "what stands in the header",
        matches.Sctp: "flags of chunks",
        matches.Set: "sets whose contents are not known, counters",
        matches.Socket: "sockets of TCP, UDP and ICMP, their marks",
        matches.Srh: "what stands in the header",
        matches.Statistic: "`--mode nth`",
        matches.Tcp: "one of two ports that a rule excludes, which is enough for iptables-nft 1.8.9",
        matches.Tcpmss: "a later fragment, which the kernel drops if its bytes look like no header of TCP",
        matches.Udp: "as of `tcp`",
    }
)
"""What stays UNKNOWN of matches that are decided otherwise."""
