"""Results as a table on stdout and as JSON under `.benchmarks/results/`."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.folders import folder

Row = Mapping[str, Any]


def show(title: str, rows: Sequence[Row]) -> None:
    """Print rows of the same keys as a table in Markdown."""
    names = list(rows[0])
    lines = [names, *([_text(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    numeric = [all(not isinstance(row[name], str) for row in rows) for name in names]
    ruler = [
        ("-" * (width - 1) + ":") if right else "-" * width
        for width, right in zip(widths, numeric, strict=True)
    ]
    print(f"\n### {title}\n")
    for line in (lines[0], ruler, *lines[1:]):
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ]
        print(f"| {' | '.join(cells)} |")
    print(flush=True)


def save(name: str, results: Any) -> None:
    """Keep the results of one run, with where and when it was."""
    path = folder("results") / f"{name}.json"
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    content = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "results": results,
    }
    path.write_text(json.dumps(content, indent=2) + "\n")


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
