"""What `iptables-save | grep my-service` leaves out, put back from kube-proxy's known layout.

A rule that is put back has no line, which is how an answer knows that it rests on an assumption.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from iptables_model.kube_proxy.names import split_chain
from iptables_model.kube_proxy.registry import said_of
from iptables_model.model import targets
from iptables_model.model.matches import AddrType, Addrtype, Conntrack, CtState, Ip, Mark, Match
from iptables_model.model.rule import Rule
from iptables_model.model.ruleset import BUILTIN_CHAINS, UNKNOWN_TABLE, Chain, Ruleset, Table, derived
from iptables_model.model.targets import Accept, Drop, Goto, Jump, Masquerade, Reject, Return
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import Masked

__all__ = ["completed"]

_MASQUERADE, _DROP = Masked(0x4000, 0x4000), Masked(0x8000, 0x8000)
_FILTER_ONLY = {"KUBE-EXTERNAL-SERVICES", "KUBE-PROXY-FIREWALL", "KUBE-FIREWALL", "KUBE-FORWARD"}
_NEW: tuple[Match, ...] = (Conntrack(ctstate=Negatable((CtState.NEW,))),)
_LOCAL = Addrtype(dst_type=Negatable((AddrType.LOCAL,)))


def completed(ruleset: Ruleset) -> Ruleset:
    """Give a ruleset with what a fragment leaves out of kube-proxy's layout; a whole dump as it is."""
    return derived(ruleset, completed, lambda: _complete(ruleset)) if ruleset.fragment else ruleset


def _complete(ruleset: Ruleset) -> Ruleset:
    layout = Layout(ruleset)
    layout.put_back()
    return Ruleset(tables=layout.tables(), family=ruleset.family, fragment=True, name=ruleset.name)


