"""The proof that nothing is missing: the partition's metrics against Genesys Cloud's own aggregates.

Compared are all metrics that both know, by queue and media type: counts exactly, sums of durations within a millisecond
per value; one that only one side has is a difference like others, unless detail records are not known to carry it.
So are, by two more questions, half hours and directions, and agents (see `placement`), and service levels.
Genesys Cloud counts a metric on the day when it is emitted; so here too only metrics emitted on the partition's day
count, and what conversations of earlier days emitted on it is taken out of Genesys Cloud's numbers (see `explanation`).
An error means that conversations are proven to be missing; other differences are warnings, as is not being allowed to
ask. A metric that this org's Genesys Cloud refuses is left out and named.
"""

import dagster as dg

from genesys_dagster.checks.comparison import by_cell, compare
from genesys_dagster.checks.explanation import Explanation, explain
from genesys_dagster.checks.finding import Finding, not_compared, to_result
from genesys_dagster.checks.leaves import batches
from genesys_dagster.checks.metric_totals import MetricTotals
from genesys_dagster.checks.partition import partition_check
from genesys_dagster.checks.placement import look_up_places
from genesys_dagster.checks.service_level import compare_levels
from genesys_dagster.checks.verdict import judge
from genesys_dagster.extract.background import run_apart
from genesys_dagster.genesys.accepted_aggregates import accepted_aggregates
from genesys_dagster.genesys.aggregates import PERMISSION
from genesys_dagster.genesys.errors import GenesysError, PermissionDeniedError
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.metric_names import COMMON_METRICS, SERVICE_LEVEL
from genesys_dagster.lazy import ds
from genesys_dagster.org.org import Org
from genesys_dagster.resources import GenesysResource


def reconciliation(org: Org) -> dg.AssetChecksDefinition:
    """The check of a partition against Genesys Cloud's aggregates."""

    @partition_check(
        org,
        name="reconciliation",
        pool=org.api_pool,
        required_resource_keys={org.genesys},
        description="All metrics agree with Genesys Cloud's own aggregates of the day, by queue and media type: counts "
        "exactly, durations within a millisecond per value, conversations that began earlier taken out. No half hour, "
        "direction or agent has more than Genesys Cloud counts there, and its service level is our formula's. An error "
        "means that conversations are missing from the partition. Three requests, and a few to explain what is more "
        f"there. Needs the permission {PERMISSION}.",
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
        return run_apart(compare_day(genesys, day, dataset))
    except PermissionDeniedError as error:
        return not_compared(f"the OAuth client lacks {PERMISSION}. {error}")
    except GenesysError as error:
        return not_compared(str(error))


async def compare_day(genesys: GenesysResource, interval: Interval, dataset: ds.Dataset) -> Finding:
    """Compare a day.

    Args:
        genesys: Whom to ask.
        interval: The day.
        dataset: What the partition holds.

    Raises:
        GenesysError: As in `GenesysClient.fetch`.
    """
    async with genesys.client() as client:
        aggregates, refused = await accepted_aggregates(client, interval, (*COMMON_METRICS, SERVICE_LEVEL))
        levels = [each for each in aggregates if each.metric == SERVICE_LEVEL]
        theirs = by_cell(each for each in aggregates if each.metric != SERVICE_LEVEL)
        totals = MetricTotals(interval.start, interval.end)
        for rows in batches(dataset, totals.leaves):
            totals.see(rows)
        ours = totals.result()
        comparison = compare(ours, theirs, refused)
        explanation = Explanation(theirs)
        if comparison.differences:
            explanation = await explain(client, interval, theirs, comparison.differences, _ids(dataset))
            comparison = compare(ours, explanation.theirs, refused)
        agreeing = {cell.metric for cell in ours}.intersection(cell.metric for cell in theirs) - {
            each.cell.metric for each in comparison.differences
        }
        placement = await look_up_places(client, interval, totals, agreeing)
        service = compare_levels(levels, theirs, {each.cell for each in comparison.differences}, refused)
        return judge(comparison, explanation, placement, service, interval.start)


def _ids(dataset: ds.Dataset) -> frozenset[str]:
    return frozenset(
        identity
        for rows in batches(dataset, {"conversationId"})
        for identity in rows["conversationId"].to_pylist()
    )
