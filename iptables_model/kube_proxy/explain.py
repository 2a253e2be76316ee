"""Which rule decides, what was meant, and the sentence that says so."""

from __future__ import annotations

from collections.abc import Sequence

from iptables_model.kube_proxy.question import Question, Source
from iptables_model.kube_proxy.registry import Entry
from iptables_model.kube_proxy.worlds import fate_of
from iptables_model.model.rule import Rule
from iptables_model.model.targets import Drop, Jump, Reject
from iptables_model.netfilter.outcome import Outcome
from iptables_model.netfilter.trace import Flow
from iptables_model.values.addresses import address_text

__all__ = ["deciding_rule_of", "drop_is_local", "explain", "meant"]

_MARK_DROP = "KUBE-MARK-DROP"
_LOCAL_CHAINS = ("KUBE-XLB-", "KUBE-SVL-", "KUBE-EXT-")


def deciding_rule_of(flows: Sequence[Flow]) -> Rule | None:
    """Find the rule that decides: of what stops packets if anything does, else of what sends them to endpoints."""
    fates = [(flow, fate_of(flow)) for flow in flows]
    stopped = [(flow, fate) for flow, fate in fates if fate is not Outcome.REACHES]
    found = (_deciding_rule(flow, fate) for flow, fate in (*stopped, *fates))
    return next((rule for rule in found if rule is not None), None)


def _deciding_rule(flow: Flow, fate: Outcome) -> Rule | None:
    if fate is Outcome.REACHES:
        return _dispatching_rule(flow)
    marked = _marking_rule(flow)
    return marked if marked is not None and _by_mark(flow) else flow.deciding_rule


def _by_mark(flow: Flow) -> bool:
    """Say whether it is the drop mark that counts: it is what drops the packet, or nothing enforces it."""
    return flow.outcome is Outcome.REACHES or (
        flow.deciding_rule is not None and flow.deciding_rule.chain == "KUBE-FIREWALL"
    )


def _marking_rule(flow: Flow) -> Rule | None:
    """Find the rule that had the packet marked for a drop, which is what decided it."""
    return next((step.rule for step in flow.steps if step.verdict == f"jump {_MARK_DROP}"), None)


def _dispatching_rule(flow: Flow) -> Rule | None:
    """Find the last jump before an endpoint is picked."""
    found = None
    for step in flow.steps:
        if step.verdict.startswith("jump KUBE-SEP-"):
            break
        if step.verdict.startswith("jump ") and not step.verdict.startswith("jump KUBE-MARK-"):
            found = step
    return None if found is None else found.rule


def drop_is_local(rule: Rule | None) -> bool:
    """Say whether a rule that drops does so because no endpoint is local."""
    if rule is None:
        return False
    if rule.chain == "KUBE-EXTERNAL-SERVICES":
        return isinstance(rule.target, Drop)
    return rule.chain.startswith(_LOCAL_CHAINS) and isinstance(rule.target, Jump) and rule.target.chain == _MARK_DROP


def meant(question: Question, flows: Sequence[Flow]) -> Outcome | None:
    """Say what kube-proxy meant where nothing enforces it: a mark, or a filter rule that this way does not pass."""
    if any(_marking_rule(flow) is not None for flow in flows):
        return Outcome.DROPPED
    rule = _unmet_rule(question)
    if rule is None:
        return None
    return Outcome.REJECTED if isinstance(rule.target, Reject) else Outcome.DROPPED


def _unmet_rule(question: Question) -> Rule | None:
    """Find the filter rule that forbids this way in."""
    asked = question.destination
    for way in question.found.ways:
        if isinstance(way.rule.target, Reject | Drop):
            here = way.entry is Entry.NODE_PORT if way.address is None else False
            if (here and question.kind is Entry.NODE_PORT) or (way.address and int(way.address) in _members(asked)):
                return way.rule
    return None


def _members(asked: object) -> Sequence[int]:
    bounds = getattr(asked, "bounds", ())
    return tuple(low for low, high in zip(bounds[::2], bounds[1::2], strict=True) if high - low == 1)


def explain(
    question: Question, outcome: Outcome, rule: Rule | None, intent: Outcome | None, flows: Sequence[Flow]
) -> str:
    """Say the answer in one sentence."""
    who, where = _client(question), _way(question)
    by = "" if rule is None else f', decided by "{rule}"{_place(question, rule)}'
    match outcome:
        case Outcome.REACHES:
            return f"{who} reaches {question.found.name} at {where}{by}"
        case Outcome.DROPPED:
            return f"{who} is dropped at {where} of {question.found.name}{by}"
        case Outcome.REJECTED:
            return f"{who} is refused at {where} of {question.found.name}{by}"
        case Outcome.NOT_HANDLED:
            return f"no rule takes up {who} at {where} of {question.found.name}{_intention(question, intent, rule)}"
        case _:
            fates = ", ".join(dict.fromkeys(str(fate_of(flow)) for flow in flows))
            return f"what becomes of {who} at {where} of {question.found.name} depends ({fates}); see the flows{by}"


def _intention(question: Question, intent: Outcome | None, rule: Rule | None) -> str:
    if rule is not None and intent is Outcome.DROPPED:
        return f': "{rule}"{_place(question, rule)} marks it to be dropped, but no hook on its way enforces the mark'
    unmet = _unmet_rule(question)
    if unmet is not None and intent is not None:
        word = "refused" if intent is Outcome.REJECTED else "dropped"
        return f': it was meant to be {word} by "{unmet}"{_place(question, unmet)}, which it does not pass on its way'
    return ""


def _place(question: Question, rule: Rule) -> str:
    """Say where a rule stands, or that a fragment does not show it."""
    if rule.line is not None:
        return f" (line {rule.line})"
    return " (assumed)" if question.about.ruleset.fragment else ""


def _client(question: Question) -> str:
    match question.source:
        case Source.POD:
            return "a pod"
        case Source.NODE:
            return "the node itself"
        case Source.OUTSIDE:
            return "a client from outside"
        case other:
            return address_text(other)


_WAYS = {
    Entry.CLUSTER_IP: "the cluster IP",
    Entry.NODE_PORT: "the node port",
    Entry.LOAD_BALANCER_IP: "the load-balancer IP",
    Entry.EXTERNAL_IP: "the external IP",
}


def _way(question: Question) -> str:
    port = question.port
    if isinstance(question.entry, Entry):
        return f"{_WAYS[question.entry]} (port {port})"
    return f"{address_text(question.entry)} port {port}"
