"""What the matches of sockets ask: who sent a packet, and who waits for it."""

from __future__ import annotations

from typing import Any as Anything

from iptables_model.model import matches
from iptables_model.netfilter.bits import ANY_BITS
from iptables_model.netfilter.condition import ALWAYS, NEVER, All, Any, Assume, Become, Condition, Within
from iptables_model.netfilter.evidence import Evidence
from iptables_model.netfilter.meaning.asking import asks, assumed, one_of, within_range
from iptables_model.netfilter.sets import NumberSet

__all__ = ["owner", "socket"]


def owner(match: matches.Owner, _: Evidence) -> Condition:
    """Ask whose socket sent the packet (owner_mt, net/netfilter/xt_owner.c).

    What no socket sent matches if all options have a `!`; what the kernel's own sent, if those of users and groups do.
    """
    users = [option.negated for option in (match.uid_owner, match.gid_owner) if option is not None]
    of_nobody = all(users) and match.socket_exists is not True and not match.suppl_groups
    of_kernel = all(users) and match.socket_exists is not False
    of_process = All((asks(match.uid_owner, within_range("uid_owner")), asks(match.gid_owner, _groups(match))))
    return Any(
        (
            All((one_of("socket", "none"), _holds(of_nobody))),
            All((one_of("socket", "kernel"), _holds(of_kernel))),
            All((one_of("socket", "process"), _holds(match.socket_exists is not False), of_process)),
        )
    )


def _holds(known: bool) -> Condition:
    return ALWAYS if known else NEVER


def _groups(match: matches.Owner) -> Anything:
    def ask(groups: Anything) -> Condition:
        first = within_range("gid_owner")(groups)
        if not match.suppl_groups:
            return first
        statement = f"a supplementary group of the sender is {groups}"
        return Any((first, Assume(statement, "a packet here has no supplementary groups", ("uid_owner",))))

    return ask


_MARKED = Become("mark", ANY_BITS, "it is that of the socket")
_WITH_SOCKETS = {4: (1, 6, 17), 6: (6, 17, 58)}


def socket(match: matches.Socket, evidence: Evidence) -> Condition:
    """Ask for an open socket, which only TCP, UDP and ICMP can have (nf_sk_lookup_slow_v4, nf_socket_ipv4.c).

    With `--restore-skmark` the packet takes its mark (socket_match, net/netfilter/xt_socket.c).
    """
    numbers = [NumberSet.of(number) for number in _WITH_SOCKETS[evidence.family]]
    looked_up = Any(tuple(Within("protocol", number) for number in numbers))
    found = All((looked_up, assumed(match, "the open sockets of the node are not in the dump")))
    return All((found, _MARKED)) if match.restore_skmark else found
