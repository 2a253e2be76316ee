"""Write one Service as kube-proxy of a generation does, from what docs/explanation/kube-proxy-generations.md says.

The real dumps under fixtures/ are of four generations; this covers those between and the other ways to tell pods.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from iptables_model.kube_proxy.names import chain_suffix, endpoint_suffix

Generation = tuple[int, int]

CLUSTER_IP, LB_IP, EXTERNAL_IP, NODE_PORT = "10.96.0.10", "203.0.113.9", "198.51.100.9", 30080


@attrs.frozen(kw_only=True)
class Wanted:
    """Describe a cluster with one Service."""

    generation: Generation
    policy: str = "Cluster"
    internal: str = "Cluster"
    endpoints: tuple[str, ...] = ("10.244.1.3", "10.244.2.3")
    local: tuple[str, ...] = ()
    pods: str = "-s 10.244.0.0/16"
    ranges: tuple[str, ...] = ()
    masquerade_all: bool = False
    bit: int = 0x4000
    node_ports_at: str = ""

    @property
    def name(self) -> str:
        return "default/test-svc" if self.generation >= (1, 20) else "default/test-svc:"

    @property
    def suffix(self) -> str:
        return chain_suffix(self.name, "tcp")

    def chain(self, kind: str) -> str:
        return f"KUBE-{kind}-{self.suffix}"

    def endpoint_chain(self, address: str) -> str:
        return f"KUBE-SEP-{endpoint_suffix(self.name, 'tcp', f'{address}:8080')}"


def dump(wanted: Wanted) -> str:
    """Write the tables filter and nat."""
    tables = {"filter": list(_filter(wanted)), "nat": list(_nat(wanted))}
    return "".join(_table(name, rules) for name, rules in tables.items())


def _table(name: str, rules: list[str]) -> str:
    builtin = ["INPUT", "FORWARD", "OUTPUT"] if name == "filter" else ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]
    own = sorted(set(re.findall(r"(?<=-[Aj] )KUBE-[A-Z0-9-]+", "\n".join(rules))))
    chains = [f":{chain} ACCEPT [0:0]" for chain in builtin] + [f":{chain} - [0:0]" for chain in own]
    return "\n".join([f"*{name}", *chains, *rules, "COMMIT", ""])


def _comment(text: str) -> str:
    return f'-m comment --comment "{text}"'


def _not(asked: str) -> str:
    return f"! {asked}" if asked else ""


def _rule(chain: str, *words: str) -> str:
    return " ".join(["-A", chain, *(word for word in words if word)])


def _filter(w: Wanted) -> Iterator[str]:
    new = "-m conntrack --ctstate NEW"
    if w.generation >= (1, 25):
        yield from (_rule(hook, new, "-j KUBE-PROXY-FIREWALL") for hook in ("INPUT", "FORWARD", "OUTPUT"))
    external = ("INPUT",) if w.generation < (1, 20) else ("INPUT", "FORWARD")
    yield from (_rule(hook, new, "-j KUBE-EXTERNAL-SERVICES") for hook in external)
    yield _rule("FORWARD", "-j KUBE-FORWARD")
    services = ("INPUT", "FORWARD", "OUTPUT") if w.generation < (1, 20) else ("FORWARD", "OUTPUT")
    yield from (_rule(hook, new, "-j KUBE-SERVICES") for hook in services)
    yield from (_rule(hook, "-j KUBE-FIREWALL") for hook in ("INPUT", "OUTPUT"))
    yield _rule("KUBE-FIREWALL", "-m mark --mark 0x8000/0x8000 -j DROP")
    yield _rule("KUBE-FORWARD", "-m conntrack --ctstate INVALID -j DROP")
    yield _rule("KUBE-FORWARD", f"-m mark --mark {w.bit:#x}/{w.bit:#x} -j ACCEPT")
    if not w.endpoints:
        yield from _refusals(w, "has no endpoints", "-j REJECT --reject-with icmp-port-unreachable", internal=True)
    elif w.generation >= (1, 25):
        if w.policy == "Local" and not w.local:
            yield from _refusals(w, "has no local endpoints", "-j DROP", internal=False)
        if w.ranges:
            said = _comment(f"{w.name} traffic not accepted by {w.chain('FW')}")
            yield _rule("KUBE-PROXY-FIREWALL", f"-d {LB_IP}/32 -p tcp", said, "-m tcp --dport 80 -j DROP")


def _refusals(w: Wanted, what: str, target: str, *, internal: bool) -> Iterator[str]:
    said = _comment(f"{w.name} {what}")
    if internal:
        yield _rule("KUBE-SERVICES", f"-d {CLUSTER_IP}/32 -p tcp", said, f"-m tcp --dport 80 {target}")
    lb_chain = "KUBE-SERVICES" if w.generation < (1, 20) else "KUBE-EXTERNAL-SERVICES"
    yield _rule(lb_chain, f"-d {LB_IP}/32 -p tcp", said, f"-m tcp --dport 80 {target}")
    yield _rule("KUBE-EXTERNAL-SERVICES", f"-d {EXTERNAL_IP}/32 -p tcp", said, f"-m tcp --dport 80 {target}")
    at_node = f"-m addrtype --dst-type LOCAL -m tcp --dport {NODE_PORT} {target}"
    yield _rule("KUBE-EXTERNAL-SERVICES", "-p tcp", said, at_node)


def _nat(w: Wanted) -> Iterator[str]:
    yield from (_rule(hook, "-j KUBE-SERVICES") for hook in ("PREROUTING", "OUTPUT"))
    yield _rule("POSTROUTING", "-j KUBE-POSTROUTING")
    yield _rule("KUBE-MARK-MASQ", f"-j MARK --set-xmark {w.bit:#x}/{w.bit:#x}")
    yield _rule("KUBE-MARK-DROP", "-j MARK --set-xmark 0x8000/0x8000")
    if w.generation <= (1, 18):
        yield _rule("KUBE-POSTROUTING", f"-m mark --mark {w.bit:#x}/{w.bit:#x} -j MASQUERADE --random-fully")
    else:
        yield _rule("KUBE-POSTROUTING", f"-m mark ! --mark {w.bit:#x}/{w.bit:#x} -j RETURN")
        yield _rule("KUBE-POSTROUTING", f"-j MARK --set-xmark {w.bit:#x}/0x0")
        yield _rule("KUBE-POSTROUTING", "-j MASQUERADE --random-fully")
    if w.endpoints:
        yield from _early(w) if w.generation < (1, 24) else _late(w)
        yield from _endpoints(w)
    at = f"-d {w.node_ports_at}/32" if w.node_ports_at else "-m addrtype --dst-type LOCAL"
    yield _rule("KUBE-SERVICES", at, "-j KUBE-NODEPORTS")


def _cluster_ip(w: Wanted, target: str) -> Iterator[str]:
    chain = "KUBE-SERVICES" if w.generation < (1, 22) else w.chain("SVC")
    asked = f"-d {CLUSTER_IP}/32 -p tcp"
    said = (_comment(f"{w.name} cluster IP"), "-m tcp --dport 80")
    if w.masquerade_all or w.pods:
        yield _rule(chain, "" if w.masquerade_all else _not(w.pods), asked, *said, "-j KUBE-MARK-MASQ")
    yield _rule("KUBE-SERVICES", asked, *said, f"-j {target}")


def _early(w: Wanted) -> Iterator[str]:
    """Write what leads to the endpoints up to 1.23."""
    local, service = w.policy == "Local", w.chain("SVC")
    yield from _cluster_ip(w, service)
    external = w.chain("XLB") if local else service
    yield from _external_ip(w, external)
    balanced = _comment(f"{w.name} loadbalancer IP")
    yield _rule("KUBE-SERVICES", f"-d {LB_IP}/32 -p tcp", balanced, f"-m tcp --dport 80 -j {w.chain('FW')}")
    if not local:
        yield _rule(w.chain("FW"), balanced, "-j KUBE-MARK-MASQ")
    for source in w.ranges or ("",):
        yield _rule(w.chain("FW"), f"-s {source}" if source else "", balanced, f"-j {external}")
    yield _rule(w.chain("FW"), balanced, "-j KUBE-MARK-DROP")
    at_node = ("-p tcp", _comment(w.name), f"-m tcp --dport {NODE_PORT}")
    if local:
        yield _rule("KUBE-NODEPORTS", "-s 127.0.0.0/8", *at_node, "-j KUBE-MARK-MASQ")
    else:
        yield _rule("KUBE-NODEPORTS" if w.generation < (1, 22) else service, *at_node, "-j KUBE-MARK-MASQ")
    yield _rule("KUBE-NODEPORTS", *at_node, f"-j {external}")
    if local:
        yield from _local_chain(w, external, "LB IP")
        yield from _balance(w, external, w.local) if w.local else [_no_local(w, external)]


def _external_ip(w: Wanted, target: str) -> Iterator[str]:
    asked, local = f"-d {EXTERNAL_IP}/32 -p tcp", w.policy == "Local"
    said = (_comment(f"{w.name} external IP"), "-m tcp --dport 80")
    if w.generation <= (1, 20):
        if not local or w.generation <= (1, 18):
            yield _rule("KUBE-SERVICES", asked, *said, "-j KUBE-MARK-MASQ")
        strangers = "-m physdev ! --physdev-is-in -m addrtype ! --src-type LOCAL"
        yield _rule("KUBE-SERVICES", asked, *said, strangers, f"-j {target}")
        yield _rule("KUBE-SERVICES", asked, *said, f"-m addrtype --dst-type LOCAL -j {target}")
        return
    if not local:
        chain = "KUBE-SERVICES" if w.generation < (1, 22) else w.chain("SVC")
        yield _rule(chain, _not(w.pods), asked, *said, "-j KUBE-MARK-MASQ")
    yield _rule("KUBE-SERVICES", asked, *said, f"-j {target}")


def _local_chain(w: Wanted, chain: str, what: str) -> Iterator[str]:
    service = w.chain("SVC")
    if w.pods:
        yield _rule(chain, w.pods, f"-j {service}")
    said = _comment(f"masquerade LOCAL traffic for {w.name} {what}")
    yield _rule(chain, said, "-m addrtype --src-type LOCAL -j KUBE-MARK-MASQ")
    said = _comment(f"route LOCAL traffic for {w.name} {what}")
    yield _rule(chain, said, f"-m addrtype --src-type LOCAL -j {service}")


def _no_local(w: Wanted, chain: str) -> str:
    return _rule(chain, _comment(f"{w.name} has no local endpoints"), "-j KUBE-MARK-DROP")


def _late(w: Wanted) -> Iterator[str]:
    """Write what leads to the endpoints from 1.24 on."""
    local, external = w.policy == "Local", w.chain("EXT")
    yield from _cluster_ip(w, w.chain("SVL" if w.internal == "Local" else "SVC"))
    for address, what in ((LB_IP, "loadbalancer IP"), (EXTERNAL_IP, "external IP")):
        target = w.chain("FW") if w.ranges and address == LB_IP else external
        said = _comment(f"{w.name} {what}")
        yield _rule("KUBE-SERVICES", f"-d {address}/32 -p tcp", said, f"-m tcp --dport 80 -j {target}")
    for source in w.ranges:
        yield _rule(w.chain("FW"), f"-s {source}", _comment(f"{w.name} loadbalancer IP"), f"-j {external}")
    if w.ranges and w.generation == (1, 24):
        yield _rule(w.chain("FW"), _comment(f"{w.name} loadbalancer IP"), "-j KUBE-MARK-DROP")
    if w.ranges and w.generation >= (1, 27):
        yield _rule(w.chain("FW"), _comment(f"other traffic to {w.name} will be dropped by KUBE-PROXY-FIREWALL"))
    counted = "-d 127.0.0.0/8 -p tcp", _comment(w.name), f"-m tcp --dport {NODE_PORT}"
    if w.generation >= (1, 31):
        yield _rule("KUBE-NODEPORTS", *counted, f"-m nfacct --nfacct-name  localhost_nps_accepted_pkts -j {external}")
    yield _rule("KUBE-NODEPORTS", "-p tcp", _comment(w.name), f"-m tcp --dport {NODE_PORT} -j {external}")
    if not local:
        said = _comment(f"masquerade traffic for {w.name} external destinations")
        yield _rule(external, said, "-j KUBE-MARK-MASQ")
        yield _rule(external, f"-j {w.chain('SVC')}")
        return
    yield from _local_chain(w, external, "external destinations")
    if w.local or w.generation == (1, 24):
        yield _rule(external, f"-j {w.chain('SVL')}")
        yield from _balance(w, w.chain("SVL"), w.local) if w.local else [_no_local(w, w.chain("SVL"))]


def _balance(w: Wanted, chain: str, endpoints: tuple[str, ...]) -> Iterator[str]:
    for place, address in enumerate(endpoints):
        left = len(endpoints) - place
        chance = f"-m statistic --mode random --probability {1 / left:.11f}" if left > 1 else ""
        yield _rule(chain, _comment(w.name), chance, f"-j {w.endpoint_chain(address)}")


def _endpoints(w: Wanted) -> Iterator[str]:
    yield from _balance(w, w.chain("SVC"), w.endpoints)
    for address in w.endpoints:
        chain = w.endpoint_chain(address)
        yield _rule(chain, f"-s {address}/32", _comment(w.name), "-j KUBE-MARK-MASQ")
        yield _rule(chain, "-p tcp", _comment(w.name), f"-m tcp -j DNAT --to-destination {address}:8080")
