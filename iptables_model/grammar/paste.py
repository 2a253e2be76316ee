"""What stands around a dump that somebody pasted: prompts, words of kubectl, complaints of iptables-save itself."""

from __future__ import annotations

import re

__all__ = ["gives_up", "is_noise", "junk_hint", "listed_table"]

_PROMPT = (
    r"(?:"
    r"\[[^\]@]+@[^\]]+\]"  # [root@node ~]
    r"|[\w.-]+@[\w.-]+(?:[: ][^#$%>]*)?"  # root@node:~
    r"|(?:ba|a|da|z|k)?sh-[0-9.]+"  # bash-5.1
    r"|[~/][\w./~-]* ?"  # / (busybox)
    r"|"
    r")[#$%](?: .*)?"
    r"|(?:PS )?[A-Z]:\\[^>]*>.*"  # PS C:\Users\me>
    "|[\u276f\u279c].*"  # the arrows of zsh themes
)
_KUBECTL = (
    r"Default(?:ed|ing) (?:debug )?container .*"
    r"|Creating debugging pod .*"
    r"|All commands and output from this session will be recorded in container logs.*"
    r"|Use 'kubectl describe .*"
    r"|Unable to use a TTY.*"
    r"|If you don't see a command prompt.*"
    r"|command terminated with exit code \d+"
    r"|the input device is not a TTY.*"
)
_SHELL = r"\[sudo\] password for .*|exit|logout|Connection to .* closed\.|--|```\w*"
_NOISE = re.compile(rf"(?:{_PROMPT}|{_KUBECTL}|{_SHELL})")
_GIVES_UP = re.compile(
    r"ip6?tables-save v[\d.]+ \((?:nf_tables|legacy)\): .*|Perhaps iptables-save or your kernel needs to be upgraded\."
)
_COMMAND = re.compile(r"(?:.*[#$%] ?)?(?:sudo )?(?:/\S*/)?ip6?tables(?:-legacy|-nft)?(-save)?( [^|]*)?(?:\|.*)?")
_TABLE = re.compile(r" (?:-t ?|--table[ =])(\w+)")
_LIST = re.compile(r" (?:-S|--list-rules)\b")
_HINTS = (
    (re.compile(r"\0|.\0"), "the text looks like UTF-16; save it as UTF-8"),
    (re.compile(r">"), "take off the > of the mail"),
    (re.compile(r"(?:sudo )?(?:/\S*/)?ip6?tables(?:-\w+)* "), "this is a command; paste what iptables-save prints"),
    (re.compile(r"Chain |pkts |target +prot "), "iptables -L leaves things out; paste what iptables-save prints"),
    (re.compile(r"(?:add )?(?:table|chain|rule) (?:ip|inet|ip6) "), "this is nft; paste what iptables-save prints"),
    (re.compile(r"\d+[:-] ?[-:*]"), "grep -n numbered the lines; leave out -n"),
    (re.compile(r"\S+\.\w+:[-:*]"), "grep put the file's name before the lines; use grep -h"),
)


def is_noise(line: str) -> bool:
    """Say whether a line is a prompt, or one that kubectl or the shell prints around a dump.

    >>> is_noise("root@kind-worker:/# iptables-save"), is_noise("-A INPUT -j DROP")
    (True, False)
    """
    return _NOISE.fullmatch(line) is not None


def listed_table(line: str) -> str | None:
    """Name the table of which the command behind a prompt lists the rules, if it lists those of one table only.

    >>> listed_table("node:~$ sudo iptables -t nat -S SERVICES"), listed_table("# iptables -S")
    ('nat', 'filter')
    """
    command = _COMMAND.fullmatch(line)
    if command is None:
        return None
    table = _TABLE.search(command[2] or "")
    if table is not None:
        return table[1]
    return "filter" if _LIST.search(command[2] or "") else None


def gives_up(line: str) -> bool:
    """Say whether iptables-save says here that it could not print all.

    >>> gives_up("iptables-save v1.8.9 (nf_tables): Parsing nftables rule failed")
    True
    """
    return _GIVES_UP.fullmatch(line) is not None


def junk_hint(line: str) -> str:
    """Say what a line may be that is none of iptables-save's.

    >>> junk_hint("Chain INPUT (policy ACCEPT)")
    'iptables -L leaves things out; paste what iptables-save prints'
    """
    return next((hint for pattern, hint in _HINTS if pattern.match(line)), "")
