"""Changes to TCP segments."""

from __future__ import annotations

from iptables_model.model.option import Target, extension, flag, option, require
from iptables_model.values.codec import Codec, Form, between, strtoul, unsigned

__all__ = ["Synproxy", "Tcpmss", "Tcpoptstrip"]


@extension
class Tcpmss(Target):
    """Set the maximum segment size that a SYN announces (net/netfilter/xt_TCPMSS.c)."""

    extension = "TCPMSS"
    protocols = (6,)

    set_mss: int | None = option("--set-mss", between(0, 65515), default=None)
    clamp_mss_to_pmtu: bool = flag("--clamp-mss-to-pmtu", default=False)

    def __attrs_post_init__(self) -> None:
        one = (self.set_mss is None) == self.clamp_mss_to_pmtu
        require(one, "TCPMSS needs one of --set-mss and --clamp-mss-to-pmtu")


_OPTION_NAMES = {"mss": 2, "wscale": 3, "sack-permitted": 4, "sack": 5, "timestamp": 8, "md5": 19}


def _tcp_option(text: str) -> int:
    named = _OPTION_NAMES.get(text)
    number = strtoul(text) if named is None else named
    if not 2 <= number <= 255:
        raise ValueError(f'needs options from 2 to 255, found "{text}"')
    return number


def _tcp_options(text: str) -> tuple[int, ...]:
    numbers = sorted(map(_tcp_option, text.split(",")))
    if len(set(numbers)) != len(numbers):
        raise ValueError(f'needs each option once, found "{text}"')
    return tuple(numbers)


_OPTIONS: Codec[tuple[int, ...]] = Codec(
    name="TCP options",
    expected="TCP options by number or name, separated by commas",
    forms=(Form(regex=r"[2-9]"), Form(regex=r"[0-9a-z-]{1,14}(?:,[0-9a-z-]{1,14}){0,99}", exact=False)),
    read=_tcp_options,
    write=lambda numbers: ",".join(map(str, numbers)),
    hint="the names are wscale, mss, sack-permitted, sack, timestamp and md5",
)


@extension
class Tcpoptstrip(Target):
    """Replace TCP options by padding (net/netfilter/xt_TCPOPTSTRIP.c)."""

    extension = "TCPOPTSTRIP"
    since = "2.6.25"
    tables = ("mangle",)
    protocols = (6,)

    strip_options: tuple[int, ...] | None = option("--strip-options", _OPTIONS, default=None)


@extension
class Synproxy(Target):
    """Answer a SYN in place of the server, and connect to it when the client answers (net/netfilter/xt_SYNPROXY.c)."""

    extension = "SYNPROXY"
    since = "3.12"
    protocols = (6,)

    sack_perm: bool = flag("--sack-perm", default=False)
    timestamp: bool = flag("--timestamp", default=False)
    wscale: int | None = option("--wscale", unsigned(8), default=None)
    mss: int | None = option("--mss", unsigned(16), default=None)
    ecn: bool = flag("--ecn", default=False)
