"""Targets that change addresses and ports (net/netfilter/xt_nat.c, nf_nat_core.c)."""

from __future__ import annotations

from iptables_model.model.option import Target, extension, flag, option
from iptables_model.values.addresses import PREFIX, Prefix
from iptables_model.values.nat import NAT_PORTS, NAT_RANGE, NPT_PREFIX, NatRange
from iptables_model.values.numbers import PortRange

__all__ = ["Dnat", "Dnpt", "Masquerade", "Netmap", "Redirect", "Snat", "Snpt"]

_WITH_PORTS = (6, 17, 33, 132)
"""TCP, UDP, DCCP and SCTP: the protocols whose ports can be changed (extensions/libxt_NAT.c)."""


@extension
class Dnat(Target):
    """Change the destination of a connection (net/netfilter/xt_nat.c, xt_dnat_target_v2)."""

    extension = "DNAT"
    since = "2.4"
    tables = ("nat",)
    misprinted = True

    to_destination: NatRange = option("--to-destination", NAT_RANGE)
    random: bool = flag("--random", default=False)
    persistent: bool = flag("--persistent", default=False)

    def needed_protocols(self) -> tuple[int, ...]:
        """List the protocols that have ports, if ports are changed."""
        return _WITH_PORTS if self.to_destination.ports else ()


@extension
class Snat(Target):
    """Change the source of a connection (net/netfilter/xt_nat.c, xt_snat_target_v1)."""

    extension = "SNAT"
    since = "2.4"
    tables = ("nat",)

    to_source: NatRange = option("--to-source", NAT_RANGE)
    random: bool = flag("--random", default=False)
    random_fully: bool = flag("--random-fully", default=False)
    persistent: bool = flag("--persistent", default=False)

    def needed_protocols(self) -> tuple[int, ...]:
        """List the protocols that have ports, if ports are changed."""
        return _WITH_PORTS if self.to_source.ports else ()


@extension
class Masquerade(Target):
    """Change the source to the address of the interface by which the packet leaves (net/netfilter/xt_MASQUERADE.c)."""

    extension = "MASQUERADE"
    since = "2.4"
    tables = ("nat",)

    to_ports: PortRange | None = option("--to-ports", NAT_PORTS, default=None)
    random: bool = flag("--random", default=False)
    random_fully: bool = flag("--random-fully", default=False)

    def needed_protocols(self) -> tuple[int, ...]:
        """List the protocols that have ports, if ports are changed."""
        return _WITH_PORTS if self.to_ports else ()


@extension
class Redirect(Target):
    """Change the destination to this host itself (net/netfilter/xt_REDIRECT.c)."""

    extension = "REDIRECT"
    since = "2.4"
    tables = ("nat",)

    to_ports: PortRange | None = option("--to-ports", NAT_PORTS, default=None)
    random: bool = flag("--random", default=False)

    def needed_protocols(self) -> tuple[int, ...]:
        """List the protocols that have ports, if ports are changed."""
        return _WITH_PORTS if self.to_ports else ()


@extension
class Netmap(Target):
    """Map a whole network to another one, address by address (net/netfilter/xt_NETMAP.c)."""

    extension = "NETMAP"
    tables = ("nat",)

    to: Prefix = option("--to", PREFIX)


@extension
class Snpt(Target):
    """Translate the prefix of an IPv6 source, without state (net/ipv6/netfilter/ip6t_NPT.c)."""

    extension = "SNPT"
    since = "3.7"
    families = (6,)
    tables = ("mangle",)

    src_pfx: Prefix = option("--src-pfx", NPT_PREFIX)
    dst_pfx: Prefix = option("--dst-pfx", NPT_PREFIX)


@extension
class Dnpt(Target):
    """Translate the prefix of an IPv6 destination, without state (net/ipv6/netfilter/ip6t_NPT.c)."""

    extension = "DNPT"
    since = "3.7"
    families = (6,)
    tables = ("mangle",)

    src_pfx: Prefix = option("--src-pfx", NPT_PREFIX)
    dst_pfx: Prefix = option("--dst-pfx", NPT_PREFIX)
