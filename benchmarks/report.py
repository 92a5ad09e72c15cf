"""Results as tables on stdout, as JSON under `.benchmarks/results/`, and, when asked for, in docs/benchmarks.md."""

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.folders import ROOT, folder

Row = Mapping[str, Any]

DOCS = ROOT / "docs" / "benchmarks.md"


def keep(name: str, tables: Mapping[str, Sequence[Row]], *, docs: bool) -> None:
    """Print tables by their titles, save them, and, for docs, put them into the page between the marks of that name."""
    tables = {title: rows for title, rows in tables.items() if rows}
    for title, rows in tables.items():
        show(title, rows)
    save(name, tables)
    if docs:
        _write(DOCS, name, tables)


def show(title: str, rows: Sequence[Row]) -> None:
    """Print rows of the same keys as a table in Markdown."""
    print(f"\n### {title}\n\n{_table(rows)}\n", flush=True)


def save(name: str, results: Any) -> None:
    """Keep the results of one run, with where and when it was."""
    path = folder("results") / f"{name}.json"
    content = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": _command(),
        "machine": _machine(),
        "results": results,
    }
    path.write_text(json.dumps(content, indent=2) + "\n")


def _write(page: Path, name: str, tables: Mapping[str, Sequence[Row]]) -> None:
    first, last = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = page.read_text().partition(first)
    _, ends, after = rest.partition(last)
    if not (found and ends):
        raise LookupError(f"{page} has no place for these tables: it lacks {first} or {last}")
    made = f"`{_command()}`, {datetime.now(UTC):%Y-%m-%d}, {_machine()}."
    parts = [made, *(f"**{title}**\n\n{_table(rows)}" for title, rows in tables.items())]
    page.write_text("".join([before, first, "\n", "\n\n".join(parts), "\n", last, after]))


def _table(rows: Sequence[Row]) -> str:
    names = list(rows[0])
    lines = [names, *([_text(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    numeric = [all(not isinstance(row[name], str) for row in rows) for name in names]
    ruler = [
        ("-" * (width - 1) + ":") if right else "-" * width
        for width, right in zip(widths, numeric, strict=True)
    ]
    table = []
    for line in (lines[0], ruler, *lines[1:]):
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ]
        table.append(f"| {' | '.join(cells)} |")
    return "\n".join(table)


def _command() -> str:
    return " ".join(["python -m benchmarks", *sys.argv[1:]])


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return (
            f"{value:,.0f}"
            if abs(value) >= 1_000
            else f"{value:,.2f}"
            if abs(value) < 10
            else f"{value:,.1f}"
        )
    return f"{value:,}" if isinstance(value, int) else str(value)
