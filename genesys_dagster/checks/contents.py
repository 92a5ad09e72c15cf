"""The checks that look into a partition: all of them in one pass over the object, each with its own result."""

from collections.abc import Iterator, Sequence

import dagster as dg
import pyarrow.dataset as ds

from genesys_dagster.checks import schema, snapshots
from genesys_dagster.checks.by_day import told_by_day
from genesys_dagster.checks.finding import WARN, Finding, to_result
from genesys_dagster.checks.identity import IDENTITY
from genesys_dagster.checks.leaves import batches, missing_leaves
from genesys_dagster.checks.partition import partition_spec
from genesys_dagster.checks.plausibility import PLAUSIBILITY
from genesys_dagster.checks.references import REFERENCES
from genesys_dagster.checks.state import STATE
from genesys_dagster.checks.themes import Day, ThemeCheck
from genesys_dagster.memory.pulls import DETAILS
from genesys_dagster.org.org import Org

THEMES: tuple[ThemeCheck, ...] = (*IDENTITY, *STATE, *PLAUSIBILITY, *REFERENCES)

_BLOCKING = {schema.NAME, *(theme.name for theme in THEMES if theme.blocking)}


def contents(org: Org) -> dg.AssetChecksDefinition:
    """The checks, for an org."""

    @dg.multi_asset_check(
        name=org.label("conversation_details_contents"),
        specs=[
            partition_spec(org, schema.NAME, schema.DESCRIPTION, blocking=True),
            *(
                partition_spec(org, theme.name, theme.description, blocking=theme.blocking)
                for theme in THEMES
            ),
        ],
        can_subset=True,
        ins={"partitions": dg.AssetIn(org.key(DETAILS))},
        required_resource_keys={org.lake},
        description="Looks at every conversation of the partition, reading only the fields that the checks need.",
    )
    def checks(
        context: dg.AssetCheckExecutionContext, partitions: dict[str, ds.Dataset]
    ) -> Iterator[dg.AssetCheckResult]:
        yield from _looked_into(context, org, partitions)

    return checks


def _looked_into(
    context: dg.AssetCheckExecutionContext, org: Org, partitions: dict[str, ds.Dataset]
) -> Iterator[dg.AssetCheckResult]:
    """Look into the partitions of the run."""
    names = {key.name for key in context.selected_asset_check_keys}
    themes = [theme for theme in THEMES if theme.name in names]
    known_queues = snapshots.once(context, org, "queues")
    found: dict[str, dict[str, Finding]] = {name: {} for name in names}
    for key, dataset in partitions.items():
        window = org.days.window(key)
        day = Day(key, window.start, window.end, known_queues)
        for name, finding in look_into(dataset, day, themes).items():
            found[name][key] = finding
        if schema.NAME in names:
            found[schema.NAME][key] = schema.schema_finding(dataset)
    for name, findings in found.items():
        result = to_result(findings, check_name=name, asset_key=org.key(DETAILS))
        yield told_by_day(context, org, result, name, blocking=name in _BLOCKING)


def look_into(dataset: ds.Dataset, day: Day, checks: Sequence[ThemeCheck]) -> dict[str, Finding]:
    """Let themes see a partition, all in one pass.

    Args:
        dataset: The partition.
        day: Which one it is.
        checks: The themes.

    Returns:
        Name of the check to its finding; one whose fields the object does not have could not look.
    """
    lacking = {check.name: missing_leaves(dataset, check.leaves) for check in checks}
    able = {check.name: check.make(day) for check in checks if not lacking[check.name]}
    leaves = frozenset[str]().union(*(theme.leaves for theme in able.values()))
    if able:
        for rows in batches(dataset, leaves):
            for theme in able.values():
                theme.see(rows)
    return {
        check.name: able[check.name].finding() if check.name in able else _unable(lacking[check.name])
        for check in checks
    }


def _unable(leaves: set[str]) -> Finding:
    return Finding(
        passed=False,
        severity=WARN,
        summary=f"Not looked at: the object lacks {', '.join(sorted(leaves))}. Pull the partition again.",
    )
