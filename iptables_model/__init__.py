"""Read iptables-save text into an immutable rule graph, and ask it what happens to a packet or a Kubernetes Service.

Every public name is imported when it is first asked for (PEP 562), so that importing the package costs nothing.
"""

from __future__ import annotations

# Type checkers take this name for true; importing typing only for it would be dear.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from iptables_model import graph, render
    from iptables_model.errors import Ambiguous, DumpErrors, IptablesModelError, ModelError, NotFound, ParseError
    from iptables_model.grammar.mode import Mode
    from iptables_model.grammar.reader import load, parse, parse_dumps
    from iptables_model.graph.chains import Edge, Graph
    from iptables_model.kube_proxy.answers import (
        Endpoint,
        Entry,
        ExternalTraffic,
        Outcome,
        Reachability,
        ServicePort,
        Source,
        external_traffic,
        reachability_matrix,
        reachable_endpoints,
        services,
    )
    from iptables_model.model import matches, targets
    from iptables_model.model.rule import Counters, Rule
    from iptables_model.model.ruleset import Chain, Ruleset, Table
    from iptables_model.netfilter.ipsets import IpSet
    from iptables_model.netfilter.node import Node
    from iptables_model.netfilter.packet import Packet
    from iptables_model.netfilter.routes import Route, RouteType
    from iptables_model.netfilter.trace import Flow, Step, trace
    from iptables_model.values.trilean import Trilean

__version__ = "0.1.0"

__all__ = [
    "Ambiguous",
    "Chain",
    "Counters",
    "DumpErrors",
    "Edge",
    "Endpoint",
    "Entry",
    "ExternalTraffic",
    "Flow",
    "Graph",
    "IpSet",
    "IptablesModelError",
    "Mode",
    "ModelError",
    "Node",
    "NotFound",
    "Outcome",
    "Packet",
    "ParseError",
    "Reachability",
    "Route",
    "RouteType",
    "Rule",
    "Ruleset",
    "ServicePort",
    "Source",
    "Step",
    "Table",
    "Trilean",
    "__version__",
    "external_traffic",
    "graph",
    "load",
    "matches",
    "parse",
    "parse_dumps",
    "reachability_matrix",
    "reachable_endpoints",
    "render",
    "services",
    "targets",
    "trace",
]

_HOMES = {
    "errors": ("Ambiguous", "DumpErrors", "IptablesModelError", "ModelError", "NotFound", "ParseError"),
    "grammar.mode": ("Mode",),
    "grammar.reader": ("load", "parse", "parse_dumps"),
    "graph.chains": ("Edge", "Graph"),
    "kube_proxy.answers": (
        "Endpoint",
        "Entry",
        "ExternalTraffic",
        "Outcome",
        "Reachability",
        "ServicePort",
        "Source",
        "external_traffic",
        "reachability_matrix",
        "reachable_endpoints",
        "services",
    ),
    "model.rule": ("Counters", "Rule"),
    "model.ruleset": ("Chain", "Ruleset", "Table"),
    "netfilter.ipsets": ("IpSet",),
    "netfilter.node": ("Node",),
    "netfilter.packet": ("Packet",),
    "netfilter.routes": ("Route", "RouteType"),
    "netfilter.trace": ("Flow", "Step", "trace"),
    "values.trilean": ("Trilean",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = {"graph": "graph", "matches": "model.matches", "render": "render", "targets": "model.targets"}


if not TYPE_CHECKING:
    # Hidden from type checkers, who would take any name for public.
    def __getattr__(name: str) -> object:
        """Import a public name from where it lives, once."""
        from importlib import import_module  # noqa: PLC0415 (so that importing the package costs nothing)

        if name in _MODULES:
            value: object = import_module(f"{__name__}.{_MODULES[name]}")
        elif name in _HOME_OF:
            value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
