"""Counters and rates that have names of their own in the kernel."""

from __future__ import annotations

from iptables_model.model.option import Match, extension, flag, option, require, settle
from iptables_model.values.bits import BIT_RATE, PACKET_RATE
from iptables_model.values.codec import bare

__all__ = ["Nfacct", "Rateest"]


@extension
class Nfacct(Match):
    """Count packets in a named object of nfnetlink_acct; it matches every packet (net/netfilter/xt_nfacct.c)."""

    extension = "nfacct"
    since = "3.3"

    nfacct_name: str = option("--nfacct-name", bare("name", "the name of a counter", r"[^\s]{1,31}"), blanks=2)


_ESTIMATOR = bare("name", "the name of a rate estimator", r"[^\s]{1,15}")


@extension
class Rateest(Match):
    """Compare the rate of an estimator with a number, or with that of another one (net/netfilter/xt_rateest.c).

    An estimator that is alone is `rateest`, one that is compared with `rateest2` is `rateest1`. With `rateest_delta`
    the differences of the rates to `..1` and `..2` are compared. Rates are in bytes (`bps`) or packets (`pps`) per
    second; an empty text says that there is none, as between two estimators.
    """

    extension = "rateest"
    since = "2.6.25"

    rateest_delta: bool = flag("--rateest-delta", default=False)
    rateest: str | None = option("--rateest", _ESTIMATOR, default=None)
    rateest1: str | None = option("--rateest1", _ESTIMATOR, default=None)
    rateest_bps1: int | str | None = option("--rateest-bps1", BIT_RATE, default=None)
    rateest_pps1: int | str | None = option("--rateest-pps1", PACKET_RATE, default=None)
    rateest_lt: bool | None = flag("--rateest-lt", negatable=True, default=None)
    rateest_gt: bool | None = flag("--rateest-gt", negatable=True, default=None)
    rateest_eq: bool | None = flag("--rateest-eq", negatable=True, default=None)
    rateest_bps: int | str | None = option("--rateest-bps", BIT_RATE, default=None)
    rateest_bps2: int | str | None = option("--rateest-bps2", BIT_RATE, default=None)
    rateest_pps: int | str | None = option("--rateest-pps", PACKET_RATE, default=None)
    rateest_pps2: int | str | None = option("--rateest-pps2", PACKET_RATE, default=None)
    rateest2: str | None = option("--rateest2", _ESTIMATOR, default=None)

    def __attrs_post_init__(self) -> None:
        require((self.rateest is None) != (self.rateest1 is None), "rateest needs one of --rateest and --rateest1")
        ways = [held for held in (self.rateest_lt, self.rateest_gt, self.rateest_eq) if held is not None]
        require(len(ways) == 1, "rateest needs one of --rateest-lt, --rateest-gt and --rateest-eq")
        given = [self._settle_rate(unit) for unit in ("bps", "pps")]
        require(any(given), "rateest needs --rateest-bps or --rateest-pps")
        name = self.rateest or self.rateest1
        settle(self, "rateest", None if self.rateest2 else name)
        settle(self, "rateest1", name if self.rateest2 else None)

    def _settle_rate(self, unit: str) -> bool:
        """Keep the rates in bytes or packets under the names that iptables prints; say whether there are any."""
        held: tuple[int | str | None, ...]
        names = (f"rateest_{unit}1", f"rateest_{unit}", f"rateest_{unit}2")
        first, plain, second = (getattr(self, name) for name in names)
        require(plain is None or second is None, f"--rateest-{unit} is another name of --rateest-{unit}2")
        given = (first, plain, second) != (None, None, None)
        compared = (plain if second is None else second) or 0
        if given and self.rateest_delta:
            held = (first or 0, None, compared)
        elif given:
            held = (None, "" if self.rateest2 else compared, None)
        else:
            held = (None, None, None)
        for name, rate in zip(names, held, strict=True):
            settle(self, name, rate)
        return given
