"""Targets that hand packets to something else than the next hop."""

from __future__ import annotations

import enum

import attrs

from iptables_model.model.option import Target, extension, flag, option, require, settle
from iptables_model.values.addresses import ADDRESS, MAC, Address, MacAddress
from iptables_model.values.codec import Codec, bare, between, one_of, unsigned
from iptables_model.values.numbers import XMARK, Masked, NumberRange, ranges
from iptables_model.values.ports import PORT

__all__ = ["Clusterip", "HashMode", "Nfqueue", "Tee", "Tproxy"]


@extension
class Nfqueue(Target):
    """Hand the packet to the process that listens to a queue (net/netfilter/xt_NFQUEUE.c).

    With `queue_balance` there are several queues, and packets of one connection go to the same one.
    """

    extension = "NFQUEUE"
    since = "2.6.14"

    queue_num: int | None = option("--queue-num", unsigned(16), default=None)
    queue_balance: NumberRange | None = option("--queue-balance", ranges(16, "queue", rising=True), default=None)
    queue_bypass: bool = flag("--queue-bypass", default=False)
    queue_cpu_fanout: bool = flag("--queue-cpu-fanout", default=False)

    def __attrs_post_init__(self) -> None:
        alone = self.queue_num is None or self.queue_balance is None
        require(alone, "--queue-num and --queue-balance exclude each other")
        require(self.queue_balance is not None or not self.queue_cpu_fanout, "--queue-cpu-fanout needs --queue-balance")
        if self.queue_balance is None:
            settle(self, "queue_num", self.queue_num or 0)
        else:
            queues = self.queue_balance.last - self.queue_balance.first + 1
            require(1 < queues <= 0xFFFF, "--queue-balance needs from 2 to 65535 queues")


@extension
class Tee(Target):
    """Send a copy of the packet to another host on the link (net/netfilter/xt_TEE.c)."""

    extension = "TEE"
    since = "2.6.35"

    gateway: Address = option("--gateway", ADDRESS)
    oif: str | None = option("--oif", bare("interface", "the name of an interface", r"\S{1,15}"), default=None)

    def __attrs_post_init__(self) -> None:
        require(not self.gateway.is_unspecified, "TEE needs the address of a host")


@extension
class Tproxy(Target):
    """Hand the packet to a local socket without changing it (net/netfilter/xt_TPROXY.c).

    Without `on_ip` the address is that of the interface on which the packet came; iptables-save then prints the address
    of no host in its family.
    """

    extension = "TPROXY"
    since = "2.6.28"
    tables = ("mangle",)
    protocols = (6, 17)

    on_port: int = option("--on-port", PORT)
    on_ip: Address | None = option("--on-ip", ADDRESS, default=None)
    tproxy_mark: Masked = option("--tproxy-mark", XMARK, default=Masked(0, 0), always=True)


class HashMode(enum.StrEnum):
    """What of a packet decides which node takes it."""

    SOURCEIP = "sourceip"
    SOURCEIP_SOURCEPORT = "sourceip-sourceport"
    SOURCEIP_SOURCEPORT_DESTPORT = "sourceip-sourceport-destport"


_CAPITALS: Codec[MacAddress] = attrs.evolve(MAC, write=lambda mac: str(mac).upper())


@extension
class Clusterip(Target):
    """Share one address among the nodes of a cluster (net/ipv4/netfilter/ipt_CLUSTERIP.c, until Linux 6.2)."""

    extension = "CLUSTERIP"
    families = (4,)

    new: bool = flag("--new", default=False)
    hashmode: HashMode | None = option("--hashmode", one_of(HashMode), default=None)
    clustermac: MacAddress | None = option("--clustermac", _CAPITALS, default=None)
    total_nodes: int | None = option("--total-nodes", between(1, 16), default=None)
    local_node: int | None = option("--local-node", between(0, 16), default=None)
    hash_init: int | None = option("--hash-init", unsigned(32), default=None)

    def __attrs_post_init__(self) -> None:
        rest = (self.hashmode, self.clustermac, self.total_nodes, self.local_node)
        whole = None not in rest if self.new else (*rest, self.hash_init) == (None,) * 5
        require(whole, "CLUSTERIP needs --new with all the rest but --hash-init, or nothing")
        if self.new:
            settle(self, "hash_init", self.hash_init or 0)
