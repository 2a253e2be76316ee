"""The questions about Services, answered from the walk over the rules."""

from __future__ import annotations

import attrs

from iptables_model.kube_proxy.explain import deciding_rule_of, drop_is_local, explain, meant
from iptables_model.kube_proxy.fragment import completed
from iptables_model.kube_proxy.question import Question, Source
from iptables_model.kube_proxy.registry import Entry, Registry
from iptables_model.kube_proxy.service_port import Endpoint, Policy, ServicePort, service_port
from iptables_model.kube_proxy.worlds import worlds_of
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import Ruleset
from iptables_model.netfilter.node import Node
from iptables_model.netfilter.outcome import Outcome
from iptables_model.netfilter.state import Assumption
from iptables_model.netfilter.trace import Flow, flows_of
from iptables_model.values.addresses import Address
from iptables_model.values.frozen import filled, maker
from iptables_model.values.trilean import Trilean

__all__ = [
    "Endpoint",
    "Entry",
    "ExternalTraffic",
    "Outcome",
    "Policy",
    "Reachability",
    "ServicePort",
    "Source",
    "external_traffic",
    "reachability_matrix",
    "reachable_endpoints",
    "services",
]


@attrs.frozen(kw_only=True)
class Reachability:
    """Answer which endpoints a Service port has for a kind of client by a way in.

    `flows` are all the fates there are, `assumptions` what was taken for granted, `deciding_rule` the rule that decides
    and `explanation` a sentence. `meant` is what kube-proxy meant to do where nothing enforces it, else None.
    """

    service: ServicePort
    entry: Entry | Address
    source: Source | Address
    outcome: Outcome
    endpoints: tuple[Endpoint, ...]
    flows: tuple[Flow, ...]
    assumptions: tuple[Assumption, ...]
    deciding_rule: Rule | None
    meant: Outcome | None
    explanation: str
    _question: Question | None = attrs.field(default=None, init=False, eq=False, repr=False)

    def __getattr__(self, name: str) -> object:
        """Make what is asked for: most answers are only looked at for their outcome and their endpoints."""
        question = self._question if name in _TOLD else None
        if question is None:
            raise AttributeError(f"an answer has no {name}")
        made: object
        if name == "service":
            made = question.about.port
        elif name == "deciding_rule":
            made = deciding_rule_of(self.flows)
        else:
            made = explain(question, self.outcome, self.deciding_rule, self.meant, self.flows)
        object.__setattr__(self, name, made)
        return made

    def __getstate__(self) -> tuple[object, ...]:
        return tuple([getattr(self, name) for name in _PUBLIC])

    def __setstate__(self, state: tuple[object, ...]) -> None:
        filled(self, (*_PUBLIC, "_question"), (*state, None))


_PUBLIC = tuple(field.name for field in attrs.fields(Reachability) if not field.name.startswith("_"))
_TOLD = frozenset({"service", "deciding_rule", "explanation"})
_made = maker(Reachability, *[name for name in (*_PUBLIC, "_question") if name not in _TOLD])


@attrs.frozen(kw_only=True)
class ExternalTraffic:
    """Answer whether traffic from outside is dropped here because no endpoint is local.

    `drops` is about `externalTrafficPolicy: Local` only; `entries` has the answer for each way in from outside.
    """

    service: ServicePort
    policy: Policy | None
    drops: Trilean
    local_endpoints: tuple[Endpoint, ...] | None
    entries: tuple[Reachability, ...]
    deciding_rule: Rule | None
    explanation: str


def services(ruleset: Ruleset) -> tuple[ServicePort, ...]:
    """List the Service ports of which the rules tell, sorted by name.

    >>> from iptables_model import load, services
    >>> [str(one) for one in services(load("fixtures/tutorial/kind-worker.save"))]
    ['default/test-svc/tcp']
    """
    whole = completed(ruleset)
    found = sorted(Registry.of(whole), key=lambda one: (str(one.name), one.protocol))
    return tuple(service_port(whole, one) for one in found)


def reachable_endpoints(
    ruleset: Ruleset,
    service: str,
    *,
    entry: Entry | Address | str = Entry.CLUSTER_IP,
    source: Source | Address | str = Source.POD,
    node: Node | None = None,
) -> Reachability:
    """Say which endpoints a Service port reaches from this node, by a way in and from a kind of client.

    `service` is `"namespace/name"`, with `":port"` and `"/protocol"` where needed; `entry` and `source` may each be one
    address. Raises `NotFound`, `Ambiguous`, or `ModelError` for what is no entry or source.

    >>> from iptables_model import load, reachable_endpoints
    >>> answer = reachable_endpoints(load("fixtures/tutorial/kind-worker.save"), "default/test-svc")
    >>> [(str(one), str(one.probability), one.masqueraded) for one in answer.endpoints]
    [('10.244.1.3:8080', '1/2', False), ('10.244.2.3:8080', '1/2', False)]
    """
    whole = completed(ruleset)
    found = Registry.of(whole).find(service)
    return _answer(Question.of(whole, found, entry=entry, source=source, node=node))


