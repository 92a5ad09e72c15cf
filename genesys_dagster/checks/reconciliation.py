"""The proof that nothing is missing: the partition's metrics against Genesys Cloud's own aggregates.

Compared are all metrics that both know, by queue and media type: counts exactly, sums of durations within a millisecond
per value; one that only one side has is a difference like others, unless detail records are not known to carry it.
Genesys Cloud counts a metric on the day when it is emitted; so here too only metrics emitted on the partition's day
count, and what conversations of earlier days emitted on it is taken out of Genesys Cloud's numbers (see `explanation`).
An error means that conversations are proven to be missing; other differences are warnings, as is not being allowed to
ask. A metric that this org's Genesys Cloud refuses is left out and named.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import dagster as dg
import pyarrow.dataset as ds

from genesys_dagster.checks.comparison import Comparison, Difference, by_cell, compare, counted
from genesys_dagster.checks.explanation import Explanation, explain
from genesys_dagster.checks.finding import ERROR, WARN, Finding, not_compared, table, to_result
from genesys_dagster.checks.leaves import batches
from genesys_dagster.checks.metric_totals import MetricTotals
from genesys_dagster.checks.partition import partition_check
from genesys_dagster.genesys.accepted_aggregates import accepted_aggregates
from genesys_dagster.genesys.aggregates import PERMISSION
from genesys_dagster.genesys.errors import GenesysError, PermissionDeniedError
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.org.org import Org
from genesys_dagster.resources import GenesysResource

_DIFFERENCES_SHOWN = 200
_IDS_SHOWN = 20


def reconciliation(org: Org) -> dg.AssetChecksDefinition:
    """The check of a partition against Genesys Cloud's aggregates."""

    @partition_check(
        org,
        name="reconciliation",
        pool=org.api_pool,
        required_resource_keys={org.genesys},
        description="All metrics agree with Genesys Cloud's own aggregates of the day, by queue and media type: counts "
        "exactly, durations within a millisecond per value, conversations that began earlier taken out. An error "
        f"means that conversations are missing from the partition. Needs the permission {PERMISSION}.",
    )
    def check(
        context: dg.AssetCheckExecutionContext, conversation_details: dict[str, ds.Dataset]
    ) -> dg.AssetCheckResult:
        genesys = getattr(context.resources, org.genesys)
        findings = {
            key: _reconcile(genesys, org.days.window(key), dataset)
            for key, dataset in conversation_details.items()
        }
        for key, finding in findings.items():
            context.log.info("%s: %s", key, finding.summary)
        return to_result(findings)

    return check


def _reconcile(genesys: GenesysResource, day: Interval, dataset: ds.Dataset) -> Finding:
    try:
        return asyncio.run(_compare(genesys, day, dataset))
    except PermissionDeniedError as error:
        return not_compared(f"the OAuth client lacks {PERMISSION}. {error}")
    except GenesysError as error:
        return not_compared(str(error))


async def _compare(genesys: GenesysResource, interval: Interval, dataset: ds.Dataset) -> Finding:
    async with genesys.client() as client:
        aggregates, refused = await accepted_aggregates(client, interval)
        theirs = by_cell(aggregates)
        totals = MetricTotals(interval.start, interval.end)
        for rows in batches(dataset, totals.leaves):
            totals.see(rows)
        ours = totals.result()
        comparison = compare(ours, theirs, refused)
        explanation = Explanation(theirs)
        if comparison.differences:
            explanation = await explain(client, interval, theirs, comparison.differences, _ids(dataset))
            comparison = compare(ours, explanation.theirs, refused)
        return judge(comparison, explanation)


def _ids(dataset: ds.Dataset) -> frozenset[str]:
    return frozenset(
        identity
        for rows in batches(dataset, {"conversationId"})
        for identity in rows["conversationId"].to_pylist()
    )


def judge(comparison: Comparison, explanation: Explanation) -> Finding:
    """Turn what was compared and found out into a finding."""
    figures: dict[str, Any] = {
        "values_compared": comparison.compared,
        "values_that_differ": len(comparison.differences),
        "conversations_of_other_days": explanation.carried_over,
        "missing_conversations": len(explanation.missing),
        "metrics_only_in_details": ", ".join(comparison.only_ours) or "none",
        "metrics_only_in_aggregates": ", ".join(comparison.only_theirs) or "none",
    }
    if comparison.refused:
        figures["metrics_refused"] = ", ".join(comparison.refused)
    if explanation.limit:
        figures["limit"] = explanation.limit
    if explanation.missing:
        figures["missing_ids"] = ", ".join(explanation.missing[:_IDS_SHOWN])
    if comparison.differences:
        figures["differences"] = table(_rows(comparison.differences[:_DIFFERENCES_SHOWN]))
    if explanation.missing:
        return Finding(
            passed=False,
            severity=ERROR,
            summary=f"{len(explanation.missing):,} conversations of the day that Genesys Cloud counts are not in the "
            "partition: pull it again.",
            figures=figures,
        )
    if comparison.differences:
        return Finding(
            passed=False,
            severity=WARN,
            summary=f"{len(comparison.differences):,} of {comparison.compared:,} values differ from Genesys Cloud's "
            f"aggregates.{_of_metrics(comparison)}",
            figures=figures,
        )
    return Finding(
        passed=True,
        summary=f"All {comparison.compared:,} values agree with Genesys Cloud's aggregates.{_of_metrics(comparison)}",
        figures=figures,
    )


def _of_metrics(comparison: Comparison) -> str:
    """What is to be said of whole metrics."""
    sentences = {
        "Counted by Genesys Cloud, and no conversation of the partition carries them": comparison.lost,
        "In the partition, and not counted by Genesys Cloud anywhere": comparison.uncounted,
        "Not compared, as no conversation carries them and perhaps none ever does": comparison.only_theirs,
        "Not compared, as Genesys Cloud refuses them": comparison.refused,
    }
    return "".join(f" {sentence}: {', '.join(names)}." for sentence, names in sentences.items() if names)


def _rows(differences: Sequence[Difference]) -> list[dict[str, str | int | float | bool | None]]:
    return [
        {
            "queueId": difference.cell.queue or "",
            "mediaType": difference.cell.media or "",
            "metric": difference.cell.metric,
            "count_here": counted(difference.cell, difference.ours),
            "count_genesys": difference.their_count,
            "sum_here": difference.ours.total,
            "sum_genesys": (difference.theirs.total if difference.theirs else None) or 0.0,
        }
        for difference in differences
    ]
