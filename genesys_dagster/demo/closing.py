"""The demo's last lines: what to open, in which order, and how to go on."""

import os
import sys
from pathlib import Path

from genesys_dagster.demo.environment import DemoEnvironment
from genesys_dagster.demo.lake import REPORT

_QUERY = (
    "SELECT queue_name, sum(offered)::INT offered, "
    "round(100 * sum(answered_in_target) / sum(service_level_base)) AS service_level_percent "
    "FROM '{table}/*/*.parquet' GROUP BY 1 HAVING sum(offered) > 0 ORDER BY 2 DESC"
)


def while_served(environment: DemoEnvironment, ui: str, lake: Path) -> str:
    """What to look at while the UI is up.

    Args:
        environment: The running servers.
        ui: Address of the Dagster UI.
        lake: The copy of the lake.
    """
    report = f"{environment.s3.url}/{environment.s3.bucket}/{environment.prefix}/{REPORT}"
    return _sections(
        "Open, in this order:",
        ("1  Records", f"{ui}/assets/conversation_details"),
        ("", "what a day holds; Partitions: what was exported; Checks: what was proven"),
        ("2  Lineage", f"{ui}/asset-groups"),
        ("", "from Genesys Cloud over tables and figures to the report; click a group to open it"),
        ("3  Report", report),
        ("", "for people who run the contact centre"),
        ("4  SQL", _command(lake)),
        ("", f"on a copy of the lake in {_shown(lake)}"),
    ) + (
        f"\n\nGenesys Cloud org at {environment.api_url}, S3 at {environment.s3.url}, "
        f"bucket {environment.s3.bucket}.\n"
        "Export another day in the UI (Records > Materialize ...), or press Ctrl-C to stop everything."
    )


def without_ui(lake: Path) -> str:
    """What is left to look at when all has ended.

    Args:
        lake: The copy of the lake.
    """
    return _sections(
        "All servers have stopped; this stays until the next demo:",
        ("1  Lake", _shown(lake)),
        ("2  Report", _shown(lake / REPORT)),
        ("3  SQL", _command(lake)),
        ("4  Dagster UI", "the same command without --no-ui"),
    )


def _sections(title: str, *lines: tuple[str, str]) -> str:
    return "\n".join((f"\n{title}\n", *(f"  {name:<16}{text}" for name, text in lines)))


def _command(lake: Path) -> str:
    query = _QUERY.format(table=_shown(lake / "queue_performance"))
    return f"{_shown(Path(sys.executable))} -c \"import duckdb; print(duckdb.sql('''{query}'''))\""


def _shown(path: Path) -> str:
    """The path as one would type it here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
