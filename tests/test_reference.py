"""The reference in docs/ says what the code says. `python -m docs.generate` writes its generated parts anew."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import iptables_model
from docs.generate import api, diagrams
from docs.generate.pages import FILES, PARTS, REFERENCE, pages, parts_of, refreshed
from iptables_model import errors
from iptables_model.cli import main
from tests.files import ROOT

STALE = "stale: run `python -m docs.generate`"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_the_generated_parts_of_a_page_are_fresh(page: Path) -> None:
    text = page.read_text()
    assert refreshed(text) == text, STALE


def test_every_generated_part_stands_on_one_page() -> None:
    assert sorted(part for page in pages() for part in parts_of(page.read_text())) == sorted(PARTS)


def test_the_schema_is_fresh() -> None:
    name = "ruleset.schema.json"
    assert json.loads((REFERENCE / name).read_text()) == json.loads(FILES[name]()), STALE


def test_the_diagrams_are_fresh() -> None:
    # Another release of the drawing library may lay them out in another way.
    written = (REFERENCE / "grammar.html").read_text()
    assert diagrams.words_of(written) == diagrams.words_of(FILES["grammar.html"]()), STALE


def test_every_public_name_is_described() -> None:
    elsewhere = {*errors.__all__, "__version__", "graph", "matches", "render", "targets"}
    assert set(iptables_model.__all__) - elsewhere <= api.described()


def test_every_error_is_described() -> None:
    text = (REFERENCE / "errors.md").read_text()
    assert [name for name in errors.__all__ if f"## {name}\n" not in text] == []


@pytest.mark.parametrize("command", ["services", "endpoints", "policy", "trace"])
def test_every_option_of_a_command_is_described(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    text = (REFERENCE / "command-line.md").read_text()
    section = re.search(rf"^## {command}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None
    assert [option for option in sorted(options) if f"`{option}" not in section[1] + common(text)] == []


def common(text: str) -> str:
    """Give what the page says of all commands."""
    return text[: text.index("\n## services\n")]


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda page: page.name
)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", page.read_text())
    for path, anchor in links:
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


def anchors(page: Path) -> set[str]:
    """Name the headings of a page as GitHub does."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
