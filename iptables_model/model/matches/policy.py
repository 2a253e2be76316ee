"""The IPsec policy by which a packet came or goes."""

from __future__ import annotations

import enum

import attrs

from iptables_model.model.option import Extension, Match, extension, flag, option, options_of, require, settle
from iptables_model.model.words import repeated
from iptables_model.values.addresses import PLAIN_PREFIX, HostPrefix
from iptables_model.values.codec import Codec, Form, one_of, unsigned
from iptables_model.values.negatable import Negatable

__all__ = ["IpsecMode", "IpsecProtocol", "Policy", "PolicyDir", "PolicyElement", "PolicyKind"]


class PolicyDir(enum.StrEnum):
    """Whether the policy of decapsulation or of encapsulation is meant."""

    IN = "in"
    OUT = "out"


class PolicyKind(enum.StrEnum):
    """Whether the packet is subject to IPsec."""

    NONE = "none"
    IPSEC = "ipsec"


class IpsecProtocol(enum.StrEnum):
    """The protocol of a transformation."""

    AH = "ah"
    ESP = "esp"
    IPCOMP = "ipcomp"


class IpsecMode(enum.StrEnum):
    """The mode of a transformation."""

    TRANSPORT = "transport"
    TUNNEL = "tunnel"


_NUMBERS = {"50": IpsecProtocol.ESP, "51": IpsecProtocol.AH, "108": IpsecProtocol.IPCOMP}
_NAMES = one_of(IpsecProtocol)
_PROTOCOL: Codec[IpsecProtocol] = attrs.evolve(
    _NAMES,
    forms=(*_NAMES.forms, Form(regex="50|51|108")),
    read=lambda text: _NUMBERS.get(text) or _NAMES.read(text),
)


@extension
class PolicyElement(Extension):
    """Describe one transformation of an IPsec policy (struct xt_policy_elem)."""

    extension = "policy"

    reqid: Negatable[int] | None = option("--reqid", unsigned(32), negatable=True, default=None)
    spi: Negatable[int] | None = option("--spi", unsigned(32, hexadecimal=True), negatable=True, default=None)
    proto: Negatable[IpsecProtocol] | None = option("--proto", _PROTOCOL, negatable=True, default=None)
    mode: Negatable[IpsecMode] | None = option("--mode", one_of(IpsecMode), negatable=True, default=None)
    tunnel_dst: Negatable[HostPrefix] | None = option("--tunnel-dst", PLAIN_PREFIX, negatable=True, default=None)
    tunnel_src: Negatable[HostPrefix] | None = option("--tunnel-src", PLAIN_PREFIX, negatable=True, default=None)

    def __attrs_post_init__(self) -> None:
        require(bool(options_of(self)), "an element of a policy needs at least one of its options")
        tunnel = self.mode == Negatable(IpsecMode.TUNNEL)
        require(tunnel or not (self.tunnel_src or self.tunnel_dst), "--tunnel-src and --tunnel-dst need --mode tunnel")


@extension
class Policy(Match):
    """Match the IPsec policy by which a packet came or will go (net/netfilter/xt_policy.c).

    With `strict` the policy has just these elements, in this order; otherwise it has one that is like the first.
    """

    extension = "policy"
    since = "2.6.16"

    dir: PolicyDir = option("--dir", one_of(PolicyDir))
    pol: PolicyKind = option("--pol", one_of(PolicyKind), default=PolicyKind.IPSEC, always=True)
    strict: bool = flag("--strict", default=False)
    elements: tuple[PolicyElement, ...] = option("", repeated(PolicyElement, "--next", most=4), default=())

    def __attrs_post_init__(self) -> None:
        require(self.pol is PolicyKind.IPSEC or not self.strict, "--pol none and --strict exclude each other")
        if self.pol is PolicyKind.NONE:
            settle(self, "elements", ())
        require(bool(self.elements) or not self.strict, "--strict needs the elements of the policy")
        require(self.strict or len(self.elements) <= 1, "--next needs --strict")
