"""Random rulesets over what a single host can exercise, and packets that meet them."""

from __future__ import annotations

from random import Random

import attrs

from tests.kernel.frames import Frame
from tests.kernel.generate.later import later
from tests.kernel.generate.packets import packets
from tests.kernel.generate.rules import HOOKS, table

__all__ = ["Case", "case", "later"]


@attrs.frozen(kw_only=True)
class Case:
    """Hold a ruleset as a text to restore, and packets: the openers are sent before the rules are there."""

    family: int
    text: str
    openers: tuple[Frame, ...]
    frames: tuple[Frame, ...]


def case(seed: str) -> Case:
    """Make a ruleset with packets; the same seed makes the same."""
    random = Random(seed)  # noqa: S311 (nothing here is secret)
    family = random.choice((4, 6))
    tables = [name for name in HOOKS if random.random() < 0.7] or ["filter"]
    if {"nat", "security"} <= set(tables):
        # iptables-nft has security INPUT come behind nat INPUT, the kernel's own tables before it.
        tables.remove(random.choice(("nat", "security")))
    text = "".join(table(random, family, name) for name in tables)
    openers, frames = packets(random, family)
    return Case(family=family, text=text, openers=openers, frames=frames)
