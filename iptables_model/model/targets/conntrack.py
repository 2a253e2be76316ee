"""What connection tracking does with a packet."""

from __future__ import annotations

import enum

from iptables_model.model.option import Target, extension, flag, forget, option, require
from iptables_model.values.codec import Codec, Form, bare, several_of, strtoul

__all__ = ["Ct", "CtEvent", "ExpEvent", "Notrack"]


class CtEvent(enum.StrEnum):
    """An event of a connection that is told by ctnetlink."""

    NEW = "new"
    RELATED = "related"
    DESTROY = "destroy"
    REPLY = "reply"
    ASSURED = "assured"
    PROTOINFO = "protoinfo"
    HELPER = "helper"
    MARK = "mark"
    NATSEQINFO = "natseqinfo"
    SECMARK = "secmark"


class ExpEvent(enum.StrEnum):
    """An event of an expected connection."""

    NEW = "new"


def _zone(text: str) -> int | str:
    if text == "mark":
        return text
    zone = strtoul(text)
    if zone > 65535:
        raise ValueError(f'needs a zone from 0 to 65535 or mark, found "{text}"')
    return zone


_ZONE: Codec[int | str] = Codec(
    name="zone",
    expected="a zone from 0 to 65535, or mark",
    forms=(Form(regex=r"[1-9][0-9]{0,3}|mark"), Form(regex=r"0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10}", exact=False)),
    read=_zone,
    write=str,
)


@extension
class Ct(Target):
    """Choose how the packet's connection will be tracked (net/netfilter/xt_CT.c).

    A zone is a number, or "mark" for the packet's mark.
    """

    extension = "CT"
    since = "2.6.34"
    tables = ("raw",)

    notrack: bool = flag("--notrack", default=False)
    helper: str | None = option("--helper", bare("helper", "the name of a helper", r"[^\s]{1,15}"), default=None)
    timeout: str | None = option(
        "--timeout", bare("policy", "the name of a timeout policy", r"[^\s]{1,31}"), default=None
    )
    ctevents: tuple[CtEvent, ...] | None = option("--ctevents", several_of(CtEvent), default=None)
    expevents: tuple[ExpEvent, ...] | None = option("--expevents", several_of(ExpEvent), default=None)
    zone_orig: int | str | None = option("--zone-orig", _ZONE, default=None)
    zone_reply: int | str | None = option("--zone-reply", _ZONE, default=None)
    zone: int | str | None = option("--zone", _ZONE, default=None)

    def __attrs_post_init__(self) -> None:
        forget(self, 0, "zone", "zone_orig", "zone_reply")
        zones = [held for held in (self.zone, self.zone_orig, self.zone_reply) if held is not None]
        require(len(zones) <= 1, "--zone, --zone-orig and --zone-reply exclude each other")


@extension
class Notrack(Target):
    """Do not track the packet's connection: what is now `-j CT --notrack` (net/netfilter/xt_CT.c, notrack_tg)."""

    extension = "NOTRACK"
    tables = ("raw",)
