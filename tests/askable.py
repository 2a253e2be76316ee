"""Which extensions, with which values, iptables and the kernel of the tests can be asked about.

What they cannot be asked is listed by name, each with its reason.
"""

from __future__ import annotations

import string
import zlib
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from iptables_model.model import matches, targets
from iptables_model.model.matches import AddrType, Ip
from iptables_model.model.option import Extension, Match, Target, options_of
from iptables_model.model.rule import Rule
from iptables_model.model.targets import RejectWith
from iptables_model.strategies import extensions, values
from iptables_model.values.addresses import address, network
from iptables_model.values.codec import several_of
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import NumberRange, PortRange, Protocol
from iptables_model.values.rates import BURST, ByteRate
from iptables_model.values.sets import SetRef, Side
from iptables_model.values.transport import TcpFlags

LETTERS = st.sampled_from(string.ascii_letters + string.digits + " !#$%&()*+,-./:;<=>?@[]^_`{|}~'\"\\")

IPSETS = {"web": 4, "weave-;rGqyMIl1HN^cf~Z$3]6!N": 4, "web6": 6}
"""The sets that the tests make, and their families."""

_NFT, _LEGACY = ({f"{tool}-{backend}" for tool in ("iptables", "ip6tables")} for backend in ("nft", "legacy"))

NOT_HERE: dict[type[Extension], set[str]] = {
    matches.Ipvs: _NFT | _LEGACY,  # this kernel has no IPVS
    matches.Nfacct: _NFT | _LEGACY,  # its counters are made with a tool that is not installed
    targets.Queue: _NFT,  # nf_tables has no such target
    targets.Clusterip: _NFT | _LEGACY,  # Linux has it no more since 6.2
    targets.Led: _NFT | _LEGACY,  # this kernel has no LED triggers
    targets.Secmark: _NFT | _LEGACY,  # this kernel has no SELinux
    targets.Ulog: _NFT | _LEGACY,  # Linux has it no more since 3.17
}
"""The tools that cannot load an extension with this kernel, and why. A test says when one of them can."""

NOT_ASKED: dict[tuple[type[Extension], int | str], set[str]] = {
    (Ip, 6): {"-f", "! -f"},  # IPv6 has fragments in a header of their own
    (matches.Ah, 4): {"--ahlen", "! --ahlen", "--ahres"},  # libipt_ah.c has only --ahspi
    # Both name what is made with tools that are not installed.
    **{(matches.Bpf, family): {"--object-pinned"} for family in (4, 6)},
    **{(targets.Ct, family): {"--timeout"} for family in (4, 6)},
    # nf_tables' own log expression has a range no more.
    **{(targets.Nflog, tool): {"--nflog-range"} for tool in ("iptables-nft", "ip6tables-nft")},
}
"""Options, plain or negated, about which iptables cannot be asked in a family, or one tool of it."""

OF_IPV6 = ("UNSPEC", "UNICAST", "LOCAL", "ANYCAST", "MULTICAST", "UNREACHABLE")
ADDR_TYPES = {
    4: values(several_of(AddrType)),
    6: values(several_of(AddrType, only=tuple(AddrType(name) for name in OF_IPV6))),
}
"""The types that the kernel knows of addresses of the family (xt_addrtype.c)."""

SIDES = st.lists(st.sampled_from(Side), min_size=1, max_size=6).map(tuple)
SETS = {
    family: st.builds(SetRef, st.sampled_from([name for name, of in IPSETS.items() if of == family]), SIDES)
    for family in (4, 6)
}

REJECTIONS = {
    4: [answer for answer in RejectWith if not answer.startswith("icmp6")],
    6: [answer for answer in RejectWith if not answer.startswith("icmp-")],
}
Known = dict[str, st.SearchStrategy[Any] | None]

KNOWN: dict[type[Extension], Callable[[int], Known]] = {
    matches.Addrtype: lambda family: dict.fromkeys(("src_type", "dst_type"), ADDR_TYPES[family]),
    matches.Bpf: lambda _: {"object_pinned": None},
    matches.Cgroup: lambda _: {"path": st.just("/")},
    matches.Cluster: lambda _: {"cluster_local_nodemask": st.integers(1, 32)},
    matches.Connlabel: lambda _: {"label": st.integers(0, 127).map(str)},
    matches.Connlimit: lambda family: {"connlimit_mask": st.integers(0, 32 if family == 4 else 128)},
    matches.Hashlimit: lambda family: dict.fromkeys(
        ("hashlimit_srcmask", "hashlimit_dstmask"), st.integers(0, 31 if family == 4 else 127)
    ),
    matches.Rateest: lambda _: dict.fromkeys(("rateest", "rateest1", "rateest2"), st.sampled_from(("RE1", "RE2"))),
    matches.Rt: lambda _: {"rt_type": st.sampled_from((0, 0, 0, 5, 0xFFFFFFFF))},
    matches.Set: lambda family: {"match_set": SETS[family]},
    targets.Ct: lambda _: {"helper": st.just("ftp"), "timeout": None},
    targets.Hmark: lambda _: {"hmark_tuple": st.just((targets.HmarkTuple.CT,))},
    targets.Nfqueue: lambda _: {"queue_balance": st.builds(NumberRange, st.integers(0, 99), st.integers(100, 65535))},
    targets.Reject: lambda family: {"reject_with": st.sampled_from(REJECTIONS[family])},
    targets.Set: lambda family: dict.fromkeys(("add_set", "del_set", "map_set"), SETS[family]),
}
"""What must be known to the kernel before a rule can name it, and what this family, kernel or iptables cannot be asked:

* a BPF program pinned to a file, and a conntrack timeout policy, are made with tools that are not installed;
* iptables 1.8.9 reads no `--cluster-local-nodemask` above 32, though it prints them;
* a mask that is full in the family is not printed;
* of `--hmark-tuple` it prints only `ct`, and all else as masks.
"""

