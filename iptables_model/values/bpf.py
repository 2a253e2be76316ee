"""Classic BPF programs, as `tcpdump -ddd` prints them."""

from __future__ import annotations

import attrs

from iptables_model.values.codec import Codec, Form

__all__ = ["BYTECODE", "BpfInstruction"]

_MOST = 64


@attrs.frozen
class BpfInstruction:
    """Hold one instruction: struct sock_filter of include/uapi/linux/filter.h.

    >>> str(BpfInstruction(6, 0, 0, 65535))
    '6 0 0 65535'
    """

    code: int
    jt: int
    jf: int
    k: int

    def __str__(self) -> str:
        return f"{self.code} {self.jt} {self.jf} {self.k}"


def _program(text: str) -> tuple[BpfInstruction, ...]:
    count, *lines = text.removesuffix(",").split(",")
    if int(count) != len(lines):
        raise ValueError(f"needs as many instructions as the program says, {count}, found {len(lines)}")
    if not 1 <= len(lines) <= _MOST:
        raise ValueError(f"needs a program of 1 to {_MOST} instructions, found {len(lines)}")
    return tuple(map(_instruction, lines))


def _instruction(line: str) -> BpfInstruction:
    code, jt, jf, k = map(int, line.split())
    if code > 0xFFFF or max(jt, jf) > 0xFF or k > 0xFFFFFFFF:
        raise ValueError(f'needs instructions of 16, 8, 8 and 32 bits, found "{line}"')
    return BpfInstruction(code, jt, jf, k)


BYTECODE: Codec[tuple[BpfInstruction, ...]] = Codec(
    name="BPF program",
    expected="a program as tcpdump -ddd prints it, with commas between the lines",
    forms=(Form(regex=r"[0-9]{1,5}(?:, ?[0-9]{1,5} [0-9]{1,3} [0-9]{1,3} [0-9]{1,10})+,?", exact=False),),
    read=_program,
    write=lambda program: ",".join([str(len(program)), *map(str, program)]),
    string=True,
    hint='for example "1,6 0 0 1"',
)
"""A program, printed in quotes."""
