"""What the reconciliation says of a day: the comparisons with Genesys Cloud as one finding."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from genesys_dagster.checks.comparison import Comparison, Difference, counted
from genesys_dagster.checks.explanation import Explanation
from genesys_dagster.checks.finding import ERROR, WARN, Finding, table
from genesys_dagster.checks.metric_totals import HALF_HOUR, HalfHour
from genesys_dagster.checks.placement import Excess, Placement
from genesys_dagster.checks.service_level import ServiceLevels

_ROWS_SHOWN = 200
_IDS_SHOWN = 20


def judge(
    comparison: Comparison,
    explanation: Explanation,
    placement: Placement,
    service: ServiceLevels,
    start: datetime,
) -> Finding:
    """Turn what was compared and found out into a finding.

    Args:
        comparison: By queue and media type.
        explanation: Why Genesys Cloud counts more.
        placement: By half hour and direction, and by agent.
        service: Service levels.
        start: First instant of the day.
    """
    figures = _figures(comparison, explanation, placement, service)
    if placement.excesses:
        figures["misplaced"] = table([_misplaced(each, start) for each in placement.excesses[:_ROWS_SHOWN]])
    if explanation.missing:
        missing = f"{len(explanation.missing):,} conversations of the day that Genesys Cloud counts are not in the partition"
        return Finding(passed=False, severity=ERROR, summary=f"{missing}: pull it again.", figures=figures)
    faults = list(_faults(comparison, placement, service))
    agreed = f"All {comparison.compared:,} values agree with Genesys Cloud's aggregates."
    return Finding(
        passed=not faults,
        severity=WARN,
        summary=" ".join([*(faults or [agreed]), *_remarks(comparison, placement, service)]),
        figures=figures,
    )


def _figures(
    comparison: Comparison, explanation: Explanation, placement: Placement, service: ServiceLevels
) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "values_compared": comparison.compared,
        "values_that_differ": len(comparison.differences),
        "values_by_half_hour": placement.half_hours,
        "values_by_agent": placement.agents,
        "service_levels": service.compared,
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
        figures["differences"] = table([_differing(each) for each in comparison.differences[:_ROWS_SHOWN]])
    if service.base:
        figures["service_level_base"] = service.base
    if service.wrong:
        figures["service_level_numerators"] = table(
            [
                {
                    "queueId": each.cell.queue or "",
                    "mediaType": each.cell.media or "",
                    "here": each.ours,
                    "genesys": each.theirs,
                }
                for each in service.wrong[:_ROWS_SHOWN]
            ]
        )
    return figures


def _faults(comparison: Comparison, placement: Placement, service: ServiceLevels) -> Iterable[str]:
    if comparison.differences:
        yield f"{len(comparison.differences):,} of {comparison.compared:,} values differ from Genesys Cloud's aggregates."
    timed = sum(isinstance(each.place, HalfHour) for each in placement.excesses)
    if timed:
        yield (
            f"{timed:,} of {placement.half_hours:,} values by half hour and direction are more than Genesys Cloud's: what "
            "agrees by queue has another time of emission, or another direction."
        )
    if by_agent := len(placement.excesses) - timed:
        yield (
            f"{by_agent:,} of {placement.agents:,} values by agent are more than Genesys Cloud's: what agrees by queue "
            "has another user."
        )
    if service.wrong:
        yield (
            f"{len(service.wrong):,} of {service.compared:,} service levels of Genesys Cloud do not count what was answered "
            "less what was over the SLA."
        )


def _remarks(comparison: Comparison, placement: Placement, service: ServiceLevels) -> Iterable[str]:
    """What is to be said and held against nobody."""
    sentences = {
        "Counted by Genesys Cloud, and no conversation of the partition carries them": comparison.lost,
        "In the partition, and not counted by Genesys Cloud anywhere": comparison.uncounted,
        "Not compared, as no conversation carries them and perhaps none ever does": comparison.only_theirs,
        "Not compared, as Genesys Cloud refuses them": comparison.refused,
        "Counted by Genesys Cloud in other queues, and as often in all": comparison.elsewhere,
    }
    yield from (f"{sentence}: {', '.join(names)}." for sentence, names in sentences.items() if names)
    yield from placement.remarks
    if service.otherwise:
        yield (
            f"{service.otherwise:,} of {service.compared:,} service levels of Genesys Cloud have another base than "
            f"{service.base}."
        )


def _differing(difference: Difference) -> dict[str, str | int | float | bool | None]:
    return {
        "queueId": difference.cell.queue or "",
        "mediaType": difference.cell.media or "",
        "metric": difference.cell.metric,
        "count_here": counted(difference.cell.metric, difference.ours),
        "count_genesys": difference.their_count,
        "sum_here": difference.ours.total,
        "sum_genesys": (difference.theirs.total if difference.theirs else None) or 0.0,
    }


def _misplaced(excess: Excess, start: datetime) -> dict[str, str | int | float | bool | None]:
    place = excess.place
    return {
        "half_hour": (start + place.half_hour * HALF_HOUR).isoformat() if isinstance(place, HalfHour) else "",
        "direction": (place.direction or "") if isinstance(place, HalfHour) else "",
        "userId": "" if isinstance(place, HalfHour) else place.user,
        "mediaType": place.media or "",
        "metric": place.metric,
        "count_here": counted(place.metric, excess.ours),
        "count_genesys": counted(place.metric, excess.theirs),
        "sum_here": excess.ours.total,
        "sum_genesys": excess.theirs.total,
    }
