"""What the targets do that hand packets to something else: a process, a socket, a proxy."""

from __future__ import annotations

from iptables_model.model import targets
from iptables_model.netfilter.bits import FULL, BitSet
from iptables_model.netfilter.condition import NO_CONNECTION, All, Assume, Not, Within
from iptables_model.netfilter.effects.course import Course, Effect, Site, Verdict, each, goes_on_with, told
from iptables_model.netfilter.effects.mixing import masked
from iptables_model.netfilter.packet import FIELDS
from iptables_model.netfilter.sets import Choice, NumberSet
from iptables_model.netfilter.state import Constant, State
from iptables_model.values.addresses import address_text

__all__ = ["clusterip", "nfqueue", "queue", "synproxy", "tproxy"]

_CONNECTION = ("src", "dst", "sport", "dport", "protocol")
_PROCESS = Constant(Choice(frozenset({"process"})))
_SYN, _ACK, _HANDSHAKE = 0x02, 0x10, 0x17
"""Flags of TCP: two of them, and with FIN and RST all that say where in its life a connection is."""


def nfqueue(target: targets.Nfqueue, state: State, site: Site) -> Course:
    """Ask the process that listens to the queue (nfqueue_tg_v3, net/netfilter/xt_NFQUEUE.c).

    Where nobody listens, the packet is dropped, or with a bypass leaves the table accepted (nf_queue, nf_queue.c).
    """
    balance = target.queue_balance
    name = f"queue {target.queue_num}" if balance is None else f"queues {balance.first} to {balance.last}"
    return _queued(name, state, site, Verdict.ACCEPT if target.queue_bypass else Verdict.DROP)


def queue(_target: targets.Queue, state: State, site: Site) -> Course:
    """Ask the process that listens to queue 0; where nobody does, the packet is dropped (nf_queue, nf_queue.c)."""
    return _queued("queue 0", state, site, Verdict.DROP)


def _queued(name: str, state: State, site: Site, alone: Verdict) -> Course:
    listens = Assume(f"a process listens to {name}", "what runs on the node is not in the dump")
    accepts = Assume(
        f"the process at {name} accepts the packet as it is", "it decides as it likes", FIELDS, fleeting=True
    )
    heard, unheard = site.split(state, listens)
    course = []
    for one in heard:
        accepted, refused = site.split(one, accepts)
        course += each(accepted, Verdict.ACCEPT, told="queue") + each(refused, Verdict.DROP, told="queue")
    return course + each(unheard, alone, told="queue")


def tproxy(target: targets.Tproxy, state: State, site: Site) -> Course:
    """Give the packet to a transparent socket, with the mark; without one, drop it (tproxy_tg4, tproxy_tg6)."""
    there = "the packet's port" if not target.on_port else f"port {target.on_port}"
    host = (
        "an address of the interface" if not target.on_ip or target.on_ip.is_unspecified else address_text(target.on_ip)
    )
    listens = Assume(
        f"a transparent socket listens at {host}, {there}, or has the connection",
        "what runs on the node is not in the dump",
        _CONNECTION,
    )
    taken, dropped = site.split(state, listens)
    course = []
    for one in taken:
        change = target.tproxy_mark
        mark = masked(one, "mark", keep=~change.mask & FULL, xor=change.value)
        given = one.rewritten(mark=mark, socket=_PROCESS)
        course.append(Effect(given, Verdict.ACCEPT, told(one, given, "mark")))
    return course + each(dropped, Verdict.DROP)


def synproxy(_target: targets.Synproxy, state: State, site: Site) -> Course:
    """Answer a SYN, and take the ACK that answers the answer, in place of the server (synproxy_tg4, ipt_SYNPROXY.c)."""
    answers = Assume("the ACK answers a SYN cookie of the node", "the cookies are not in the dump", _CONNECTION)
    opening, others = site.split(state, Within("tcp_flags", BitSet.of(_SYN, _HANDSHAKE)))
    course = each(opening, Verdict.STOLEN, "the node answers in place of the server")
    for one in others:
        acknowledging, rest = site.split(one, Within("tcp_flags", BitSet.of(_ACK, _HANDSHAKE)))
        course += each(rest, Verdict.CONTINUE)
        for other in acknowledging:
            valid, invalid = site.split(other, answers)
            course += each(valid, Verdict.STOLEN, "the node connects to the server") + each(invalid, Verdict.DROP)
    return course


def clusterip(target: targets.Clusterip, state: State, site: Site) -> Course:
    """Take what this node of the cluster is responsible for, and drop the rest (clusterip_tg, ipt_CLUSTERIP.c).

    An ICMP error passes; what has no connection is dropped; a first packet's connection is marked with its hash.
    """
    responsible = Assume("this node of the cluster is responsible for it", "it depends on a hash", _CONNECTION)
    hashes = Constant(BitSet.between(1, target.total_nodes or 16), "it is a hash of the connection")
    errors, rest = site.split(state, All((Within("protocol", NumberSet.of(1)), _state("RELATED"))))
    course = each(errors, Verdict.CONTINUE)
    for one in rest:
        tracked, without = site.split(one, All((Not(NO_CONNECTION), responsible)))
        course += each(without, Verdict.DROP)
        for other in tracked:
            first, later = site.split(other, _state("NEW"))
            course += [goes_on_with(new, connmark=hashes) for new in first] + each(later, Verdict.CONTINUE)
    return course


def _state(name: str) -> Within:
    return Within("state", Choice(frozenset({name})))
