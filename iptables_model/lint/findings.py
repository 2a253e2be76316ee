"""What is wrong, or cannot be as it should, in a ruleset."""

from __future__ import annotations

import enum
from collections.abc import Iterator

import attrs

from iptables_model.graph.chains import Graph, graph
from iptables_model.kube_proxy.names import PortName, split_chain
from iptables_model.kube_proxy.registry import SERVICES, said_of
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import Ruleset
from iptables_model.model.targets import Goto, Jump

__all__ = ["Finding", "Kind", "findings"]


class Kind(enum.StrEnum):
    """Name what is wrong.

    LOOP: chains lead to each other, which the kernel refuses to load. UNDEFINED_CHAIN: a rule leads to a chain that is
    not there. NAME_CONTRADICTS_CHAIN: a comment names a Service whose chains have another name than the one that the
    rule leads to. NO_PORT: a rule picks a Service by its address alone, as an iptables-save does that is older than the
    iptables that wrote the rules; what it matches cannot be trusted.
    """

    LOOP = "loop"
    UNDEFINED_CHAIN = "undefined_chain"
    NAME_CONTRADICTS_CHAIN = "name_contradicts_chain"
    NO_PORT = "no_port"


@attrs.frozen(kw_only=True)
class Finding:
    """Hold one finding: what it is, a sentence, and the rule in question if it is one rule."""

    kind: Kind
    message: str
    rule: Rule | None = None

    def __str__(self) -> str:
        line = f"line {self.rule.line}: " if self.rule is not None and self.rule.line is not None else ""
        return f"{line}{self.message}"


def findings(ruleset: Ruleset) -> tuple[Finding, ...]:
    r"""List what is wrong in a ruleset.

    >>> from iptables_model import parse
    >>> text = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j GONE\nCOMMIT\n"
    >>> [str(one) for one in findings(parse(text))]
    ['line 3: chain GONE is not there']
    """
    edges = graph(ruleset)
    return (*_loops(edges), *_undefined(edges, ruleset), *(one for rule in ruleset.rules for one in _names(rule)))


def _loops(edges: Graph) -> Iterator[Finding]:
    for cycle in edges.cycles:
        way = " -> ".join(name for _, name in (*cycle, cycle[0]))
        yield Finding(kind=Kind.LOOP, message=f"chains of table {cycle[0][0]} lead to themselves: {way}")


def _undefined(edges: Graph, ruleset: Ruleset) -> Iterator[Finding]:
    if ruleset.fragment:
        return
    gone = set(edges.undefined)
    for edge in edges.edges:
        if edge.target in gone:
            message = f"chain {edge.target[1]} is not there"
            yield Finding(kind=Kind.UNDEFINED_CHAIN, message=message, rule=edge.rule)


def _names(rule: Rule) -> Iterator[Finding]:
    said = said_of(rule)
    if said is None:
        return
    service, kind = said
    dispatches = rule.chain == SERVICES and kind in {"cluster IP", "loadbalancer IP", "external IP"}
    if dispatches and not _asks_port(rule):
        message = f"the rule for {service} asks for no port; a newer iptables may have written what is not shown"
        yield Finding(kind=Kind.NO_PORT, message=message, rule=rule)
    chain = split_chain(rule.target.chain) if isinstance(rule.target, Jump | Goto) else None
    protocol = rule.ip.protocol
    if chain is None or protocol is None:
        return
    if chain[1] not in PortName.read(service).suffixes(str(protocol.value)):
        message = f"{service} over {protocol.value} has other chains than {rule.target.chain}"  # type: ignore[union-attr]
        yield Finding(kind=Kind.NAME_CONTRADICTS_CHAIN, message=message, rule=rule)


def _asks_port(rule: Rule) -> bool:
    return any(getattr(match, "dport", None) is not None for match in rule.matches)
