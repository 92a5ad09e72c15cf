"""What a check found, and how it is told to Dagster.

Green means looked at and in order; nothing that could not be looked at is green. A warning does not fail a run, an
error does not either unless its check is blocking: then downstream assets of the run are not made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
_WORST_LAST = (WARN, ERROR)


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check on one partition.

    Attributes:
        passed: Whether all is in order.
        summary: One sentence of what was found.
        severity: How bad it is if not passed.
        figures: Further facts, as Dagster metadata.
    """

    passed: bool
    summary: str
    severity: dg.AssetCheckSeverity = ERROR
    figures: Mapping[str, Any] = field(default_factory=dict)


def not_compared(reason: str) -> Finding:
    """A finding for what could not be looked at: a warning, since nothing is proven."""
    return Finding(passed=False, severity=WARN, summary=f"Not compared: {reason}")


def to_result(findings: Mapping[str, Finding], **check: Any) -> dg.AssetCheckResult:
    """Bring the findings of a run's partitions into one result.

    Args:
        findings: Partition key to finding; at least one. Dagster has one result for all partitions of a run.
        **check: `check_name` and `asset_key`, where a function makes several checks.
    """
    if len(findings) == 1:
        (only,) = findings.values()
        return dg.AssetCheckResult(
            passed=only.passed,
            severity=only.severity,
            description=only.summary,
            metadata=dict(only.figures),
            **check,
        )
    failed = {key: finding for key, finding in findings.items() if not finding.passed}
    worst = max((finding.severity for finding in failed.values()), key=_WORST_LAST.index, default=ERROR)
    return dg.AssetCheckResult(
        passed=not failed,
        severity=worst,
        description=f"{len(findings) - len(failed)} of {len(findings)} partitions are in order.",
        metadata={"partitions": _table(findings)},
        **check,
    )


def table(rows: Sequence[Mapping[str, str | int | float | bool | None]]) -> dg.TableMetadataValue:
    """A metadata table of rows that have the same keys; at least one row."""
    kinds = {int: "int", float: "float", bool: "bool"}
    columns = [
        dg.TableColumn(
            name, next((kinds[type(row[name])] for row in rows if type(row[name]) in kinds), "string")
        )
        for name in rows[0]
    ]
    return dg.MetadataValue.table(
        records=[dg.TableRecord(dict(row)) for row in rows], schema=dg.TableSchema(columns=columns)
    )


def _table(findings: Mapping[str, Finding]) -> dg.TableMetadataValue:
    return table(
        [
            {
                "partition": key,
                "passed": finding.passed,
                "severity": finding.severity.value,
                "finding": finding.summary,
            }
            for key, finding in findings.items()
        ]
    )
