"""The names that `iptables_model` exports, and what importing it costs."""

from __future__ import annotations

import importlib
import importlib.metadata
import subprocess
import sys

import pytest

import iptables_model
from tests.files import ROOT

NAMES = [
    "Ambiguous",
    "Chain",
    "Counters",
    "DumpErrors",
    "Edge",
    "Endpoint",
    "Entry",
    "ExternalTraffic",
    "Flow",
    "Graph",
    "IpSet",
    "IptablesModelError",
    "Mode",
    "ModelError",
    "Node",
    "NotFound",
    "Outcome",
    "Packet",
    "ParseError",
    "Reachability",
    "Route",
    "RouteType",
    "Rule",
    "Ruleset",
    "ServicePort",
    "Source",
    "Step",
    "Table",
    "Trilean",
    "__version__",
    "external_traffic",
    "graph",
    "load",
    "matches",
    "parse",
    "parse_dumps",
    "reachability_matrix",
    "reachable_endpoints",
    "render",
    "services",
    "targets",
    "trace",
]


def python(code: str) -> str:
    """Run code in a fresh interpreter and give what it prints."""
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import iptables_model; print(sorted(set(sys.modules) - before))"
    assert python(code) == "['__future__', 'iptables_model']\n"


def test_a_name_imports_only_what_it_needs() -> None:
    code = "import sys; from iptables_model import Ruleset; print('pyparsing' in sys.modules)"
    assert python(code) == "False\n"


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_there(name: str) -> None:
    assert getattr(iptables_model, name) is not None


def test_these_names_are_public() -> None:
    assert iptables_model.__all__ == NAMES
    assert dir(iptables_model) == NAMES


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError) as caught:
        _ = iptables_model.parze  # type: ignore[attr-defined]
    assert str(caught.value) == "module 'iptables_model' has no attribute 'parze'"


def test_modules_are_public_by_a_short_name() -> None:
    assert iptables_model.matches is importlib.import_module("iptables_model.model.matches")
    assert iptables_model.targets is importlib.import_module("iptables_model.model.targets")
    assert iptables_model.graph is importlib.import_module("iptables_model.graph")
    assert iptables_model.render is importlib.import_module("iptables_model.render")


def test_the_version_is_that_of_the_distribution() -> None:
    assert iptables_model.__version__ == importlib.metadata.version("iptables_model")
