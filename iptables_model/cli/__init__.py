"""The command line: every command is one public function and one way to print its answer."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from iptables_model import Node, Reachability, Ruleset
    from iptables_model.errors import IptablesModelError

__all__ = ["main"]

T = TypeVar("T")

FIELDS = (
    "src", "dst", "proto", "sport", "dport", "in", "out", "mark", "connmark", "state", "status", "direction",
    "tcp-flags", "tcp-options", "mss", "icmp-type", "sctp-chunks", "dccp-type", "ahspi", "espspi", "ttl", "tos",
    "length", "fragment", "headers", "physdev-in", "physdev-out", "mac-source", "pkt-type", "ipsec", "socket",
    "uid-owner", "gid-owner",
)  # fmt: skip
"""The options that say a packet: the fields of `Packet`, some by a shorter name. Listed here so that `--version` and
`--help` need not import it."""
_SHORT = {"proto": "protocol", "in": "in_interface", "out": "out_interface"}

OK, NO, USAGE, UNREADABLE, UNKNOWN_NAME, DEPENDS = 0, 1, 2, 3, 4, 5

_EXIT_CODES = """\
exit codes:
  0  answered; for `policy`: it does not drop here; for `trace`, and `endpoints` with --entry and --source: it reaches
  1  answered: it drops here, or does not reach
  2  the command line is wrong
  3  the text cannot be read
  4  no such Service, or more than one
  5  answered: it depends; the flows and assumptions say on what
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    asked = _parsed(arguments)
    from iptables_model.errors import IptablesModelError  # noqa: PLC0415 (so that --version is quick)

    try:
        code: int = asked.run(asked)
    except IptablesModelError as error:
        sys.stderr.write(_error_text(error) + "\n")
        return _error_code(error)
    except OSError as error:
        hint = "give the path of a saved dump, or - for standard input"
        sys.stderr.write(f"iptables-model: cannot read {error.filename}\n{error.strerror}\nhint: {hint}\n")
        return UNREADABLE
    return code


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    asked, rest = parser.parse_known_args(arguments)
    if any(word.startswith("-") and word != "-" for word in rest):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    # Before Python 3.12.7 argparse leaves over the files that stand behind an option.
    asked.files = [*asked.files, *rest] or ["-"]
    return asked


def _error_text(error: IptablesModelError) -> str:
    """Word an error in three lines: what, where or what else there is, and a hint."""
    from iptables_model.errors import Ambiguous, ModelError, NotFound  # noqa: PLC0415

    if isinstance(error, NotFound | Ambiguous):
        detail = f"the text has: {', '.join(error.candidates[:10]) or 'none'}"
        hint = "`iptables-model services` lists the Services; a name is namespace/name:port/protocol"
        return f"iptables-model: {error}\n{detail}\nhint: {hint}"
    if isinstance(error, ModelError):
        return f"iptables-model: {error}\nthis is about the question, not about the text\nhint: see --help"
    return f"iptables-model: {error}"


def _error_code(error: IptablesModelError) -> int:
    from iptables_model.errors import Ambiguous, ModelError, NotFound  # noqa: PLC0415

    if isinstance(error, NotFound | Ambiguous):
        return UNKNOWN_NAME
    return USAGE if isinstance(error, ModelError) else UNREADABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="iptables-model",
        description="Read iptables-save text and say what kube-proxy's Services do on the node that it came from.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    listed = _command(commands, "services", "list the Services of which the rules tell", _services)
    asked = _command(commands, "endpoints", "say which endpoints a Service reaches, by way in and client", _endpoints)
    policy = _command(commands, "policy", "say whether externalTrafficPolicy: Local drops here", _policy)
    for command in (asked, policy):
        command.add_argument("service", metavar="SERVICE", help='"namespace/name[:port][/protocol]"')
    asked.add_argument("--entry", help="one way in: cluster_ip, node_port, load_balancer_ip, external_ip or an address")
    asked.add_argument("--source", help="one client: pod, node, outside or an address")
    traced = _command(commands, "trace", "follow a packet through the rules, as the kernel does", _trace)
    _add_packet(traced)
    for command in (asked, policy, traced):
        command.add_argument("--node-addr", metavar="FILE", help="what `ip -j addr` printed on the node")
        command.add_argument("--node-route", metavar="FILE", help="what `ip -j route show table all` printed")
        command.add_argument("--node-ipset", metavar="FILE", help="what `ipset save` printed")
    for command in (listed, asked, policy, traced):
        command.add_argument("files", metavar="FILE", nargs="*", help="saved text; - is standard input")
        command.add_argument("--json", action="store_true", help="print JSON")
        command.add_argument("--table", help="the table of a fragment's rules, where nothing else tells it")
        command.add_argument(
            "--lenient", action="store_true", help="go on past lines that cannot be read, and tell them"
        )
    return parser


def _add_packet(command: argparse.ArgumentParser) -> None:
    packet = command.add_argument_group(
        "the packet",
        "Each field is a value or a set, written as iptables writes it: --dst 10.0.0.0/8, --dport '! 22,80:90'. "
        "What is not said is open; but the state is NEW and the marks are 0.",
    )
    for field in FIELDS:
        packet.add_argument(f"--{field}", metavar="SET")
    packet.add_argument("--from-node", action="store_true", help="the node itself makes the packet")
    command.add_argument("--keep-traces", action="store_true", help="keep packets apart whose steps differ")


