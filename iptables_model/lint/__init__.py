"""Findings about a ruleset: what cannot be as it should."""

from iptables_model.lint.findings import Finding, Kind, findings

__all__ = ["Finding", "Kind", "findings"]