def reachability_matrix(ruleset: Ruleset, service: str, *, node: Node | None = None) -> tuple[Reachability, ...]:
    """Answer `reachable_endpoints` for every way in that the Service port has here, and every kind of client.

    >>> from iptables_model import load, reachability_matrix
    >>> for one in reachability_matrix(load("fixtures/tutorial/kind-worker.save"), "default/test-svc"):
    ...     print(one.entry.value, one.source.value, one.outcome.value)
    cluster_ip pod reaches
    cluster_ip node reaches
    cluster_ip outside reaches
    node_port pod reaches
    node_port node reaches
    node_port outside dropped
    """
    whole = completed(ruleset)
    found = Registry.of(whole).find(service)
    asked = Question.all_of(whole, found, entries=found.entries, sources=Source, node=node)
    return tuple(map(_answer, asked))


def external_traffic(ruleset: Ruleset, service: str, *, node: Node | None = None) -> ExternalTraffic:
    """Say whether `externalTrafficPolicy: Local` drops here, and which rule decides it.

    >>> from iptables_model import external_traffic, load
    >>> answer = external_traffic(load("fixtures/tutorial/kind-worker.save"), "default/test-svc")
    >>> answer.policy.value, answer.drops.value, answer.deciding_rule.line
    ('Local', 'true', 77)
    """
    whole = completed(ruleset)
    found = Registry.of(whole).find(service)
    port = service_port(whole, found)
    ways = [entry for entry in found.entries if entry is not Entry.CLUSTER_IP]
    asked = Question.all_of(whole, found, entries=ways, sources=(Source.OUTSIDE,), node=node)
    entries = tuple(map(_answer, asked))
    local = [one for one in entries if port.external_policy is Policy.LOCAL and drop_is_local(one.deciding_rule)]
    dropped = next((one for one in local if one.outcome is Outcome.DROPPED), None)
    decides = dropped or next((one for one in (*local, *entries) if one.deciding_rule is not None), None)
    return ExternalTraffic(
        service=port,
        policy=port.external_policy,
        drops=_drops(port, entries, dropped),
        local_endpoints=port.local_endpoints,
        entries=entries,
        deciding_rule=None if decides is None else decides.deciding_rule,
        explanation="no way in from outside" if decides is None else decides.explanation,
    )


def _drops(port: ServicePort, entries: tuple[Reachability, ...], dropped: Reachability | None) -> Trilean:
    if dropped is not None:
        return Trilean.TRUE
    if port.external_policy is not Policy.LOCAL:
        return Trilean.FALSE
    local = (flow for one in entries for flow in one.flows if drop_is_local(deciding_rule_of((flow,))))
    return Trilean.UNKNOWN if any(flow.outcome is Outcome.DROPPED for flow in local) else Trilean.FALSE


def _answer(question: Question) -> Reachability:
    about = question.about
    flows = flows_of(about.ruleset, question.packet(), node=about.node, suppose=question.suppose)
    worlds = worlds_of(flows)
    outcomes = {world.outcome for world in worlds}
    reaching = [world.endpoints for world in worlds if world.outcome is Outcome.REACHES]
    outcome = outcomes.pop() if len(outcomes) == 1 and _share_alike(reaching) else Outcome.DEPENDS
    intent = meant(question, flows) if outcome is Outcome.NOT_HANDLED else None
    assumptions = _assumptions(question, flows)
    return _made(question.entry, question.source, outcome, _united(reaching), flows, assumptions, intent, question)


def _share_alike(worlds: list[tuple[Endpoint, ...]]) -> bool:
    """Say whether the same endpoints have the same shares in all worlds."""
    shares = [[(one.address, one.port, one.probability) for one in world] for world in worlds]
    return all(one == shares[0] for one in shares[1:])


def _united(worlds: list[tuple[Endpoint, ...]]) -> tuple[Endpoint, ...]:
    """Join the endpoints of several worlds; what differs between them is None."""
    joined: dict[tuple[int, int], Endpoint] = {}
    for one in (one for world in worlds for one in world):
        known = joined.setdefault(one.place, one)
        if known is not one and known != one:
            share = one.probability if known.probability == one.probability else None
            source = one.masqueraded if known.masqueraded == one.masqueraded else None
            joined[one.place] = attrs.evolve(known, probability=share, masqueraded=source)
    return tuple([joined[place] for place in sorted(joined)])


def _assumptions(question: Question, flows: tuple[Flow, ...]) -> tuple[Assumption, ...]:
    told = dict.fromkeys(one for flow in flows for one in flow.assumptions)
    if question.about.ruleset.fragment:
        put_back = (
            step.rule for flow in flows for step in flow.steps if step.rule is not None and step.rule.line is None
        )
        reason = "kube-proxy writes it; the fragment does not show it"
        told |= dict.fromkeys(Assumption(f"table {rule.table} has {rule}", True, reason) for rule in put_back)
    return tuple(told)
