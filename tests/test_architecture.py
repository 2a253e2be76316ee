"""The arrows of the house: which room may know of which."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

import pytest

from tests.files import ROOT

PACKAGE = "iptables_model"

FLOORS = {
    "source": (),
    "errors": ("source",),
    "values": ("errors", "source"),
    "model": ("values", "errors", "source"),
    "grammar": ("model", "values", "errors", "source"),
    "graph": ("model", "values", "errors", "source"),
    "render": ("graph", "model", "values", "errors", "source"),
    "netfilter": ("render", "graph", "model", "values", "errors", "source"),
    "kube_proxy": ("netfilter", "render", "graph", "model", "values", "errors", "source"),
    "lint": ("kube_proxy", "netfilter", "render", "graph", "model", "values", "errors", "source"),
}
"""What each room may import besides itself."""

FACES = ("cli", "__main__", "pytest_plugin", "strategies")
"""They may import anything, and only `__main__` imports one, the command line."""

OTHERS_CODE = {
    "attrs": (*FLOORS, *FACES),
    "pyparsing": ("grammar",),
    "hypothesis": ("strategies",),
    "pytest": ("pytest_plugin",),
}
"""What is not of the standard library, and who may import it."""

SAYS_KUBE = ("kube_proxy", "lint", *FACES)
"""Who may name the chains of kube-proxy."""

TOP_LEVEL = {"iptables_model", "tests", "fixtures", "docs", ".ci", ".git"}
"""The folders of the repository."""


def room_of(module: str) -> str:
    """Name the room of a module: what stands behind the package's own name, or the package itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else PACKAGE


def module_of(path: PurePosixPath) -> str:
    """Name the module in a file."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imports(module: str, source: str, *, is_package: bool) -> Iterator[str]:
    """Name the modules that a module imports anywhere in its text, each in full."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node, is_package=is_package)
            # `from iptables_model import graph` imports the room and not the package alone.
            yield from (f"{base}.{alias.name}" for alias in node.names) if base == PACKAGE else (base,)


def _base(module: str, node: ast.ImportFrom, *, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    around = module.split(".")
    above = around[: len(around) - node.level + is_package]
    return ".".join([*above, *filter(None, [node.module])])


def violations(files: Mapping[str, str]) -> list[str]:
    """Say what in some files, by their path, goes against the arrows."""
    return [fault for path, source in files.items() for fault in _faults(PurePosixPath(path), source)]


def _faults(path: PurePosixPath, source: str) -> Iterator[str]:
    module = module_of(path)
    room = room_of(module)
    if room not in FLOORS and room not in FACES and room != PACKAGE:
        yield f"{path}: {room} is no room of the house"
        return
    if "KUBE-" in source and room not in SAYS_KUBE:
        yield f"{path}: says KUBE-"
    if room == PACKAGE:
        return
    for imported in imports(module, source, is_package=path.name == "__init__.py"):
        if not _allowed(room, imported):
            yield f"{path}: imports {imported}"


def _allowed(room: str, imported: str) -> bool:
    outermost = imported.partition(".")[0]
    if outermost != PACKAGE:
        return outermost in sys.stdlib_module_names or room in OTHERS_CODE.get(outermost, ())
    other = room_of(imported)
    if other in FACES:
        return room == other or (room, other) == ("__main__", "cli")
    return other == room or room in FACES or other in FLOORS[room]


def _package_files() -> dict[str, str]:
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in sorted((ROOT / PACKAGE).rglob("*.py"))}


def test_the_arrows_hold() -> None:
    files = _package_files()
    assert files
    assert violations(files) == []


@pytest.mark.parametrize(
    ("path", "source", "fault"),
    [
        ("values/x.py", "from iptables_model.model.rule import Rule", "imports iptables_model.model.rule"),
        ("model/x.py", "def f():\n    from iptables_model import grammar", "imports iptables_model.grammar"),
        ("model/x.py", "from iptables_model import parse", "imports iptables_model.parse"),
        ("model/x.py", "from ..grammar import reader", "imports iptables_model.grammar"),
        ("model/__init__.py", "from ..grammar import reader", "imports iptables_model.grammar"),
        ("grammar/x.py", "import iptables_model.netfilter.walk", "imports iptables_model.netfilter.walk"),
        ("netfilter/x.py", "from iptables_model.grammar.reader import parse", "imports iptables_model.grammar.reader"),
        ("graph/x.py", "from iptables_model.render.dot import to_dot", "imports iptables_model.render.dot"),
        (
            "netfilter/x.py",
            "if TYPE_CHECKING:\n    import iptables_model.lint.rules",
            "imports iptables_model.lint.rules",
        ),
        ("lint/x.py", "from iptables_model.cli import main", "imports iptables_model.cli"),
        ("pytest_plugin.py", "from iptables_model import cli", "imports iptables_model.cli"),
        ("model/x.py", "import pyparsing as pp", "imports pyparsing"),
        ("cli/__init__.py", "import pyparsing.core", "imports pyparsing.core"),
        ("grammar/x.py", "import numpy", "imports numpy"),
        ("netfilter/x.py", 'NAME = "KUBE-SERVICES"', "says KUBE-"),
        ("helpers/x.py", "", "helpers is no room of the house"),
        ("utils.py", "", "utils is no room of the house"),
    ],
)
def test_a_violation_is_found(path: str, source: str, fault: str) -> None:
    assert violations({f"{PACKAGE}/{path}": source}) == [f"{PACKAGE}/{path}: {fault}"]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("__init__.py", "from iptables_model.kube_proxy.answers import services"),
        ("__main__.py", "from iptables_model.cli import main"),
        ("cli/__init__.py", "from iptables_model import parse"),
        ("cli/__init__.py", "from iptables_model.cli import texts"),
        ("grammar/x.py", "import pyparsing as pp\nimport re"),
        ("kube_proxy/x.py", 'from iptables_model.netfilter.trace import trace\nNAME = "KUBE-SERVICES"'),
        ("model/matches/x.py", "from . import comment\nfrom ..rule import Rule"),
    ],
)
def test_what_is_allowed_is_no_violation(path: str, source: str) -> None:
    assert violations({f"{PACKAGE}/{path}": source}) == []


def test_the_top_level_has_no_other_folder() -> None:
    # What tools leave behind is named in .gitignore.
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.endswith(".egg-info")}
    assert folders - ignored <= TOP_LEVEL
