"""The local socket that a packet belongs to, and whose it is."""

from __future__ import annotations

from iptables_model.model.option import Match, extension, flag, option, require
from iptables_model.values.codec import NUMBER, Codec, Form, strtoul, text_of, unsigned
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import NumberRange

__all__ = ["Cgroup", "Owner", "Socket"]


@extension
class Socket(Match):
    """Match packets for which there is an open socket on this host (net/netfilter/xt_socket.c)."""

    extension = "socket"
    since = "2.6.28"

    transparent: bool = flag("--transparent", default=False)
    nowildcard: bool = flag("--nowildcard", default=False)
    restore_skmark: bool = flag("--restore-skmark", default=False)


_LAST_ID = 0xFFFFFFFE


def _ids(text: str) -> NumberRange:
    first, dash, last = text.partition("-")
    low = strtoul(first)
    high = strtoul(last) if dash else low
    if not low <= high <= _LAST_ID:
        raise ValueError(f'needs numbers from 0 to {_LAST_ID}, the lower first, found "{text}"')
    return NumberRange(low, high)


_IDS: Codec[NumberRange] = Codec(
    name="ids",
    expected="a number or a range of numbers",
    forms=(Form(regex=r"0|[1-9][0-9]{0,8}"), Form(regex=rf"{NUMBER}(?:-{NUMBER})?", exact=False)),
    read=_ids,
    write=lambda held: str(held.first) if held.first == held.last else f"{held.first}-{held.last}",
    hint="names of users and groups are not looked up; a range is written 0-10",
)


@extension
class Owner(Match):
    """Match packets by the user or group of the process whose socket sent them (net/netfilter/xt_owner.c)."""

    extension = "owner"
    since = "2.4"

    socket_exists: bool | None = flag("--socket-exists", negatable=True, default=None)
    uid_owner: Negatable[NumberRange] | None = option("--uid-owner", _IDS, negatable=True, default=None)
    gid_owner: Negatable[NumberRange] | None = option("--gid-owner", _IDS, negatable=True, default=None)
    suppl_groups: bool = flag("--suppl-groups", default=False)

    def __attrs_post_init__(self) -> None:
        given = (self.socket_exists, self.uid_owner, self.gid_owner)
        require(given != (None, None, None), "owner needs --uid-owner, --gid-owner or --socket-exists")
        require(self.gid_owner is not None or not self.suppl_groups, "--suppl-groups needs --gid-owner")


@extension
class Cgroup(Match):
    """Match packets by the control group of their socket (net/netfilter/xt_cgroup.c)."""

    extension = "cgroup"
    since = "3.14"

    path: Negatable[str] | None = option(
        "--path", text_of("path", "the path of a cgroup", shortest=1, longest=511), negatable=True, default=None
    )
    cgroup: Negatable[int] | None = option("--cgroup", unsigned(32), negatable=True, default=None)

    def __attrs_post_init__(self) -> None:
        require((self.path is None) != (self.cgroup is None), "cgroup needs one of --path and --cgroup")
