"""Where the fixtures stand."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "fixtures"


def fixture_files(*patterns: str) -> list[Path]:
    """List the fixtures that fit, for example `dumps/**/*.save`; a pattern that nothing fits is a mistake."""
    found: list[Path] = []
    for pattern in patterns:
        files = sorted(path for path in FIXTURES.glob(pattern) if path.is_file())
        if not files:
            raise FileNotFoundError(f"no fixture fits {pattern}")
        found += files
    return found


def fixture_name(path: Path) -> str:
    """Name a fixture in a test's id."""
    return path.relative_to(FIXTURES).as_posix()


def fixture_text(path: Path) -> str:
    """Read a fixture with its line ends as they are."""
    return path.read_bytes().decode()
