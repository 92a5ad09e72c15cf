"""Is the number of conversations usual? Compared with the same weekday of the weeks before, from metadata alone."""

from collections.abc import Sequence
from datetime import date, timedelta
from math import sqrt
from statistics import median

import dagster as dg

from genesys_dagster.checks.finding import WARN, Finding, to_result
from genesys_dagster.checks.history import latest_pulls
from genesys_dagster.checks.partition import partition_check
from genesys_dagster.org.org import Org

WEEKS = 4
FEWEST_WEEKS = 2
# Half as many or half as many again; on small days also beyond what chance alone makes likely (four standard
# deviations of a Poisson count).
SHARE, DEVIATIONS = 0.5, 4.0


def volume(org: Org) -> dg.AssetChecksDefinition:
    """The check of a partition against the same weekday before."""

    @partition_check(
        org,
        name="volume",
        description=f"Warns when a day has {SHARE:.0%} more or fewer conversations than the median of the same weekday in "
        f"the {WEEKS} weeks before: an outage, a missing division, or a holiday. Reads no data.",
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        weeks_before = {key: _weeks_before(key) for key in context.partition_keys}
        wanted = {key for key, earlier in weeks_before.items() for key in (key, *earlier)}
        pulls = latest_pulls(context.instance, org, sorted(wanted))
        return to_result(
            {
                key: judge_volume(
                    pulls[key].rows if key in pulls else None,
                    [pulls[before].rows for before in earlier if before in pulls],
                )
                for key, earlier in weeks_before.items()
            }
        )

    return check


def judge_volume(rows: int | None, before: Sequence[int]) -> Finding:
    """Judge a day's number of conversations by those of the same weekday before.

    Args:
        rows: The day's number; None if it was never materialized.
        before: Numbers of the days that are known.
    """
    if rows is None or len(before) < FEWEST_WEEKS:
        return Finding(
            passed=True,
            severity=WARN,
            summary=f"Too early to tell: {len(before)} of the {WEEKS} weeks before are there.",
            figures={"weeks": len(before)},
        )
    usual = median(before)
    allowed = max(SHARE * usual, DEVIATIONS * sqrt(usual))
    return Finding(
        passed=abs(rows - usual) <= allowed,
        severity=WARN,
        summary=f"{rows:,} conversations; {usual:,.0f} are usual on this weekday, give or take {allowed:,.0f}.",
        figures={"rows": rows, "usual": dg.MetadataValue.float(float(usual)), "weeks": len(before)},
    )


def _weeks_before(key: str) -> list[str]:
    day = date.fromisoformat(key)
    return [str(day - timedelta(weeks=weeks)) for weeks in range(1, WEEKS + 1)]
