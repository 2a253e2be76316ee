"""Random rulesets over what a single host can exercise, and packets that meet them."""

from __future__ import annotations

import re
from random import Random

import attrs

from tests.kernel.frames import Frame
from tests.kernel.generate.later import later
from tests.kernel.generate.packets import packets
from tests.kernel.generate.rules import HOOKS, table

__all__ = ["Case", "case", "later"]


@attrs.frozen(kw_only=True)
class Case:
    """Hold a ruleset as a text to restore, and packets: the openers are sent before the rules are there.

    Unless the case is `tracked`, conntrack sees no packets.
    """

    family: int
    text: str
    openers: tuple[Frame, ...]
    frames: tuple[Frame, ...]
    tracked: bool = True


_NOT_OF_FRAGMENTS = re.compile(
    r"-A .*(-m (cluster|conn\w+|helper|socket|state|tcp|tcpmss|udp)"
    r"|-j (CONN\w+|CT --(?!notrack)|SYNPROXY|TEE|TPROXY)).*\n"
)
"""Rules for which the kernel puts fragments together, or which read as a transport header what stands in its place.

The copy that TEE makes of a fragment cannot be told from the fragment.
"""


def case(seed: str) -> Case:
    """Make a ruleset with packets; the same seed makes the same."""
    random = Random(seed)  # noqa: S311 (nothing here is secret)
    family = random.choice((4, 6))
    tables = [name for name in HOOKS if random.random() < 0.7] or ["filter"]
    if {"nat", "security"} <= set(tables):
        # iptables-nft has security INPUT come behind nat INPUT, the kernel's own tables before it.
        tables.remove(random.choice(("nat", "security")))
    tracked = random.random() < 0.9
    text = "".join(table(random, family, name) for name in tables if tracked or name != "nat")
    openers, frames = packets(random, family, fragments=0.02 if tracked else 0.2)
    return Case(
        family=family,
        text=text if tracked else _NOT_OF_FRAGMENTS.sub("", text),
        openers=openers,
        frames=frames,
        tracked=tracked,
    )
