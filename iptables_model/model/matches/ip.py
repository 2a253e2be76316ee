"""What every rule can ask of a packet without loading a match: addresses, interfaces, protocol, fragments."""

from __future__ import annotations

from iptables_model.model.option import Match, Spelling, extension, flag, forget, option, require, settle
from iptables_model.values.addresses import NETWORK, Network
from iptables_model.values.names import INTERFACE, Interface
from iptables_model.values.negatable import Negatable
from iptables_model.values.numbers import PROTOCOL, Protocol

__all__ = ["Ip"]

_ANY_PROTOCOL = Protocol(0)
_BY_ANY_INTERFACE = Negatable(Interface("", prefix=True))


@extension
class Ip(Match):
    """Match the addresses, the interfaces and the protocol of a packet.

    These are the options of struct ipt_ip and ip6t_ip6; they stand without `-m`. In iptables-save they come before
    everything else (iptables/xshared.c, save_rule_details; iptables/nft-shared.c). What says nothing, as `-p all`,
    is left out.
    """

    extension = ""
    refuses = ()

    source: Negatable[Network] | None = option(
        "-s", NETWORK, negatable=True, default=None, also=(Spelling("--source"), Spelling("--src"))
    )
    destination: Negatable[Network] | None = option(
        "-d", NETWORK, negatable=True, default=None, also=(Spelling("--destination"), Spelling("--dst"))
    )
    in_interface: Negatable[Interface] | None = option(
        "-i", INTERFACE, negatable=True, default=None, also=(Spelling("--in-interface"),)
    )
    out_interface: Negatable[Interface] | None = option(
        "-o", INTERFACE, negatable=True, default=None, also=(Spelling("--out-interface"),)
    )
    protocol: Negatable[Protocol] | None = option(
        "-p", PROTOCOL, negatable=True, default=None, also=(Spelling("--protocol"),)
    )
    fragment: bool | None = flag("-f", negatable=True, default=None, also=(Spelling("--fragment"),), family=4)

    def __attrs_post_init__(self) -> None:
        # Every rule has one of these, so what is not there is not compared.
        if self.protocol is not None and self.protocol.value == _ANY_PROTOCOL:
            require(not self.protocol.negated, "a rule with ! -p all would match nothing")
            settle(self, "protocol", None)
        if self.in_interface is not None or self.out_interface is not None:
            forget(self, _BY_ANY_INTERFACE, "in_interface", "out_interface")
        if self.source is not None:
            _forget_all_addresses(self, "source", self.source)
        if self.destination is not None:
            _forget_all_addresses(self, "destination", self.destination)

    @property
    def asks_nothing(self) -> bool:
        """Say whether none of the options is given."""
        return (
            self.source is None
            and self.destination is None
            and self.protocol is None
            and self.in_interface is None
            and self.out_interface is None
            and self.fragment is None
        )


def _forget_all_addresses(ip: Ip, name: str, held: Negatable[Network]) -> None:
    if not held.negated and getattr(held.value, "prefixlen", None) == 0:
        settle(ip, name, None)
