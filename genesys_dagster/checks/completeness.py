"""Is the partition complete? Its rows against the number of conversations that the interactive query announces."""

from collections.abc import Mapping

import dagster as dg

from genesys_dagster.checks.finding import ERROR, WARN, Finding, not_compared, to_result
from genesys_dagster.checks.history import Pull, latest_pulls
from genesys_dagster.checks.partition import partition_check
from genesys_dagster.extract.background import run_apart
from genesys_dagster.extract.commit import WOBBLE_SHARE, wobble
from genesys_dagster.genesys.errors import GenesysError
from genesys_dagster.genesys.progress import ExportProgress
from genesys_dagster.genesys.query import InteractiveQuery
from genesys_dagster.genesys.whole import WOBBLE
from genesys_dagster.org.org import Org
from genesys_dagster.resources import GenesysResource

# By how much more may have come than was announced: `totalHits` is approximate (see `commit.wobble`).
SURPLUS = 0.001

_NEVER_PULLED = "this Dagster instance has no materialization of the partition; materialize it."


def completeness(org: Org) -> dg.AssetChecksDefinition:
    """The check of what a pull received against what was announced to it."""

    @partition_check(
        org,
        name="completeness",
        blocking=True,
        description="The pull received as many conversations as Genesys Cloud announced at the same time (`totalHits` of "
        f"the interactive query), give or take {WOBBLE_SHARE:.1%} and at most {WOBBLE}. Decided from the materialization's "
        "metadata. What is made of the day waits until it is whole.",
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        keys = context.partition_keys
        pulls = latest_pulls(context.instance, org, keys)
        return to_result({key: _at_pull(pulls.get(key)) for key in keys})

    return check


def _at_pull(pull: Pull | None) -> Finding:
    if pull is None:
        return not_compared(_NEVER_PULLED)
    if pull.total_hits is None:
        return not_compared("the server did not say how many conversations to expect.")
    return compare_with_hits(pull, pull.total_hits, missing=pull.missing)


def total_hits(org: Org) -> dg.AssetChecksDefinition:
    """The check of the rows that a partition has against what is announced now."""

    @partition_check(
        org,
        name="total_hits",
        pool=org.api_pool,
        required_resource_keys={org.genesys},
        description="The partition still holds as many conversations as Genesys Cloud's interactive query announces now. "
        "Fewer means that conversations came late: pull the partition again.",
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        keys = context.partition_keys
        pulls = latest_pulls(context.instance, org, keys)
        try:
            announced = run_apart(_announced(getattr(context.resources, org.genesys), org, list(pulls)))
        except GenesysError as error:
            return to_result(dict.fromkeys(keys, not_compared(str(error))))
        return to_result({key: _now(pulls.get(key), announced.get(key)) for key in keys})

    return check


def _now(pull: Pull | None, announced: int | None) -> Finding:
    if pull is None:
        return not_compared(_NEVER_PULLED)
    if announced is None:
        return not_compared("the server does not say how many conversations there are.")
    return compare_with_hits(pull, announced)


async def _announced(genesys: GenesysResource, org: Org, keys: list[str]) -> Mapping[str, int | None]:
    async with genesys.client() as client:
        query = InteractiveQuery(client, paging="number", page_size=1, progress=ExportProgress())
        return {key: await query.count(org.days.window(key)) for key in keys}


def compare_with_hits(pull: Pull, announced: int, missing: int | None = None) -> Finding:
    """Judge the number of conversations that a pull received.

    What began on another day was announced, too: the query counts all that began on a UTC day that the interval
    touches (SDK 269 models/conversation_query.py, `interval`). A query that had to be cut in slices announces those
    in two slices twice, and then also delivers them twice.

    Args:
        pull: What it recorded.
        announced: How many there should be.
        missing: How many of them did not come, where that was judged with more knowledge.
    """
    received = pull.rows + pull.outside_window_dropped
    if missing is None:
        missing = announced - received - pull.duplicates_dropped
        missing = missing if missing > wobble(announced) else 0
    surplus = received - announced
    figures = {"rows": pull.rows, "received": received, "announced": announced}
    if missing:
        return Finding(
            passed=False,
            severity=ERROR,
            summary=f"{missing:,} of {announced:,} announced conversations are missing: pull the partition again.",
            figures=figures,
        )
    if surplus > SURPLUS * announced:
        return Finding(
            passed=False,
            severity=WARN,
            summary=f"{surplus:,} more conversations than the {announced:,} announced ones: some were deleted since, or "
            "Genesys Cloud's own number lags.",
            figures=figures,
        )
    return Finding(passed=True, summary=f"{received:,} received, {announced:,} announced.", figures=figures)
