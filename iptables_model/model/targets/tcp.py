"""Changes to TCP segments."""

from __future__ import annotations

from iptables_model.model.option import Target, extension, flag, option, require
from iptables_model.values.codec import between

__all__ = ["Tcpmss"]


@extension
class Tcpmss(Target):
    """Set the maximum segment size that a SYN announces (net/netfilter/xt_TCPMSS.c)."""

    extension = "TCPMSS"
    protocols = (6,)

    set_mss: int | None = option("--set-mss", between(0, 65515), default=None)
    clamp_mss_to_pmtu: bool = flag("--clamp-mss-to-pmtu", default=False)

    def __attrs_post_init__(self) -> None:
        require(
            (self.set_mss is None) == self.clamp_mss_to_pmtu, "TCPMSS needs one of --set-mss and --clamp-mss-to-pmtu"
        )