NOT_ANY = {Negatable(network(text), negated=True) for text in ("0.0.0.0/0", "::/0")}

Lost = tuple[Callable[[Any, str], bool], str]
"""Says of a value whether a tool loses it, with the options of a rule for an example."""

LOST: dict[type[Extension], tuple[Lost, ...]] = {
    # nf_tables refuses to compare with nothing.
    Ip: ((lambda ip, tool: "nft" in tool and not {ip.source, ip.destination}.isdisjoint(NOT_ANY), "! -s 0.0.0.0/0"),),
    # The kernel's credits overflow (xt_limit.c); nf_tables counts `limit` in its own way.
    matches.Limit: (
        (
            lambda limit, tool: "legacy" in tool and limit.limit.interval * limit.limit_burst > 86400 * 10_000,
            "-m limit --limit 1/day --limit-burst 10",
        ),
    ),
    matches.Hashlimit: (
        # Printed, and not read back.
        (
            lambda limit, _: isinstance(limit.rate, ByteRate) and 0 in (limit.rate.bytes, limit.hashlimit_burst),
            "-m hashlimit --hashlimit-upto 1b/s --hashlimit-name lostbytes",
        ),
        # Printed in whole kb or mb, and then less than the rate.
        (
            lambda limit, _: (
                isinstance(limit.rate, ByteRate)
                and limit.hashlimit_burst
                and BURST.read(str(limit.hashlimit_burst)) < limit.rate.bytes
            ),
            "-m hashlimit --hashlimit-upto 963mb/s --hashlimit-burst 1010580512b --hashlimit-name roundedburst",
        ),
    ),
    # The kernel takes what iptables prints as a negative number.
    matches.Recent: (
        (
            lambda match, _: (match.seconds or 0) >> 31 != 0,
            "-m recent --rcheck --seconds 2147483648 --name DEFAULT --mask 255.255.255.255 --rsource",
        ),
    ),
    matches.Rateest: (
        # The way to compare is printed twice, which iptables does not read back.
        (
            lambda match, _: match.rateest_bps is not None and match.rateest_pps is not None,
            "-m rateest --rateest RE1 --rateest-bps 8bit --rateest-pps 1 --rateest-lt",
        ),
        (
            lambda match, _: match.rateest_bps2 is not None and match.rateest_pps2 is not None,
            "-m rateest --rateest-delta --rateest RE2 --rateest-eq --rateest-bps2 8bit --rateest-pps2 5",
        ),
    ),
    # A list of no days is printed as nothing, which iptables does not read back.
    matches.Time: (
        (
            lambda time, _: any(days is not None and not days.value for days in (time.monthdays, time.weekdays)),
            "-m time ! --weekdays Mon,Tue,Wed,Thu,Fri,Sat,Sun",
        ),
    ),
    # iptables prints no options for the full range, and reads none as index 0.
    matches.Ipcomp: (
        (
            lambda match, _: match.ipcompspi.value == NumberRange(0, 0xFFFFFFFF),
            "-p 108 -m ipcomp --ipcompspi 0:4294967295",
        ),
    ),
    # Printed as 0, which is 0 and above.
    matches.Connbytes: (
        (
            lambda match, _: match.connbytes.value == NumberRange(0, 0),
            "-m connbytes --connbytes 0:0 --connbytes-mode packets --connbytes-dir both",
        ),
    ),
    # A prefix without bits is not printed, and must be given.
    targets.Snpt: (
        (
            lambda target, _: "::/0" in str(target.src_pfx) or "::/0" in str(target.dst_pfx),
            "-j SNPT --src-pfx ::/0 --dst-pfx fd00::/64",
        ),
    ),
    targets.Dnpt: (
        (
            lambda target, _: "::/0" in str(target.src_pfx) or "::/0" in str(target.dst_pfx),
            "-j DNPT --src-pfx ::/0 --dst-pfx fd00::/64",
        ),
    ),
    # nf_tables' own log expression has a range no more.
    targets.Nflog: (
        (lambda target, tool: "nft" in tool and target.nflog_range != 0, "-j NFLOG --nflog-group 1 --nflog-range 64"),
    ),
    # Neither has a source port been kept to shift from (libxt_NAT.c of 1.8.9), but for DNAT.
    targets.Snat: (
        (
            lambda target, _: target.to_source.base_port is not None,
            "-p tcp -j SNAT --to-source 192.0.2.1:1000-1010/900",
        ),
    ),
}
"""Values that iptables takes and does not print, or not so that it could read them."""

