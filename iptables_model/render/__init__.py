"""From values to text: iptables-save text, JSON, and drawings of chains as DOT and Mermaid."""

from __future__ import annotations

from iptables_model.render.dot import to_dot
from iptables_model.render.json import from_dict, from_json, to_dict, to_json
from iptables_model.render.mermaid import to_mermaid
from iptables_model.render.plain import plain
from iptables_model.render.schema import json_schema
from iptables_model.render.text import to_text

__all__ = ["from_dict", "from_json", "json_schema", "plain", "to_dict", "to_dot", "to_json", "to_mermaid", "to_text"]
