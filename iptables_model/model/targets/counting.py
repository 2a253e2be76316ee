"""Targets that only take notice: timers, lights and rate estimators."""

from __future__ import annotations

import math

import attrs

from iptables_model.model.option import Spelling, Target, extension, flag, option, require, settle
from iptables_model.values.bits import SPAN
from iptables_model.values.codec import Codec, Form, bare, between, text_of, unsigned

__all__ = ["Idletimer", "Led", "Rateest"]


@extension
class Idletimer(Target):
    """Tell user space when an interface has been idle, through sysfs (net/netfilter/xt_IDLETIMER.c)."""

    extension = "IDLETIMER"
    since = "2.6.36"

    timeout: int = option("--timeout", between(1, 2_147_482))
    label: str = option("--label", bare("label", "a label of at most 27 characters, without a slash", r"[^\s/]{1,27}"))
    alarm: bool = flag("--alarm", default=False)


_FOREVER = 0xFFFFFFFF
_MILLISECONDS = unsigned(32, name="delay")
_DELAY: Codec[int] = attrs.evolve(
    _MILLISECONDS,
    expected="a number of milliseconds, or inf",
    forms=(*_MILLISECONDS.forms, Form(regex="inf")),
    read=lambda text: _FOREVER if text == "inf" else _MILLISECONDS.read(text),
    write=lambda held: "inf" if held == _FOREVER else str(held),
)


@extension
class Led(Target):
    """Trigger an LED (net/netfilter/xt_LED.c).

    The delay is in milliseconds; 4294967295 stands for ever.
    """

    extension = "LED"
    since = "2.6.31"

    led_trigger_id: str = option(
        "--led-trigger-id",
        attrs.evolve(text_of("trigger", "the name of a trigger", shortest=1, longest=16), quoted=True),
    )
    led_delay: int = option("--led-delay", _DELAY, default=0)
    led_always_blink: bool = flag("--led-always-blink", default=False)


_QUARTER = 250_000


@extension
class Rateest(Target):
    """Feed a rate estimator, for `-m rateest` (net/netfilter/xt_RATEEST.c).

    The kernel knows intervals of 0.25 s, doubled up to five times, and time constants of an interval, doubled; what is
    given is rounded to these as iptables does it. Both are in microseconds.
    """

    extension = "RATEEST"
    since = "2.6.25"

    rateest_name: str = option("--rateest-name", bare("name", "the name of a rate estimator", r"[^\s]{1,15}"))
    rateest_interval: int = option("--rateest-interval", SPAN)
    rateest_ewmalog: int = option("--rateest-ewmalog", SPAN, also=(Spelling("--rateest-ewma"),))

    def __attrs_post_init__(self) -> None:
        interval = next((_QUARTER << step for step in range(6) if self.rateest_interval <= _QUARTER << step), None)
        require(interval is not None, "--rateest-interval needs at most 8 seconds")
        power = _ewma_log(self.rateest_interval, self.rateest_ewmalog)
        require(1 <= power < 31, "--rateest-ewmalog needs to be at least two intervals")
        settle(self, "rateest_interval", interval)
        settle(self, "rateest_ewmalog", (interval or 0) << power)
        require(self.rateest_ewmalog <= 0xFFFFFFFF, "--rateest-ewmalog needs at most 4294 seconds")


def _ewma_log(interval: int, constant: int) -> int:
    """Round a time constant to a power of two of the interval (RATEEST_final_check of libxt_RATEEST.c)."""
    for power in range(1, 32):
        if interval / -math.log(1 - 1 / (1 << power)) > constant:
            return power - 1
    return 31
