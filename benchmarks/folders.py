"""Where the benchmarks keep what they make: one folder, which git ignores."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_HOME = ROOT / ".benchmarks"


def folder(name: str) -> Path:
    """A subfolder of `.benchmarks/`, made if it is not there."""
    path = _HOME / name
    path.mkdir(parents=True, exist_ok=True)
    return path
