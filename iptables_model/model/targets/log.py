"""Tell the log, or a process that listens, of a packet; the rule after this one is next."""

from __future__ import annotations

import enum

from iptables_model.model.option import Target, extension, flag, option, require
from iptables_model.values.codec import Codec, Form, between, one_of, strtoul, text_of, unsigned

__all__ = ["Audit", "AuditType", "Log", "Nflog", "Trace", "Ulog"]

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
    since = "2.4"

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
    """Hand the packet to the processes that listen to a netlink group (net/netfilter/xt_NFLOG.c, nft_log.c).

    iptables-nft keeps prefixes of up to 127 bytes, iptables-legacy of up to 63.
    """

    extension = "NFLOG"

    nflog_prefix: str | None = option(
        "--nflog-prefix", text_of("prefix", "a prefix", shortest=1, longest=127, forbidden="\n"), default=None
    )
    nflog_group: int = option("--nflog-group", unsigned(16), default=0)
    nflog_size: int | None = option("--nflog-size", unsigned(32), default=None)
    nflog_range: int = option("--nflog-range", unsigned(32), default=0)
    nflog_threshold: int = option("--nflog-threshold", unsigned(16), default=0)

    def __attrs_post_init__(self) -> None:
        require(not self.nflog_range or self.nflog_size is None, "--nflog-range and --nflog-size exclude each other")


@extension
class Ulog(Target):
    """Hand the packet to a netlink group, as before NFLOG (net/ipv4/netfilter/ipt_ULOG.c, until Linux 3.16)."""

    extension = "ULOG"
    families = (4,)

    ulog_prefix: str | None = option(
        "--ulog-prefix", text_of("prefix", "a prefix", shortest=1, longest=31, forbidden="\n"), default=None
    )
    ulog_nlgroup: int = option("--ulog-nlgroup", between(1, 32), default=1)
    ulog_cprange: int = option("--ulog-cprange", unsigned(32), default=0)
    ulog_qthreshold: int = option("--ulog-qthreshold", between(1, 50), default=1)


class AuditType(enum.StrEnum):
    """What the audit record says became of the packet."""

    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"


@extension
class Audit(Target):
    """Write an audit record of the packet (net/netfilter/xt_AUDIT.c)."""

    extension = "AUDIT"
    since = "2.6.39"

    type: AuditType = option("--type", one_of(AuditType))


@extension
class Trace(Target):
    """Have every rule logged that the packet meets from here on (net/netfilter/xt_TRACE.c)."""

    extension = "TRACE"
    tables = ("raw",)
