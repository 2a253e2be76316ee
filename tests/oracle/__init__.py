"""Network namespaces in which iptables and the kernel can be asked what is true, away from the machine's own rules."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import attrs

TOOLS = ("ip", "iptables-nft-restore", "iptables-legacy-restore", "nft", "conntrack", "ipset")
"""What the tests marked `oracle` call, from the Debian packages iproute2, iptables, nftables, conntrack and ipset."""

_CLONE_NEWNET = 0x40000000
_NUMBERS = itertools.count()


def why_not() -> str | None:
    """Say why the oracles cannot be asked here, or None."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if os.geteuid() != 0:
        return "network namespaces need root"
    return None


@attrs.frozen
class Namespace:
    """Run commands inside one network namespace."""

    name: str

    def run(self, *command: str, text: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, with `text` on its standard input."""
        return subprocess.run(self.command(*command), input=text, check=check, capture_output=True, text=True)

    def command(self, *command: str) -> list[str]:
        """Give the command line that runs a command inside."""
        return ["ip", "netns", "exec", self.name, *command]

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Put this thread into the namespace: sockets that it makes and processes that it starts belong there."""
        with Path("/proc/thread-self/ns/net").open() as home, Path("/run/netns", self.name).open() as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())


def _enter(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def namespace() -> Iterator[Namespace]:
    """Make a fresh network namespace, and delete it afterwards."""
    made = Namespace(f"ipt-model-{os.getpid()}-{next(_NUMBERS)}")
    subprocess.run(["ip", "netns", "add", made.name], check=True)
    try:
        made.run("ip", "link", "set", "lo", "up")
        yield made
    finally:
        subprocess.run(["ip", "netns", "delete", made.name], check=True)
