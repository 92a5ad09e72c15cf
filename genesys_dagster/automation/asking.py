"""Asking for what is wanted: the runs that a tick requests, what it says, and the list that people see."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import dagster as dg

from genesys_dagster.automation.told import WANTED_DAYS, listed, report
from genesys_dagster.memory.pulls import CONVERSATIONS, Family
from genesys_dagster.memory.runs import PARTITION, days_in_progress
from genesys_dagster.memory.wanted import steps as kinds
from genesys_dagster.memory.wanted.attempts import STEP, step_tag, wishes
from genesys_dagster.memory.wanted.board import show
from genesys_dagster.memory.wanted.steps import Step, Wish, in_words, ready
from genesys_dagster.org.org import Org

REASON = "genesys/reason"
PROVISIONAL = "provisional"
_MOST = 50  # per tick: after months without the daemon, the rest follows in the next ticks

# Today's work goes before corrections of the past; both go before backfills, which have priority 0 or what the
# user gives them (Dagster docs, "Prioritizing runs").
_PRIORITY = {
    kinds.NEW_DAY: 20,
    PROVISIONAL: 20,
    kinds.SWEEP: 15,
    kinds.LATE_ACTIVITY: 10,
    kinds.NEW_STATUS: 12,
    kinds.LATE_STATUS: 7,
    kinds.CHECKS: 8,
    kinds.INCOMPLETE: 5,
    kinds.REFRESH: 5,
}


class Asked(NamedTuple):
    """What a tick asks for.

    Attributes:
        requests: The runs.
        words: What is wanted, in one line.
    """

    requests: list[dg.RunRequest]
    words: str


def ask(  # noqa: PLR0913 - who asks for what
    instance: dg.DagsterInstance,
    org: Org,
    asker: str,
    steps: Sequence[Step],
    now: datetime,
    *,
    family: Family = CONVERSATIONS,
) -> Asked:
    """Asks for the steps whose time has come, and shows all of them.

    Args:
        instance: Which knows the runs.
        org: Whose lake it is.
        asker: Whose list it is: the sensor's name.
        steps: All that is wanted, the most important first.
        now: The present moment.
        family: Whose days they are.
    """
    wanted = wishes(instance, org, steps)
    if show(instance, org, asker, wanted):
        report(instance, org, WANTED_DAYS, listed(instance, org))
    ready = ready_now(instance, org, wanted, now, family)
    return Asked([request_of(org, wish) for wish in ready], in_words(wanted))


def ready_now(
    instance: dg.DagsterInstance,
    org: Org,
    wanted: Sequence[Wish],
    now: datetime,
    family: Family = CONVERSATIONS,
) -> list[Wish]:
    """Those that may be asked for, of days that no run is about to write."""
    # Whatever is under way may replace what another run writes, or the other way round: one after the other.
    busy = days_in_progress(instance, org, {wish.step.day for wish in wanted}, family)
    return ready(wanted, busy, now, _MOST)


def request_of(org: Org, wish: Wish) -> dg.RunRequest:
    """The run of a wish; it carries the step, by which its attempts are counted."""
    tags = {STEP: step_tag(org, wish.step)}
    return request(org, wish.step.day, wish.step.kind, wish.run_key, tags)


def request(
    org: Org, day: str, reason: str, run_key: str, tags: Mapping[str, str] | None = None
) -> dg.RunRequest:
    """Requests a run for a day.

    Args:
        org: Whose.
        day: Partition key.
        reason: Kind of the step, or `provisional`; stands on the run as the tag `genesys/reason`.
        run_key: Dagster starts no second run of the same sensor or schedule with it.
        tags: Further tags.
    """
    all_tags = {**org.tag, REASON: reason, "dagster/priority": str(_PRIORITY[reason]), **(tags or {})}
    if (
        reason == kinds.CHECKS
    ):  # a job of checks alone has no partitions of its own: the tag says which is checked
        return dg.RunRequest(run_key=run_key, tags={**all_tags, PARTITION: day})
    return dg.RunRequest(partition_key=day, run_key=run_key, tags=all_tags)
