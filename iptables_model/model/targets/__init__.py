"""Every target, one class each; `TARGETS` lists them."""

from __future__ import annotations

from iptables_model.model.option import Target
from iptables_model.model.targets.mark import Mark
from iptables_model.model.targets.unknown import UnknownTarget
from iptables_model.model.targets.verdict import Accept, Drop, Goto, Jump, Return

__all__ = ["TARGETS", "Accept", "Drop", "Goto", "Jump", "Mark", "Return", "Target", "UnknownTarget"]

TARGETS: tuple[type[Target], ...] = (Accept, Drop, Return, Mark)
"""The declared targets; `Jump` and `Goto` lead to chains and `UnknownTarget` stands for all others."""
