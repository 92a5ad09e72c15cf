"""docs/reliability.md: what the matrices found, as a table for each; a test fails when the page lists other cells."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from genesys_dagster_tests.reliability.outcomes import Outcome, Verdict

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
TITLES = {
    "job": "The bulk job",
    "query": "The interactive query",
    "auto": "Watermark, with the source chosen by itself",
    "sweep": "The sweep for late activity",
    "s3": "The store",
}
_HEAD = ("Fault", "Places", "Runs", "Recovered", "Failed cleanly", "Lost, doubled, half-written")


def section(name: str, verdicts: Iterable[Verdict]) -> str:
    """One matrix as a table, a row for each kind of fault in the order of its first cell."""
    by_fault: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_fault.setdefault(verdict.fault, []).append(verdict)
    rows = [_row(fault, some) for fault, some in by_fault.items()]
    everything = [verdict for some in by_fault.values() for verdict in some]
    rows.append(_row("**all**", everything, ""))
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD), *rows]
    return f"## {TITLES[name]}\n\n" + "\n".join(lines) + "\n"


def _row(fault: str, verdicts: list[Verdict], places: str | None = None) -> str:
    counts = Counter(verdict.outcome for verdict in verdicts)
    where = (
        ", ".join(dict.fromkeys(verdict.place.rstrip(".") for verdict in verdicts))
        if places is None
        else places
    )
    found = f" ({counts[Outcome.FOUND]} found out)" if counts[Outcome.FOUND] else ""
    failed = f"{counts[Outcome.FAILED] + counts[Outcome.FOUND]}{found}"
    return f"| {fault} | {where} | {len(verdicts)} | {counts[Outcome.RECOVERED]} | {failed} | {counts[Outcome.WRONG]} |"


def outline(section: str) -> list[list[str]]:
    """A section without how many runs recovered: with time to spare more of them do than on a machine that is busy."""
    cells = [line.split(" | ") for line in section.splitlines() if line.startswith("|")]
    return [row[:3] + row[5:] for row in cells]


INTRODUCTION = """\
# Reliability, as the suite finds it

Every row below is a kind of fault that `genesys_dagster_tests/reliability` injects into one export after another, with
a Genesys Cloud and an S3 of its own, each at every place of an export where it can strike: once (it passes), and for
ever (it stays). An older, fuller version of the day lies in the bucket. A run may end in one of two ways:

- **recovered**: it succeeds, and the new object holds exactly the rows that the org has;
- **failed cleanly**: it fails with one sentence, the object is byte for byte the one before, no upload is left in the
  bucket, and no bulk job at Genesys Cloud that is not remembered for the next run or for housekeeping.

Anything else (a conversation lost or doubled, an object half-written or of another version, a stack trace for a
message, an upload or a job that nobody will find, a run that takes longer than its bound) counts in the last column,
and the suite fails. *Found out*: a store that changes the bytes it is given, always, cannot be cured; the run that
wrote through it fails and says so.

This page is generated: `make reliability` tries every cell and writes it. `make test-slow` tries a twelfth of them, always
the same, and fails where one ends in the last column, or where the cells are others than these.
"""


def write(sections: dict[str, str]) -> None:
    """Write the page anew; sections that are not given stay as they are."""
    PAGE.write_text(
        "\n".join(
            [
                INTRODUCTION,
                *({**_read(), **sections}[name] for name in TITLES if name in {**_read(), **sections}),
            ]
        )
    )


def _read() -> dict[str, str]:
    text = PAGE.read_text() if PAGE.exists() else ""
    parts = [f"## {part}" for part in text.split("\n## ")[1:]]
    return {
        name: part.rstrip("\n") + "\n"
        for name, title in TITLES.items()
        for part in parts
        if part.startswith(f"## {title}\n")
    }


def says(name: str) -> str:
    """What the page says of a matrix."""
    return _read().get(name, "nothing")