class Layout:
    """Gather the rules of a fragment by table and chain, and put back what belongs between them."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._chains: defaultdict[tuple[str, str], list[Rule]] = defaultdict(list)
        self._declared = {(table.name, chain.name): chain for table in ruleset for chain in table}
        for rule in ruleset.rules:
            self._chains[_home(rule), rule.chain].append(rule)

    def tables(self) -> tuple[Table, ...]:
        """Make tables of what there is now."""
        return tuple(Table(name=table, chains=tuple(self._of_table(table))) for table in BUILTIN_CHAINS)

    def _of_table(self, table: str) -> Iterator[Chain]:
        names = dict.fromkeys((*BUILTIN_CHAINS[table], *(name for home, name in self._chains if home == table)))
        for name in names:
            said = self._declared.get((table, name))
            rules = tuple(self._chains.get((table, name), ()))
            policy = said.policy if said is not None else "ACCEPT" if name in BUILTIN_CHAINS[table] else None
            yield Chain(name=name, policy=policy, declared=said is not None, rules=rules)

    def put_back(self) -> None:
        """Put back the rules whose comments do not name a Service."""
        for suffix in dict.fromkeys(found[1] for found in map(split_chain, self._names("nat")) if found):
            self._put_back_local_chain(suffix)
            self._put_back_external_chain(suffix)
        self._put_back_marks()
        self._put_back_node_ports()
        self._put_back_hooks()

    def _names(self, table: str) -> list[str]:
        return [name for home, name in self._chains if home == table]

    def _has(self, table: str, chain: str) -> bool:
        return bool(self._chains.get((table, chain)))

    def _leads_to(self, chain: str) -> bool:
        return any(
            isinstance(rule.target, Jump | Goto) and rule.target.chain == chain
            for (table, _), rules in self._chains.items()
            for rule in rules
            if table == "nat"
        )

    def _append(self, table: str, chain: str, target: object, *matches: Match) -> None:
        self._insert(table, chain, len(self._chains[table, chain]), target, *matches)

    def _insert(self, table: str, chain: str, place: int, target: object, *matches: Match) -> None:
        rule = Rule(table=table, chain=chain, matches=matches, target=target, index=place)  # type: ignore[arg-type]
        self._chains[table, chain].insert(place, rule)

    def _put_back_local_chain(self, suffix: str) -> None:
        """Put back, up to 1.23, "Redirect pods trying to reach external loadbalancer VIP to clusterIP"."""
        chain, service = f"KUBE-XLB-{suffix}", f"KUBE-SVC-{suffix}"
        pods = self._pods()
        shown = self._chains.get(("nat", chain), [])
        if shown and pods is not None and not any(rule.ip.source or rule.ip.in_interface for rule in shown):
            self._insert("nat", chain, 0, Jump(chain=service), pods)

    def _put_back_external_chain(self, suffix: str) -> None:
        """Put back, from 1.24, the jump that ends an external chain, which has no comment."""
        chain, service, local = (f"KUBE-{kind}-{suffix}" for kind in ("EXT", "SVC", "SVL"))
        shown = self._chains.get(("nat", chain), [])
        if not shown or any(_leads(rule, local) or (_leads(rule, service) and not _asks(rule)) for rule in shown):
            return
        if any((rule.comment or "").startswith("masquerade traffic for ") for rule in shown):
            self._append("nat", chain, Jump(chain=service))
        elif self._has("nat", local):
            self._append("nat", chain, Jump(chain=local))

    def _pods(self) -> Ip | None:
        """Read off the rules that masquerade what is no pod how this kube-proxy tells pods."""
        for (table, _), rules in self._chains.items():
            for rule in rules:
                found = rule.ip
                if table == "nat" and _leads(rule, "KUBE-MARK-MASQ"):
                    if found.source is not None and found.source.negated:
                        return Ip(source=Negatable(found.source.value))
                    if found.in_interface is not None and found.in_interface.negated:
                        return Ip(in_interface=Negatable(found.in_interface.value))
        return None

    def _put_back_marks(self) -> None:
        if not self._has("nat", "KUBE-MARK-MASQ"):
            self._append("nat", "KUBE-MARK-MASQ", targets.Mark(set_xmark=_MASQUERADE))
        if not self._has("nat", "KUBE-POSTROUTING"):
            marked = Mark(mark=Negatable(_MASQUERADE, negated=True))
            self._append("nat", "KUBE-POSTROUTING", Return(), marked)
            self._append("nat", "KUBE-POSTROUTING", Masquerade())
        if self._leads_to("KUBE-MARK-DROP"):
            if not self._has("nat", "KUBE-MARK-DROP"):
                self._append("nat", "KUBE-MARK-DROP", targets.Mark(set_xmark=_DROP))
            if not self._has("filter", "KUBE-FIREWALL"):
                self._append("filter", "KUBE-FIREWALL", Drop(), Mark(mark=Negatable(_DROP)))

    def _put_back_node_ports(self) -> None:
        """Put back the last rule of KUBE-SERVICES, "kubernetes service nodeports; NOTE: this must be the last rule"."""
        if self._has("nat", "KUBE-NODEPORTS") and not self._leads_to("KUBE-NODEPORTS"):
            self._append("nat", "KUBE-SERVICES", Jump(chain="KUBE-NODEPORTS"), _LOCAL)

    def _put_back_hooks(self) -> None:
        """Put back the jumps from the built-in chains, where the text shows none."""
        self._hook("nat", "KUBE-SERVICES", ("PREROUTING", "OUTPUT"))
        self._hook("nat", "KUBE-POSTROUTING", ("POSTROUTING",))
        self._hook("filter", "KUBE-PROXY-FIREWALL", ("INPUT", "FORWARD", "OUTPUT"), *_NEW)
        self._hook("filter", "KUBE-NODEPORTS", ("INPUT",))
        early = self._is_early()
        self._hook("filter", "KUBE-EXTERNAL-SERVICES", ("INPUT",) if early else ("INPUT", "FORWARD"), *_NEW)
        self._hook("filter", "KUBE-SERVICES", ("INPUT", "FORWARD", "OUTPUT") if early else ("FORWARD", "OUTPUT"), *_NEW)
        self._hook("filter", "KUBE-FIREWALL", ("INPUT", "OUTPUT"))

    def _is_early(self) -> bool:
        """Say whether this is kube-proxy up to 1.19, which ends the name of an unnamed port in a colon."""
        said = (said_of(rule) for rules in self._chains.values() for rule in rules)
        return any(one is not None and one[0].endswith(":") for one in said)

    def _hook(self, table: str, chain: str, hooks: tuple[str, ...], *matches: Match) -> None:
        if not self._has(table, chain) or any(
            _leads(rule, chain) for hook in hooks for rule in self._chains[table, hook]
        ):
            return
        for hook in hooks:
            self._append(table, hook, Jump(chain=chain), *matches)


def _home(rule: Rule) -> str:
    """Find the table of a rule of which the text did not tell it."""
    if rule.table != UNKNOWN_TABLE:
        return rule.table
    if rule.chain in _FILTER_ONLY or isinstance(rule.target, Drop | Reject | Accept):
        return "filter"
    return "nat"


def _leads(rule: Rule, chain: str) -> bool:
    return isinstance(rule.target, Jump | Goto) and rule.target.chain == chain


def _asks(rule: Rule) -> bool:
    """Say whether a rule asks anything of a packet."""
    return any(match.extension != "comment" for match in rule.matches)
