"""How often, how much."""

from __future__ import annotations

import enum

import attrs

from iptables_model.model.option import Match, Spelling, extension, flag, option, require, settle
from iptables_model.values.addresses import PREFIX_LENGTH
from iptables_model.values.codec import Codec, Form, bare, between, one_of, several_of, unsigned
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import NumberRange, ranges
from iptables_model.values.rates import BURST, HASH_RATE, RATE, ByteCount, ByteRate, HashRate, Rate

__all__ = ["Connbytes", "ConnbytesDir", "ConnbytesMode", "Connlimit", "Hashlimit", "HashlimitMode", "Limit", "Quota"]


@extension
class Limit(Match):
    """Match at a limited rate, after a first burst (net/netfilter/xt_limit.c)."""

    extension = "limit"
    since = "2.4"

    limit: Rate = option("--limit", RATE, default=RATE.read("3/hour"), always=True)
    limit_burst: int = option("--limit-burst", between(1, 10000), default=5)


_LARGEST_TABLE = 1 << 20
"""HASHLIMIT_MAX_SIZE: the kernel lowers what is above."""


_SECONDS = attrs.evolve(between(1, 0x7FFFFFFF), forms=(Form(regex="[1-9][0-9]{0,9}", exact=False),))
"""A number of seconds, which iptables reads as decimal only."""


class HashlimitMode(enum.StrEnum):
    """What of a packet has a counter of its own."""

    SRCIP = "srcip"
    SRCPORT = "srcport"
    DSTIP = "dstip"
    DSTPORT = "dstport"