EVERY = (PortRange(0, 65535), NumberRange(0, 255), NumberRange(0, 0xFFFFFFFF))


def asked(value: Any, tool: str) -> bool:
    """Say whether iptables can be asked for a value."""
    carried = options_of(value)
    return not (
        any(lost(value, tool) for lost, _ in LOST.get(type(value), ()))
        # iptables-restore takes words of up to 1024 bytes.
        or any(len(option.codec.write(held)) > 1000 for option, held, _ in carried)
        # A negated range of everything matches nothing; iptables prints it as if it were not there.
        or any(negated and held in EVERY for _, held, negated in carried)
        # iptables-restore takes quotes off a bare word, in which iptables-save prints them.
        or any('"' in option.codec.write(held) for option, held, _ in carried if not option.codec.string)
    )


def changed(value: Any, field: str, held: object) -> Any:
    fields = {option.name: getattr(value, option.name) for option in value.options}
    return type(value)(**fields | {field: held})


def finish_hashlimit(match: Any, _: int) -> Any:
    """Give each table a name of its own; one name has one size and one way to count."""
    return changed(match, "hashlimit_name", f"{zlib.crc32(repr(match).encode()):x}{match.hashlimit_name}")


def finish_idletimer(target: Any, _: int) -> Any:
    """Keep the labels of the two kinds of timers apart; one label cannot be both."""
    return changed(target, "label", f"{'a' if target.alarm else 'b'}{target.label[:26]}")


def finish_rateest(target: Any, _: int) -> Any:
    """Give each estimator a name of its own; one name has one interval and time constant."""
    name = f"{target.rateest_interval // 1000}-{target.rateest_ewmalog // 1000}"
    return changed(target, "rateest_name", name)


def by_family(field: str, default: dict[int, object]) -> Callable[[Any, int], Any]:
    """Put in an option that is always printed what stands there if it was not given."""

    def finish(value: Any, family: int) -> Any:
        return changed(value, field, default[family]) if getattr(value, field) is None else value

    return finish


FINISH: dict[type[Extension], Callable[[Any, int], Any]] = {
    matches.Connlimit: by_family("connlimit_mask", {4: 32, 6: 128}),
    matches.Hashlimit: finish_hashlimit,
    matches.Recent: by_family("mask", {4: address("255.255.255.255"), 6: address(":".join(["ffff"] * 8))}),
    targets.Idletimer: finish_idletimer,
    targets.Rateest: finish_rateest,
    targets.Reject: by_family(
        "reject_with", {4: RejectWith.ICMP_PORT_UNREACHABLE, 6: RejectWith.ICMP6_PORT_UNREACHABLE}
    ),
    targets.Tproxy: by_family("on_ip", {4: address("0.0.0.0"), 6: address("::")}),  # noqa: S104 (nothing is bound)
}


def instances(kind: type[Extension], family: int) -> st.SearchStrategy[Any]:
    """Draw instances that this kernel can load."""
    known = KNOWN[kind](family) if kind in KNOWN else {}
    drawn: st.SearchStrategy[Any] = extensions(kind, family=family, alphabet=LETTERS, known=known)
    finish = FINISH.get(kind)
    return drawn if finish is None else drawn.map(lambda value: finish(value, family))


SYN = matches.Tcp(tcp_flags=Negatable(TcpFlags(mask=0x17, comp=0x02)))

COMPANIONS: dict[type[Extension], tuple[Match, ...]] = {targets.Tcpmss: (SYN,)}
"""Other matches that a rule with the extension needs."""

PROTOCOLS: dict[tuple[type[Extension], int], int] = {(matches.Ah, 4): 51, (targets.Ct, 4): 6, (targets.Ct, 6): 6}
"""Protocols that a rule needs in one family only, or for a helper's sake."""

BEFORE: dict[type[Extension], tuple[str, ...]] = {
    matches.Rateest: tuple(
        f"-A OTHER -j RATEEST --rateest-name {name} --rateest-interval 1s --rateest-ewma 4s" for name in ("RE1", "RE2")
    ),
}
"""Rules that must be there first."""


def rule_with(value: Extension, family: int) -> Rule:
    """Make a rule of an extension, with the protocol and the matches that it needs."""
    needed = (*value.needed_protocols(), PROTOCOLS.get((type(value), family)))[0]
    ip = value if isinstance(value, Ip) else Ip(protocol=None if needed is None else Negatable(Protocol(needed)))
    found = (value,) if isinstance(value, Match) and not isinstance(value, Ip) else ()
    target = value if isinstance(value, Target) else None
    table = value.tables[0] if value.tables else "mangle" if isinstance(value, targets.Set) else "filter"
    asked_of_all = () if ip == Ip() else (ip,)
    return Rule(
        table=table, chain="TEST", matches=(*asked_of_all, *COMPANIONS.get(type(value), ()), *found), target=target
    )
