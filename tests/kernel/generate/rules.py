"""Random tables: chains that jump and go to later ones, and rules made of pieces."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.kernel.generate.matches import MATCHES
from tests.kernel.generate.spot import Spot
from tests.kernel.generate.targets import TARGETS

__all__ = ["HOOKS", "table"]

HOOKS = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}
_CHAINS = (*"ABCDEFG", "LED")
"""The last has the name of a target, and is meant where both could be."""
_COMMON = ("tcp", "tcp", "tcp", "udp", "udp", "sctp", "esp", "ah", "dccp", "udplite")
_PROTOCOLS = {4: (*_COMMON, "icmp", "gre"), 6: (*_COMMON, "ipv6-icmp", "mh", "ipv6-nonxt", "60")}


def table(random: Random, family: int, name: str) -> str:
    """Write a table. A chain knows the hooks from which it is reached, and leads only to later ones that know them."""
    hooks = HOOKS[name]
    chains = {hook: frozenset({hook}) for hook in hooks}
    for chain in _CHAINS[: random.randint(0, len(_CHAINS))]:
        chains[chain] = frozenset(random.sample(hooks, random.randint(1, len(hooks))))
    rules = []
    for chain, of in chains.items():
        later = [other for other in chains if other in _CHAINS and (chain in hooks or other > chain)]
        later = [other for other in later if of <= chains[other]]
        length = random.choice((0, 1, 2, 3, 5))
        rules += [f"-A {chain} {' '.join(_rule(random, family, name, of, later))}" for _ in range(length)]
    heads = [f":{chain} {_policy(random, name) if chain in hooks else '-'} [0:0]" for chain in chains]
    return "\n".join([f"*{name}", *heads, *rules, "COMMIT", ""])


def _policy(random: Random, name: str) -> str:
    return "DROP" if name != "nat" and random.random() < 0.1 else "ACCEPT"


def _rule(random: Random, family: int, name: str, hooks: frozenset[str], later: list[str]) -> Iterator[str]:
    protocol = random.choice((None, None, None, *_PROTOCOLS[family]))
    spot = Spot(random, family, name, hooks, protocol)
    if protocol is not None:
        yield f"-p {protocol}"
    elif random.random() < 0.1:
        yield f"! -p {random.choice(_PROTOCOLS[family])}"
    known = [match for match in MATCHES if match.fits(spot)]
    written = [match.write(spot) for match in random.sample(known, min(len(known), random.choice((0, 0, 1, 1, 2, 3))))]
    target = _target(spot, later)
    # iptables-nft joins what is asked twice.
    yield from (match for match in written if not (match.startswith("-m tcp ") and target.startswith("-m tcp ")))
    yield target


def _target(spot: Spot, later: list[str]) -> str:
    kind = spot.random.random()
    if later and kind < 0.4:
        return f"{spot.one('-j', '-j', '-g')} {spot.one(*later)}"
    if kind < 0.95:
        return spot.one(*(target for target in TARGETS if target.fits(spot))).write(spot)
    return ""