@extension
class Hashlimit(Match):
    """Match at a rate that is limited for each address or port of its own (net/netfilter/xt_hashlimit.c).

    Exactly one of `hashlimit_upto` and `hashlimit_above` is there; iptables turns a negated one into the other. The
    burst counts packets, or bytes if the rate does. A mask that is not there is full, and an expiry that is not there
    follows from the rate, in milliseconds.
    """

    extension = "hashlimit"
    since = "2.6.10"

    hashlimit_upto: Negatable[HashRate | ByteRate] | None = option(
        "--hashlimit-upto", HASH_RATE, negatable=True, default=None, also=(Spelling("--hashlimit"),)
    )
    hashlimit_above: Negatable[HashRate | ByteRate] | None = option(
        "--hashlimit-above", HASH_RATE, negatable=True, default=None
    )
    hashlimit_burst: int | None = option("--hashlimit-burst", BURST, default=None)
    hashlimit_mode: tuple[HashlimitMode, ...] = option("--hashlimit-mode", several_of(HashlimitMode), default=())
    hashlimit_name: str = option(
        "--hashlimit-name", bare("name", "the name of a table, without a slash", r"[^\s/]{1,254}")
    )
    hashlimit_htable_size: int = option("--hashlimit-htable-size", unsigned(32), default=0)
    hashlimit_htable_max: int = option("--hashlimit-htable-max", unsigned(32), default=0)
    hashlimit_htable_gcinterval: int = option("--hashlimit-htable-gcinterval", between(1, 0xFFFFFFFF), default=1000)
    hashlimit_htable_expire: int | None = option("--hashlimit-htable-expire", between(1, 0xFFFFFFFF), default=None)
    hashlimit_srcmask: int | None = option("--hashlimit-srcmask", PREFIX_LENGTH, default=None)
    hashlimit_dstmask: int | None = option("--hashlimit-dstmask", PREFIX_LENGTH, default=None)
    hashlimit_rate_match: bool = flag("--hashlimit-rate-match", default=False)
    hashlimit_rate_interval: int = option("--hashlimit-rate-interval", _SECONDS, default=1)

    def __attrs_post_init__(self) -> None:
        require(
            (self.hashlimit_upto is None) != (self.hashlimit_above is None),
            "hashlimit needs one of --hashlimit-upto and --hashlimit-above",
        )
        _turn(self, "hashlimit_upto", "hashlimit_above")
        for name in ("hashlimit_htable_size", "hashlimit_htable_max"):
            settle(self, name, min(getattr(self, name), _LARGEST_TABLE))
        if not self.hashlimit_rate_match:
            settle(self, "hashlimit_rate_interval", 1)
        if isinstance(self.rate, ByteRate):
            self._settle_bytes(self.rate)
        else:
            self._settle_packets(self.rate)

    @property
    def rate(self) -> HashRate | ByteRate:
        """Give the rate up to which, or above which, packets match."""
        held = self.hashlimit_upto or self.hashlimit_above
        assert held is not None  # noqa: S101 (checked when the value was made)
        return held.value

    def _settle_bytes(self, rate: ByteRate) -> None:
        """Count the burst in steps of the rate (hashlimit_mt_check)."""
        if self.hashlimit_burst is not None:
            require(self.hashlimit_burst >= rate.bytes > 0, f"--hashlimit-burst needs to be at least {rate.bytes}b")
            steps = (self.hashlimit_burst & 0xFFFFFFFF) // rate.bytes + (self.hashlimit_burst % rate.bytes > 0)
            settle(self, "hashlimit_burst", ByteCount(steps * rate.bytes))
        if self.hashlimit_htable_expire == (15_000 if self.hashlimit_burst is None else 60_000):
            settle(self, "hashlimit_htable_expire", None)

    def _settle_packets(self, rate: HashRate) -> None:
        """Keep the expiry that follows from the unit in which the rate was written (hashlimit_mt_check)."""
        burst = 5 if self.hashlimit_burst is None else int(self.hashlimit_burst)
        require(burst <= 1_000_000, "--hashlimit-burst needs at most 1000000 packets")
        settle(self, "hashlimit_burst", burst)
        expire = rate.seconds * 1000 if self.hashlimit_htable_expire is None else self.hashlimit_htable_expire
        if self.hashlimit_rate_match and rate.seconds != 1:
            if self.hashlimit_rate_interval == 1:
                settle(self, "hashlimit_rate_interval", rate.seconds)
            rate = HashRate(rate.interval // rate.seconds)
            require(rate.interval > 0, "--hashlimit-rate-match needs a rate of at most 1000000 packets in its unit")
        kept = "hashlimit_above" if self.hashlimit_upto is None else "hashlimit_upto"
        settle(self, kept, Negatable(HashRate(rate.interval, seconds=rate.printed_seconds)))
        settle(self, "hashlimit_htable_expire", None if expire == rate.printed_seconds * 1000 else expire)


def _turn(value: Match, upto: str, above: str) -> None:
    """Turn a negated limit into its opposite, as iptables does."""
    for name, other in ((upto, above), (above, upto)):
        held = getattr(value, name)
        if held is not None and held.negated:
            settle(value, name, None)
            settle(value, other, attrs.evolve(held, negated=False))
            return


@extension
class Connlimit(Match):
    """Match by the number of connections from or to a network (net/netfilter/xt_connlimit.c).

    Exactly one of `connlimit_upto` and `connlimit_above` is there; iptables turns a negated one into the other.
    Without a mask each address counts alone, and iptables-save prints the length that is full in its family.
    """

    extension = "connlimit"
    since = "2.6.23"

    connlimit_upto: Negatable[int] | None = option("--connlimit-upto", unsigned(32), negatable=True, default=None)
    connlimit_above: Negatable[int] | None = option("--connlimit-above", unsigned(32), negatable=True, default=None)
    connlimit_mask: int | None = option("--connlimit-mask", PREFIX_LENGTH, default=None)
    connlimit_saddr: bool = flag("--connlimit-saddr", default=False)
    connlimit_daddr: bool = flag("--connlimit-daddr", default=False)

    def __attrs_post_init__(self) -> None:
        require(
            (self.connlimit_upto is None) != (self.connlimit_above is None),
            "connlimit needs one of --connlimit-upto and --connlimit-above",
        )
        require(
            not (self.connlimit_saddr and self.connlimit_daddr),
            "--connlimit-saddr and --connlimit-daddr exclude each other",
        )
        _turn(self, "connlimit_upto", "connlimit_above")
        settle(self, "connlimit_saddr", not self.connlimit_daddr)


class ConnbytesMode(enum.StrEnum):
    """What `connbytes` counts."""

    PACKETS = "packets"
    BYTES = "bytes"
    AVGPKT = "avgpkt"


class ConnbytesDir(enum.StrEnum):
    """Which direction of the connection counts."""

    ORIGINAL = "original"
    REPLY = "reply"
    BOTH = "both"


def _at_least(text: str) -> NumberRange:
    """Read a range in which one number alone stands for it and all above."""
    return _COUNTS.read(text if ":" in text else f"{text}:")


_MOST = (1 << 64) - 1
_COUNTS = ranges(64, "count", rising=True)
_CONNBYTES: Codec[NumberRange] = attrs.evolve(
    _COUNTS,
    read=_at_least,
    write=lambda held: str(held.first) if held.last == _MOST else f"{held.first}:{held.last}",
)


@extension
class Connbytes(Match):
    """Match by the bytes or packets that a connection has had (net/netfilter/xt_connbytes.c)."""

    extension = "connbytes"
    since = "2.6.14"

    connbytes: Negatable[NumberRange] = option("--connbytes", _CONNBYTES, negatable=True)
    connbytes_mode: ConnbytesMode = option("--connbytes-mode", one_of(ConnbytesMode))
    connbytes_dir: ConnbytesDir = option("--connbytes-dir", one_of(ConnbytesDir))

    def __attrs_post_init__(self) -> None:
        # The kernel tells a negated range by its ends, which stand the other way round.
        if self.connbytes.value.first == self.connbytes.value.last:
            settle(self, "connbytes", Negatable(self.connbytes.value))


@extension
class Quota(Match):
    """Match until so many bytes have passed (net/netfilter/xt_quota.c)."""

    extension = "quota"
    since = "2.6.18"

    quota: Negatable[int] = option("--quota", unsigned(64), negatable=True)
