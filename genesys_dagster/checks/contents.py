"""The checks that look into a partition: all of them in one pass over the object, each with its own result."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import dagster as dg

from genesys_dagster.checks import schema, snapshots
from genesys_dagster.checks.by_day import told_by_day
from genesys_dagster.checks.finding import WARN, Finding, to_result
from genesys_dagster.checks.identity import IDENTITY
from genesys_dagster.checks.leaves import Rows, batches, missing_leaves
from genesys_dagster.checks.partition import partition_spec
from genesys_dagster.checks.plausibility import PLAUSIBILITY
from genesys_dagster.checks.references import REFERENCES
from genesys_dagster.checks.state import STATE
from genesys_dagster.checks.themes import Day, ThemeCheck
from genesys_dagster.checks.watching import Watching
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


_WHILE_WRITING, _THE_OBJECT = "while writing", "the object"

CONVERSATIONS = Contents(DETAILS, CONVERSATION_COLUMNS, THEMES)


def contents(
    org: Org, of: Contents = CONVERSATIONS, watching: Watching | None = None
) -> dg.AssetChecksDefinition:
    """The checks of an asset, for an org.

    Args:
        org: Whose.
        of: What is looked at.
        watching: What was seen while it was written; None if nothing was.
    """
    watching = watching or Watching(org, of.asset, of.themes)
    checks = {schema.NAME: (schema.DESCRIPTION, True)}
    checks |= {theme.name: (theme.description, theme.blocking) for theme in of.themes}

    @dg.multi_asset_check(
        name=watching.step,
        specs=[
            partition_spec(org, name, description, asset=of.asset, blocking=blocking)
            for name, (description, blocking) in checks.items()
        ],
        can_subset=True,
        ins={"partitions": dg.AssetIn(org.key(of.asset))},
        required_resource_keys={org.lake},
        description="Looks at every row of the partition: while it is written, if this run has written it, else in the "
        "object, reading only the fields that the checks need. `looked_at` in the results says which.",
    )
    def look(
        context: dg.AssetCheckExecutionContext, partitions: dict[str, ds.Dataset]
    ) -> Iterator[dg.AssetCheckResult]:
        names = {key.name for key in context.selected_asset_check_keys}
        found = _look_into_all(context, org, of, names, partitions, watching)
        for name, findings in found.items():
            result = to_result(findings, check_name=name, asset_key=org.key(of.asset))
            yield told_by_day(context, org, result, name, asset=of.asset, blocking=checks[name][1])

    return look


def _look_into_all(  # noqa: PLR0913, PLR0917 - the check's own, handed on
    context: dg.AssetCheckExecutionContext,
    org: Org,
    of: Contents,
    names: set[str],
    partitions: dict[str, ds.Dataset],
    watching: Watching,
) -> dict[str, dict[str, Finding]]:
    """Look into the partitions of the run."""
    themes = [theme for theme in of.themes if theme.name in names]
    known = snapshots.known(context, org)
    found: dict[str, dict[str, Finding]] = {name: {} for name in names}
    for key, dataset in partitions.items():
        window = org.days.window(key)
        watched = watching.take(context, key)
        otherwise = watched.differences(dataset) if watched else {}
        if watched and not otherwise:
            looked_at, looked = _WHILE_WRITING, watched.look([theme.name for theme in themes], known)
        else:
            day = Day(key, window.start, window.end, known)
            looked_at, looked = _THE_OBJECT, look_into(dataset, day, themes)
        for name, finding in looked.items():
            found[name][key] = replace(finding, figures={**finding.figures, "looked_at": looked_at})
        if schema.NAME in names:
            found[schema.NAME][key] = schema.schema_finding(dataset, of.columns.schema, otherwise)
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
        for rows in map(Rows, batches(dataset, leaves)):
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
