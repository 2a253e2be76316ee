"""Refuse a packet and say so."""

from __future__ import annotations

import enum

from iptables_model.model.option import Target, extension, option
from iptables_model.values.codec import Codec, Form

__all__ = ["Reject", "RejectWith"]


class RejectWith(enum.StrEnum):
    """The answer that REJECT sends: an ICMP or ICMPv6 error, or a TCP reset."""

    ICMP_NET_UNREACHABLE = "icmp-net-unreachable"
    ICMP_HOST_UNREACHABLE = "icmp-host-unreachable"
    ICMP_PROTO_UNREACHABLE = "icmp-proto-unreachable"
    ICMP_PORT_UNREACHABLE = "icmp-port-unreachable"
    ICMP_NET_PROHIBITED = "icmp-net-prohibited"
    ICMP_HOST_PROHIBITED = "icmp-host-prohibited"
    ICMP_ADMIN_PROHIBITED = "icmp-admin-prohibited"
    ICMP6_NO_ROUTE = "icmp6-no-route"
    ICMP6_ADM_PROHIBITED = "icmp6-adm-prohibited"
    ICMP6_ADDR_UNREACHABLE = "icmp6-addr-unreachable"
    ICMP6_PORT_UNREACHABLE = "icmp6-port-unreachable"
    ICMP6_POLICY_FAIL = "icmp6-policy-fail"
    ICMP6_REJECT_ROUTE = "icmp6-reject-route"
    TCP_RESET = "tcp-reset"


# Shorter names that both families read (extensions/libipt_REJECT.c, libip6t_REJECT.c); port-unreach is in both.
_ALIASES = {
    "net-unreach": RejectWith.ICMP_NET_UNREACHABLE,
    "host-unreach": RejectWith.ICMP_HOST_UNREACHABLE,
    "proto-unreach": RejectWith.ICMP_PROTO_UNREACHABLE,
    "port-unreach": RejectWith.ICMP_PORT_UNREACHABLE,
    "net-prohib": RejectWith.ICMP_NET_PROHIBITED,
    "host-prohib": RejectWith.ICMP_HOST_PROHIBITED,
    "admin-prohib": RejectWith.ICMP_ADMIN_PROHIBITED,
    "no-route": RejectWith.ICMP6_NO_ROUTE,
    "adm-prohibited": RejectWith.ICMP6_ADM_PROHIBITED,
    "addr-unreach": RejectWith.ICMP6_ADDR_UNREACHABLE,
    "policy-fail": RejectWith.ICMP6_POLICY_FAIL,
    "reject-route": RejectWith.ICMP6_REJECT_ROUTE,
    "tcp-rst": RejectWith.TCP_RESET,
}


def _reject_with(text: str) -> RejectWith:
    """Find the first answer whose name, or shorter name, begins with the text, as iptables does."""
    lower = text.lower()
    names = {member.value: member for member in RejectWith} | _ALIASES
    found = next((member for name, member in names.items() if name.startswith(lower)), None)
    if found is None:
        raise ValueError(f'needs the name of an answer, found "{text}"')
    return found


_WITH: Codec[RejectWith] = Codec(
    name="answer",
    expected="the name of an answer, for example icmp-port-unreachable or tcp-reset",
    forms=(
        Form(regex="|".join(name for name in RejectWith if name.startswith("icmp-")), family=4),
        Form(regex="|".join(name for name in RejectWith if name.startswith("icmp6-")), family=6),
        Form(regex=r"[A-Za-z][A-Za-z0-9-]*", exact=False),
    ),
    read=_reject_with,
    write=str,
    keyword=True,
)


@extension
class Reject(Target):
    """Drop the packet and answer it (net/ipv4/netfilter/ipt_REJECT.c, net/ipv6/netfilter/ip6t_REJECT.c).

    Without `reject_with` the answer is port unreachable; iptables-save always prints it.
    """

    extension = "REJECT"
    since = "2.4"
    tables = ("filter",)

    reject_with: RejectWith | None = option("--reject-with", _WITH, default=None)

    def needed_protocols(self) -> tuple[int, ...]:
        """Ask for TCP if the answer is a reset."""
        return (6,) if self.reject_with is RejectWith.TCP_RESET else ()
