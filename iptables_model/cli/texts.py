"""How the command line words the answers."""

from __future__ import annotations

from collections.abc import Sequence

from iptables_model.kube_proxy.answers import ExternalTraffic, Reachability, ServicePort
from iptables_model.netfilter.trace import Flow
from iptables_model.render.tables import to_table

__all__ = ["flows_text", "matrix_text", "policy_text", "service_table"]


def flows_text(flows: Sequence[Flow]) -> str:
    """Word the flows of a packet, one under the other."""
    return "\n\n".join(map(str, flows))


def service_table(held: Sequence[ServicePort]) -> str:
    """Tell Services in a table."""
    head = ("SERVICE", "CLUSTER IP", "NODE PORT", "LOAD BALANCER", "EXTERNAL IP", "POLICY", "ENDPOINTS", "LOCAL")
    return to_table(head, [_service_row(one) for one in held])


def _service_row(one: ServicePort) -> tuple[str, ...]:
    cluster = "-" if one.cluster_ip is None else f"{one.cluster_ip} port {one.port}"
    local = "-" if one.local_endpoints is None else str(len(one.local_endpoints))
    return (
        str(one),
        cluster,
        str(one.node_port or "-"),
        ",".join(map(str, one.load_balancer_ips)) or "-",
        ",".join(map(str, one.external_ips)) or "-",
        str(one.external_policy or "-"),
        str(len(one.endpoints)),
        local,
    )


def matrix_text(held: Sequence[Reachability]) -> str:
    """Tell ways in and clients in a table, and below it what decides and what was assumed."""
    rows = [row for answer in held for row in _reach_rows(answer)]
    table = to_table(("WAY IN", "CLIENT", "OUTCOME", "ENDPOINT", "SHARE", "SOURCE"), rows)
    notes = dict.fromkeys(
        (
            *(answer.explanation for answer in held),
            *(f"assuming {one}" for answer in held for one in answer.assumptions),
        )
    )
    return "\n".join([table, "", *notes])


def _reach_rows(answer: Reachability) -> list[tuple[str, ...]]:
    lead = (str(answer.entry), str(answer.source), str(answer.outcome))
    rows = [
        (str(one), "-" if one.probability is None else f"{float(one.probability):.1%}", _source_text(one.masqueraded))
        for one in answer.endpoints
    ]
    first, *more = rows or [("-", "-", "-")]
    return [lead + first, *(("", "", "", *row) for row in more)]


def _source_text(masqueraded: bool | None) -> str:
    return "depends" if masqueraded is None else "rewritten" if masqueraded else "kept"


def policy_text(answer: ExternalTraffic) -> str:
    """Say whether traffic from outside is dropped, and why."""
    local = answer.local_endpoints
    lines = [
        f"service          {answer.service}",
        f"policy           {answer.policy or 'not told by the rules'}",
        f"drops here       {answer.drops}",
        f"local endpoints  {'not told by the rules' if local is None else ', '.join(map(str, local)) or 'none'}",
        f"because          {answer.explanation}",
    ]
    told = dict.fromkeys(str(one) for entry in answer.entries for one in entry.assumptions)
    return "\n".join([*lines, *(f"assuming         {one}" for one in told)])
