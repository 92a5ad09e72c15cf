"""Which assets the demo materializes, for which days, in which order."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import dagster as dg

_CONVERSATION_DETAILS = dg.AssetKey("conversation_details")


class Run(NamedTuple):
    """Assets to materialize together, and for which partition."""

    assets: Sequence[dg.AssetKey]
    partition_key: str | None


def days_with_a_week(today: date) -> int:
    """The fewest days up to yesterday, 7 to 13, that hold a week from Monday to Sunday."""
    return 6 + today.isoweekday()


def plan(graph: Any, days: Sequence[date]) -> list[Run]:
    """What names ids first, then the days, what spans several of them, and what looks at all of them.

    Args:
        graph: the code location's assets; external ones have no run.
        days: all of them, in order.
    """
    details = graph.get(_CONVERSATION_DETAILS).partitions_def
    assets = [key for key in graph.toposorted_asset_keys if key in graph.materializable_asset_keys]
    daily = [key for key in assets if graph.get(key).partitions_def == details]
    wider = [key for key in assets if graph.get(key).is_partitioned and key not in daily]
    single = [key for key in assets if not graph.get(key).is_partitioned]
    roots = [key for key in single if not graph.get(key).parent_keys & graph.materializable_asset_keys]
    return [
        Run(roots, None),
        *(Run(daily, day.isoformat()) for day in days),
        *(Run([key], name) for key in wider for name in _within(graph.get(key).partitions_def, days)),
        Run([key for key in single if key not in roots], None),
    ]


def _within(partitions: dg.TimeWindowPartitionsDefinition, days: Sequence[date]) -> list[str]:
    """The partitions all of whose days are among these."""
    windows = {
        name: partitions.time_window_for_partition_key(name) for name in partitions.get_partition_keys()
    }
    return [
        name
        for name, window in windows.items()
        if days[0] <= window.start.date() and window.end.date() <= days[-1] + timedelta(days=1)
    ]