class _Version(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="print the version")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from iptables_model import __version__  # noqa: PLC0415

        sys.stdout.write(f"iptables-model {__version__}\n")
        parser.exit()


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    purpose: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=purpose, description=purpose[0].upper() + purpose[1:] + ".")
    command.set_defaults(run=run)
    return command


def _read(asked: argparse.Namespace) -> list[Ruleset]:
    from iptables_model import Mode, load, parse  # noqa: PLC0415

    mode = Mode.LENIENT if asked.lenient else Mode.STRICT
    read = []
    for file in asked.files:
        if file == "-":
            text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
            read.append(parse(text, mode=mode, name="<stdin>", table=asked.table))
        else:
            read.append(load(file, mode=mode, table=asked.table))
        for issue in read[-1].issues:
            sys.stderr.write(f"iptables-model: {issue}\n")
    return read


def _node(asked: argparse.Namespace) -> Node | None:
    """Read what is said about the node; None if nothing is."""
    from pathlib import Path  # noqa: PLC0415

    from iptables_model import Node  # noqa: PLC0415

    files = {"addresses": asked.node_addr, "routes": asked.node_route, "ipsets": asked.node_ipset}
    texts = {kind: Path(file).read_text(errors="surrogateescape") for kind, file in files.items() if file is not None}
    return Node.from_text(**texts) if texts else None


def _write(
    asked: argparse.Namespace, rulesets: Sequence[Ruleset], answers: Sequence[T], word: Callable[[T], str]
) -> None:
    """Print the answer for each ruleset: as JSON, or worded and, if there are several, each under its file's name."""
    if asked.json:
        from iptables_model.render.json import to_json  # noqa: PLC0415

        sys.stdout.write(to_json(answers[0] if len(answers) == 1 else tuple(answers), indent=2) + "\n")
        return
    titles = [f"{ruleset.name}\n" if len(rulesets) > 1 else "" for ruleset in rulesets]
    sys.stdout.write("\n\n".join(title + word(answer) for title, answer in zip(titles, answers, strict=True)) + "\n")


def _services(asked: argparse.Namespace) -> int:
    from iptables_model import services  # noqa: PLC0415
    from iptables_model.cli import texts  # noqa: PLC0415

    rulesets = _read(asked)
    answers = [services(ruleset) for ruleset in rulesets]
    for ruleset, held in zip(rulesets, answers, strict=True):
        if not held:
            sys.stderr.write(f"iptables-model: the rules of {ruleset.name} tell of no Service\n")
    _write(asked, rulesets, answers, texts.service_table)
    return OK


def _endpoints(asked: argparse.Namespace) -> int:
    from iptables_model import reachability_matrix  # noqa: PLC0415
    from iptables_model.cli import texts  # noqa: PLC0415

    rulesets, node = _read(asked), _node(asked)
    one = asked.entry is not None and asked.source is not None
    answers = [
        _asked(ruleset, asked, node)
        if asked.entry or asked.source
        else reachability_matrix(ruleset, asked.service, node=node)
        for ruleset in rulesets
    ]
    _write(asked, rulesets, answers, texts.matrix_text)
    return max(_reach_code(answer) for held in answers for answer in held) if one else OK


def _asked(ruleset: Ruleset, asked: argparse.Namespace, node: Node | None) -> tuple[Reachability, ...]:
    from iptables_model import Source, reachability_matrix, reachable_endpoints  # noqa: PLC0415

    ways = [asked.entry]
    if asked.entry is None:
        ways = list(dict.fromkeys(answer.entry for answer in reachability_matrix(ruleset, asked.service)))
    clients = list(Source) if asked.source is None else [asked.source]
    return tuple(
        reachable_endpoints(ruleset, asked.service, entry=way, source=client, node=node)
        for way in ways
        for client in clients
    )


def _policy(asked: argparse.Namespace) -> int:
    from iptables_model import external_traffic  # noqa: PLC0415
    from iptables_model.cli import texts  # noqa: PLC0415

    rulesets, node = _read(asked), _node(asked)
    answers = [external_traffic(ruleset, asked.service, node=node) for ruleset in rulesets]
    _write(asked, rulesets, answers, texts.policy_text)
    return max({"false": OK, "true": NO, "unknown": DEPENDS}[one.drops.value] for one in answers)


def _trace(asked: argparse.Namespace) -> int:
    from iptables_model import Packet, trace  # noqa: PLC0415
    from iptables_model.cli import texts  # noqa: PLC0415

    rulesets, node = _read(asked), _node(asked)
    given = {field: getattr(asked, field.replace("-", "_")) for field in FIELDS}
    said: dict[str, Any] = {
        _SHORT.get(field, field.replace("-", "_")): text for field, text in given.items() if text is not None
    }
    if asked.from_node:
        said["in_interface"] = None
    packet = Packet(**said)
    answers = [trace(ruleset, packet, node=node, keep_traces=asked.keep_traces) for ruleset in rulesets]
    _write(asked, rulesets, answers, texts.flows_text)
    reached = {flow.outcome.value == "reaches" for held in answers for flow in held}
    return DEPENDS if len(reached) > 1 else OK if reached == {True} else NO


def _reach_code(answer: Reachability) -> int:
    if answer.outcome.value == "reaches":
        return OK
    return DEPENDS if answer.outcome.value == "depends" else NO
