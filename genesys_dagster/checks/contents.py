"""The checks that look into a partition: all of them in one pass over the object, each with its own result."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import dagster as dg

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
from genesys_dagster.lazy import ds
from genesys_dagster.memory.pulls import DETAILS
from genesys_dagster.org.org import Org
from genesys_dagster.records.columns import CONVERSATION_COLUMNS
from genesys_dagster.records.field import Columns

THEMES: tuple[ThemeCheck, ...] = (*IDENTITY, *STATE, *PLAUSIBILITY, *REFERENCES)


class Contents(NamedTuple):
    """What is looked at in the partitions of an asset.

    Attributes:
        asset: Its name.
        columns: What its objects look like.
        themes: What must hold for its rows.
    """

    asset: str
    columns: Columns
    themes: Sequence[ThemeCheck]


CONVERSATIONS = Contents(DETAILS, CONVERSATION_COLUMNS, THEMES)


def contents(org: Org, of: Contents = CONVERSATIONS) -> dg.AssetChecksDefinition:
    """The checks of an asset, for an org."""
    checks = {schema.NAME: (schema.DESCRIPTION, True)}
    checks |= {theme.name: (theme.description, theme.blocking) for theme in of.themes}

    @dg.multi_asset_check(
        name=org.label(f"{of.asset}_contents"),
        specs=[
            partition_spec(org, name, description, asset=of.asset, blocking=blocking)
            for name, (description, blocking) in checks.items()
        ],
        can_subset=True,
        ins={"partitions": dg.AssetIn(org.key(of.asset))},
        required_resource_keys={org.lake},
        description="Looks at every row of the partition, reading only the fields that the checks need.",
    )
    def look(
        context: dg.AssetCheckExecutionContext, partitions: dict[str, ds.Dataset]
    ) -> Iterator[dg.AssetCheckResult]:
        names = {key.name for key in context.selected_asset_check_keys}
        found = _look_into_all(context, org, of, names, partitions)
        for name, findings in found.items():
            result = to_result(findings, check_name=name, asset_key=org.key(of.asset))
            yield told_by_day(context, org, result, name, asset=of.asset, blocking=checks[name][1])

    return look


def _look_into_all(
    context: dg.AssetCheckExecutionContext,
    org: Org,
    of: Contents,
    names: set[str],
    partitions: dict[str, ds.Dataset],
) -> dict[str, dict[str, Finding]]:
    """Look into the partitions of the run."""
    themes = [theme for theme in of.themes if theme.name in names]
    known = snapshots.known(context, org)
    found: dict[str, dict[str, Finding]] = {name: {} for name in names}
    for key, dataset in partitions.items():
        window = org.days.window(key)
        day = Day(key, window.start, window.end, known)
        for name, finding in look_into(dataset, day, themes).items():
            found[name][key] = finding
        if schema.NAME in names:
            found[schema.NAME][key] = schema.schema_finding(dataset, of.columns.schema)
    return found


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
    leaves = frozenset[str]().union(*(check.leaves for check in checks if check.name in able))
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
