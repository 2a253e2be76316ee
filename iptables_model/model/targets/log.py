"""Tell the log, or a process that listens, of a packet; the rule after this one is next."""

from __future__ import annotations

from iptables_model.model.option import Target, extension, flag, option, require
from iptables_model.values.codec import Codec, Form, strtoul, text_of, unsigned

__all__ = ["Log", "Nflog"]

_LEVELS = {
    "emerg": 0,
    "panic": 0,
    "alert": 1,
    "crit": 2,
    "error": 3,
    "err": 3,
    "warning": 4,
    "warn": 4,
    "notice": 5,
    "info": 6,
    "debug": 7,
}


def _level(text: str) -> int:
    """Read a level by number, name or the beginning of a name (libxtables' xtopt_parse_syslog)."""
    level = strtoul(text) if text[0].isdigit() else _LEVELS.get(text.lower(), 8)
    if level > 7:
        raise ValueError(f'needs a level from 0 to 7 or its name, found "{text}"')
    return level


_LEVEL: Codec[int] = Codec(
    name="level",
    expected="a level from 0 to 7 or its name",
    forms=(Form(regex="[0-7]"), Form(regex="[A-Za-z]+|[0-9]{1,3}", exact=False)),
    read=_level,
    write=str,
    hint="the names are emerg, alert, crit, err, warning, notice, info and debug",
)


@extension
class Log(Target):
    """Write a line about the packet to the kernel's log (net/netfilter/xt_LOG.c)."""

    extension = "LOG"

    log_prefix: str | None = option(
        "--log-prefix", text_of("prefix", "a prefix", shortest=1, longest=29, forbidden="\n"), default=None
    )
    log_level: int = option("--log-level", _LEVEL, default=4)
    log_tcp_sequence: bool = flag("--log-tcp-sequence", default=False)
    log_tcp_options: bool = flag("--log-tcp-options", default=False)
    log_ip_options: bool = flag("--log-ip-options", default=False)
    log_uid: bool = flag("--log-uid", default=False)
    log_macdecode: bool = flag("--log-macdecode", default=False)


@extension
class Nflog(Target):
    """Hand the packet to the processes that listen to a netlink group (net/netfilter/xt_NFLOG.c)."""

    extension = "NFLOG"

    nflog_prefix: str | None = option(
        "--nflog-prefix", text_of("prefix", "a prefix", shortest=1, longest=63, forbidden="\n"), default=None
    )
    nflog_group: int = option("--nflog-group", unsigned(16), default=0)
    nflog_size: int | None = option("--nflog-size", unsigned(32), default=None)
    nflog_range: int = option("--nflog-range", unsigned(32), default=0)
    nflog_threshold: int = option("--nflog-threshold", unsigned(16), default=0)

    def __attrs_post_init__(self) -> None:
        require(not (self.nflog_range and self.nflog_size), "--nflog-range and --nflog-size exclude each other")
