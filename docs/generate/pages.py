"""Which parts of which pages are generated, and how they are put in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from docs.generate import api, diagrams, differences, extensions
from iptables_model.render import json_schema

__all__ = ["FILES", "PARTS", "REFERENCE", "pages", "parts_of", "refreshed"]

REFERENCE = Path(__file__).parent.parent / "reference"

PARTS: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "matches": extensions.matches_table,
        "targets": extensions.targets_table,
        "options of matches": extensions.options_of_matches,
        "options of targets": extensions.options_of_targets,
        "read only here": differences.read_only_here,
        "read only there": differences.read_only_there,
        **{f"api {group}": partial(api.group_text, group) for group in api.GROUPS},
    }
)
"""The parts of pages, by the names that stand in their markers."""

FILES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "grammar.html": diagrams.page,
        "ruleset.schema.json": lambda: json.dumps(json_schema(), indent=2) + "\n",
    }
)
"""The files that are generated as a whole."""

_PART = re.compile(
    r"(?P<begin><!-- generated: (?P<name>[^\n]*) -->\n).*?(?P<end><!-- end of what is generated -->)", re.DOTALL
)


def pages() -> list[Path]:
    """List the pages of the reference."""
    return sorted(REFERENCE.glob("*.md"))


def parts_of(text: str) -> list[str]:
    """Name the generated parts of a page."""
    return [found["name"] for found in _PART.finditer(text)]


def refreshed(text: str) -> str:
    """Give a page with its generated parts made anew."""
    return _PART.sub(lambda found: f"{found['begin']}\n{PARTS[found['name']]()}\n\n{found['end']}", text)
