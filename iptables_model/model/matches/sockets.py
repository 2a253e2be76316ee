"""The local socket that a packet belongs to."""

from __future__ import annotations

from iptables_model.model.option import Match, extension, flag

__all__ = ["Socket"]


@extension
class Socket(Match):
    """Match packets for which there is an open socket on this host (net/netfilter/xt_socket.c)."""

    extension = "socket"

    transparent: bool = flag("--transparent", default=False)
    nowildcard: bool = flag("--nowildcard", default=False)
    restore_skmark: bool = flag("--restore-skmark", default=False)
