"""Addresses seen recently."""

from __future__ import annotations

from iptables_model.model.option import Match, extension, flag, forget, option, require, settle
from iptables_model.values.addresses import ADDRESS, Address
from iptables_model.values.codec import Codec, bare, between

__all__ = ["Recent"]

_NAME: Codec[str] = bare("name", "the name of a list, of at most 199 characters, without a slash", r"[^\s/]{1,199}")


@extension
class Recent(Match):
    """Keep a list of addresses, and match those that are on it (net/netfilter/xt_recent.c).

    Exactly one of `set`, `rcheck`, `update` and `remove` says what is done. Without a `mask` every bit of the address
    counts; iptables-save then prints the mask that is full in its family. Without `rdest` it is the source.
    """

    extension = "recent"

    set: bool | None = flag("--set", negatable=True, default=None)
    rcheck: bool | None = flag("--rcheck", negatable=True, default=None)
    update: bool | None = flag("--update", negatable=True, default=None)
    remove: bool | None = flag("--remove", negatable=True, default=None)
    seconds: int | None = option("--seconds", between(1, 0xFFFFFFFF), default=None)
    reap: bool = flag("--reap", default=False)
    hitcount: int | None = option("--hitcount", between(0, 65535), default=None)
    rttl: bool = flag("--rttl", default=False)
    name: str = option("--name", _NAME, default="DEFAULT", always=True)
    mask: Address | None = option("--mask", ADDRESS, default=None)
    rsource: bool = flag("--rsource", default=False)
    rdest: bool = flag("--rdest", default=False)

    def __attrs_post_init__(self) -> None:
        forget(self, 0, "hitcount")
        commands = [held for held in (self.set, self.rcheck, self.update, self.remove) if held is not None]
        require(len(commands) == 1, "recent needs one of --set, --rcheck, --update and --remove")
        if self.rcheck is None and self.update is None:
            alone = not (self.seconds or self.hitcount or self.rttl or self.reap)
            require(alone, "--seconds, --hitcount, --rttl and --reap belong to --rcheck and --update")
        require(self.seconds is not None or not self.reap, "--reap needs --seconds")
        require(not (self.rsource and self.rdest), "--rsource and --rdest exclude each other")
        settle(self, "rsource", not self.rdest)
