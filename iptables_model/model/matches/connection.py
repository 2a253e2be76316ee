"""What connection tracking knows of the packet's connection."""

from __future__ import annotations

import enum

import attrs

from iptables_model.model.option import Match, extension, option, options_of, require
from iptables_model.values.addresses import PLAIN_PREFIX, Prefix
from iptables_model.values.codec import Codec, one_of, several_of
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import PROTOCOL, NumberRange, PortRange, Protocol, ranges
from iptables_model.values.ports import PORTS

__all__ = ["Conntrack", "CtDir", "CtState", "CtStatus", "State"]


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


_STATUSES = several_of(CtStatus)


def _ct_status(text: str) -> tuple[CtStatus, ...]:
    found = _STATUSES.read(text)
    return tuple(status for status in found if status is not CtStatus.NONE) or found


_CT_PROTOCOL: Codec[Protocol] = attrs.evolve(PROTOCOL, write=lambda held: str(int(held)))


@extension
class Conntrack(Match):
    """Match the state, addresses, ports and age of the packet's connection (net/netfilter/xt_conntrack.c)."""

    extension = "conntrack"

    ctstate: Negatable[tuple[CtState, ...]] | None = option(
        "--ctstate", several_of(CtState), negatable=True, default=None
    )
    ctproto: Negatable[Protocol] | None = option("--ctproto", _CT_PROTOCOL, negatable=True, default=None)
    ctorigsrc: Negatable[Prefix] | None = option("--ctorigsrc", PLAIN_PREFIX, negatable=True, default=None)
    ctorigdst: Negatable[Prefix] | None = option("--ctorigdst", PLAIN_PREFIX, negatable=True, default=None)
    ctreplsrc: Negatable[Prefix] | None = option("--ctreplsrc", PLAIN_PREFIX, negatable=True, default=None)
    ctrepldst: Negatable[Prefix] | None = option("--ctrepldst", PLAIN_PREFIX, negatable=True, default=None)
    ctorigsrcport: Negatable[PortRange] | None = option("--ctorigsrcport", PORTS, negatable=True, default=None)
    ctorigdstport: Negatable[PortRange] | None = option("--ctorigdstport", PORTS, negatable=True, default=None)
    ctreplsrcport: Negatable[PortRange] | None = option("--ctreplsrcport", PORTS, negatable=True, default=None)
    ctrepldstport: Negatable[PortRange] | None = option("--ctrepldstport", PORTS, negatable=True, default=None)
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

    state: Negatable[tuple[CtState, ...]] = option(
        "--state", several_of(CtState, only=tuple(CtState)[:5]), negatable=True
    )
