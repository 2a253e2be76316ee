"""Every example runs: those of the docstrings, and every code block of README.md and docs/.

A `python` block is executed, and compared with what it shows if it is written as a session (`>>>`); the blocks of a
page share their names, as a reader would type them. A block that defines tests is given to pytest. A `console` block
that calls the command line of this library is run, and what it prints is compared with what is shown, unless it calls
one of the tools in `ELSEWHERE` too, which need a cluster or another machine. All run in the root of the repository.
"""

from __future__ import annotations

import doctest
import importlib
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from tests.files import ROOT

PACKAGE = ROOT / "iptables_model"
ELSEWHERE = re.compile(
    r"(?:^|[|;&] *)(?:kubectl|crictl|docker|nsenter|ssh|sudo|pip|pipx|uv|ip|ipset|ip6?tables-save) ", re.MULTILINE
)
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)[^\n]*\n(?P<body>.*?)^(?P=indent)``` *$", re.MULTILINE | re.DOTALL
)
COMMAND = re.compile(r"^\$ (?P<command>(?:.*\\\n)*.*)\n(?P<output>(?:(?!\$ ).*\n)*)", re.MULTILINE)
SHELL = 'iptables-model() { "$PYTHON" -m iptables_model "$@"; }\npython() { "$PYTHON" "$@"; }\n'


@attrs.frozen
class Block:
    """One code block of a page, and the line where it begins."""

    page: Path
    line: int
    language: str
    body: str


def blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(page, line, found["language"], textwrap.dedent(found["body"]))


def pages() -> list[Path]:
    return [page for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))] if page.exists()]


def modules() -> list[str]:
    """Name the modules, but for the one that runs the command line when it is imported."""
    paths = [path.relative_to(ROOT).with_suffix("") for path in sorted(PACKAGE.rglob("*.py"))]
    return [".".join(path.parts).removesuffix(".__init__") for path in paths if path.name != "__main__"]


@pytest.fixture(autouse=True)
def in_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("name", modules())
def test_docstrings(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_python_blocks(page: Path, tmp_path: Path) -> None:
    names: dict[str, object] = {"__name__": "__docs__"}
    for block in blocks_of(page):
        if block.language == "python":
            run_python(block, names, tmp_path)


def run_python(block: Block, names: dict[str, object], folder: Path) -> None:
    where = f"{block.page.relative_to(ROOT)}:{block.line}"
    if ">>> " in block.body:
        session = doctest.DocTestParser().get_doctest(block.body, {}, where, str(block.page), block.line)
        session.globs = names
        assert doctest.DocTestRunner().run(session, clear_globs=False).failed == 0
    elif re.search(r"^def test_", block.body, re.MULTILINE):
        run_tests(block, folder)
    else:
        exec(compile("\n" * block.line + block.body, str(block.page), "exec"), names)  # noqa: S102 (our own docs)


def run_tests(block: Block, folder: Path) -> None:
    file = folder / f"test_line_{block.line}.py"
    file.write_text(block.body)
    options = ["-q", "-p", "no:cacheprovider", f"--rootdir={folder}"]
    command = [sys.executable, "-m", "pytest", *options, str(file)]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def console_blocks() -> list[Block]:
    found = [block for page in pages() for block in blocks_of(page) if block.language == "console"]
    return [block for block in found if is_runnable(block.body)]


def is_runnable(body: str) -> bool:
    """Say whether a block calls this library's command line, and nothing that a test machine may not have."""
    commands = "\n".join(found["command"] for found in COMMAND.finditer(body))
    return bool(re.search(r"\biptables-model\b|-m iptables_model\b", commands)) and not ELSEWHERE.search(commands)


@pytest.mark.parametrize("block", console_blocks(), ids=lambda block: f"{block.page.relative_to(ROOT)}:{block.line}")
def test_console_blocks(block: Block) -> None:
    assert run_console(block.body) == [found["output"] for found in COMMAND.finditer(block.body)]


def run_console(body: str) -> list[str]:
    """Run the commands of a block in one shell, and give what each prints."""
    commands = [found["command"] for found in COMMAND.finditer(body)]
    # Between two commands stands a NUL; it must not change the exit status that `echo $?` shows.
    script = SHELL + "".join(f"{command}\nstatus=$?; printf '\\0'; (exit $status)\n" for command in commands)
    shell = ["bash", "--noprofile", "--norc", "-c", script]
    result = subprocess.run(shell, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return result.stdout.split("\0")[:-1]


PAGE = """
# A page

```python
x = 1
```

- A list:

  ```python
  >>> x + 1
  2

  ```

```console
$ python -c 'print("a\\nb")' \\
    | grep b
b
$ echo $?
0
```
"""


def test_blocks_are_found_and_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ROOT / "page.md"
    monkeypatch.setattr(Path, "read_text", lambda _: PAGE)
    code, session, console = blocks_of(page)
    assert (code.line, session.line, console.line) == (4, 10, 16)
    names: dict[str, object] = {}
    run_python(code, names, tmp_path)
    run_python(session, names, tmp_path)
    assert names["x"] == 1
    with pytest.raises(AssertionError):
        run_python(attrs.evolve(session, body=session.body.replace("2", "3")), names, tmp_path)
    assert run_console(console.body) == ["b\n", "0\n"]
    assert run_console("$ false\n$ echo $?\n") == ["", "1\n"]


def test_blocks_of_tests_are_given_to_pytest(tmp_path: Path) -> None:
    run_tests(Block(ROOT / "page.md", 1, "python", "def test_one():\n    assert True\n"), tmp_path)
    with pytest.raises(AssertionError, match="1 failed"):
        run_tests(Block(ROOT / "page.md", 2, "python", "def test_two():\n    assert False\n"), tmp_path)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("$ iptables-model services a.save\n", True),
        ("$ cat a.save | python -m iptables_model services\n$ echo $?\n2\n", True),
        ("$ kubectl exec x -- iptables-save | iptables-model services\n", False),
        ("$ pip install iptables-model\n", False),
        ("$ iptables-model services docker.save --ipset ipset.txt\n", True),
        ("$ ip -j addr | iptables-model x\n", False),
        ("$ python -m pytest\n", False),
    ],
)
def test_only_blocks_that_can_run_here_are_run(body: str, expected: bool) -> None:
    assert is_runnable(body) is expected
