"""What random rules ask of the extension headers of IPv6."""

from __future__ import annotations

from collections.abc import Iterator

from tests.kernel.generate.spot import Piece, Spot, family_is

__all__ = ["IPV6"]

_HEADERS = ("hop", "dst", "route", "auth", "esp", "none", "prot")
_SEGMENTS = (
    *(f"--srh-{field}-{way}" for field in ("hdr-len", "segs-left", "last-entry") for way in ("eq", "gt", "lt")),
    *("--srh-next-hdr", "--srh-tag", "--srh-psid", "--srh-nsid", "--srh-lsid"),
)


def _headers(spot: Spot) -> str:
    return f"-m ipv6header {spot.sign()}--header {spot.some(*_HEADERS[:4])} --soft"


def _just_headers(spot: Spot) -> str:
    return f"-m ipv6header {spot.sign()}--header {spot.one('', 'hop,', 'hop,dst,route,', 'dst,')}{spot.one(*_HEADERS)}"


def _inside(spot: Spot) -> str:
    """Ask for what stands in a header, which is assumed."""
    return spot.one(
        f"-m hbh {spot.sign()}--hbh-len 8 --hbh-opts 1:4",
        f"-m dst {spot.sign()}--dst-len 8 --dst-opts 1:4",
        f"-m rt {spot.sign()}--rt-type 2 {spot.sign()}--rt-segsleft 0:3 {spot.sign()}--rt-len 8",
        "-m rt --rt-type 0 --rt-0-res --rt-0-addrs 2001:db8::1 --rt-0-not-strict",
        f"-m srh {' '.join(_segments(spot))}",
        f"-m ah {spot.sign()}--ahspi 100:300 {spot.sign()}--ahlen 24 --ahres",
    )


def _segments(spot: Spot) -> Iterator[str]:
    """Compare all fields; those of one name are compared with one number."""
    for option in _SEGMENTS:
        yield f"{spot.sign()}{option} {'2001:db8::/64' if option.endswith('sid') else 1}"


def _fragment(spot: Spot) -> str:
    """Ask for a fragment header, which conntrack takes away before."""
    last = spot.one("--fragmore", "--fraglast")
    return f"-m frag {spot.sign()}--fragid 1:5 {spot.sign()}--fraglen 8 --fragres --fragfirst {last}"


def _spi(spot: Spot) -> str:
    return f"-m ah {spot.sign()}--ahspi {spot.one('256', '100:300', '250:4294967295')}"


IPV6 = (
    Piece(_spi, family_is(6)),
    Piece(_headers, family_is(6)),
    Piece(_just_headers, family_is(6)),
    Piece(lambda spot: spot.one("-m hbh", "-m dst", "-m rt"), family_is(6)),
    Piece(_fragment, lambda spot: spot.family == 6 and spot.seldom()),
    Piece(_inside, lambda spot: spot.family == 6 and spot.seldom()),
    Piece(lambda spot: f"-m mh {spot.sign()}--mh-type 5", lambda spot: spot.protocol == "mh"),
)
