"""The tables of what iptables and this library read differently, from the fixtures that iptables is asked about."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from pathlib import Path

from docs.generate.markdown import cell, table

__all__ = ["read_only_here", "read_only_there"]

_FIXTURES = Path(__file__).parent.parent.parent / "fixtures"


def _differences(folder: str) -> str:
    """List the reasons, each with the rules that stand for it: lines in pairs, the second being the reason."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for path in sorted(_FIXTURES.glob(f"{folder}/*/*.txt")):
        lines = path.read_text().splitlines()
        for rule, why in zip(lines[::2], lines[1::2], strict=True):
            found[why.removeprefix("?? ")][f"`{cell(rule)}`"] = None
    return table(("why", "rules"), [(why, "<br>".join(rules)) for why, rules in found.items()])


read_only_here = partial(_differences, "read-only-here")
read_only_there = partial(_differences, "read-only-there")
