"""How kube-proxy names chains, and how people name Services."""

from __future__ import annotations

import base64
import hashlib
import re

import attrs

__all__ = ["PREFIXES", "PortName", "Reference", "chain_suffix", "endpoint_suffix", "split_chain"]

PREFIXES = ("KUBE-SVC-", "KUBE-SVL-", "KUBE-XLB-", "KUBE-EXT-", "KUBE-FW-")
"""The beginnings of the chains of one Service port; what follows is the same for all of them."""

_CHAIN = re.compile(r"(KUBE-(?:SVC|SVL|XLB|EXT|FW)-)([A-Z2-7]{16})")
_REFERENCE = re.compile(
    r"(?:(?P<namespace>[^/:]+)/)?(?P<name>[^/:]+)(?::(?P<port>[^/:]*))?(?:/(?P<protocol>[A-Za-z]+))?"
)


def _hash(text: str) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:16]


def chain_suffix(port_name: str, protocol: str) -> str:
    """Derive what ends the chains of a Service port (servicePortChainBaseName, pkg/proxy/iptables/proxier.go).

    `port_name` is `namespace/name`, or `namespace/name:port` for a named port; kube-proxy up to 1.19 wrote the colon
    for an unnamed port too.

    >>> chain_suffix("default/test-svc", "tcp")
    'QKNQQNIN727HO3XU'
    """
    return _hash(port_name + protocol)


def endpoint_suffix(port_name: str, protocol: str, endpoint: str) -> str:
    """Derive what ends the chain of one endpoint of a Service port; `endpoint` is `ip:port` or `[ip]:port`.

    >>> endpoint_suffix("default/test-svc", "tcp", "10.244.1.3:8080")
    'G4PP37AK4D6JKXP3'
    """
    return _hash(port_name + protocol + endpoint)


def split_chain(chain: str) -> tuple[str, str] | None:
    """Split the name of a Service port's chain into its prefix and its suffix; None for any other chain.

    >>> split_chain("KUBE-SVC-QKNQQNIN727HO3XU"), split_chain("KUBE-SERVICES")
    (('KUBE-SVC-', 'QKNQQNIN727HO3XU'), None)
    """
    found = _CHAIN.fullmatch(chain)
    return None if found is None else (found[1], found[2])


@attrs.frozen
class PortName:
    """Name a Service port as comments do.

    >>> str(PortName.read("kube-system/kube-dns:dns")), PortName.read("default/test-svc:").port_name
    ('kube-system/kube-dns:dns', '')
    """

    namespace: str
    name: str
    port_name: str

    @classmethod
    def read(cls, text: str) -> PortName:
        """Read `namespace/name[:port]`."""
        namespace, _, rest = text.partition("/")
        name, _, port = rest.partition(":")
        return cls(namespace, name, port)

    def suffixes(self, protocol: str) -> tuple[str, ...]:
        """Derive the chains' suffix, and for an unnamed port also the one that kube-proxy up to 1.19 wrote."""
        names = (str(self),) if self.port_name else (str(self), f"{self}:")
        return tuple(chain_suffix(name, protocol) for name in names)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" + (f":{self.port_name}" if self.port_name else "")


@attrs.frozen
class Reference:
    """Hold what somebody said to mean a Service port; what was not said is None.

    >>> Reference.read("default/test-svc:dns/udp")
    Reference(namespace='default', name='test-svc', port_name='dns', protocol='udp')
    """

    namespace: str | None
    name: str
    port_name: str | None
    protocol: str | None

    @classmethod
    def read(cls, text: str) -> Reference | None:
        """Read `[namespace/]name[:port][/protocol]`; None where the text is no such thing."""
        found = _REFERENCE.fullmatch(text.strip())
        if found is None:
            return None
        protocol = found["protocol"]
        # "a/b" is namespace and name; "b/udp" alone would be read so too, which is what people mean by it.
        return cls(found["namespace"], found["name"], found["port"], None if protocol is None else protocol.lower())

    def means(self, port: PortName, protocol: str) -> bool:
        """Say whether a Service port is one that was meant."""
        return (
            self.name == port.name
            and self.namespace in (None, port.namespace)
            and self.port_name in (None, port.port_name)
            and self.protocol in (None, protocol)
        )
