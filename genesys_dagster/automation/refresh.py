"""The refresh sensor: pulls days again as the plan says, from what the instance remembers of their last pulls.

The event log is read once, from where the last tick ended; what the plan still needs of it travels in the cursor:
the days that are young, have open conversations or are not whole. So a tick costs the same after ten years as after
ten days.
"""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import dagster as dg

from genesys_dagster.automation import knowledge
from genesys_dagster.automation.asking import ask, ready_now
from genesys_dagster.automation.jobs import Jobs
from genesys_dagster.automation.kept import still_kept
from genesys_dagster.automation.ticks import sensor
from genesys_dagster.genesys.errors import GenesysError
from genesys_dagster.memory.pulls import pulls_after
from genesys_dagster.memory.wanted import board
from genesys_dagster.memory.wanted.attempts import wishes
from genesys_dagster.memory.wanted.steps import INCOMPLETE, REFRESH, Step
from genesys_dagster.memory.wanted.watched import Watched
from genesys_dagster.org.org import Org

_PAGE = 50  # events
_YOUNG = timedelta(days=1)  # until then a day that is not there in full is new
_READING = 0.4  # s per tick; a long history is read in over several ticks


def refresh_days(jobs: Jobs) -> dg.SensorDefinition:
    """The sensor that requests the days whose next step has come."""
    plan = jobs.org.plan
    return sensor(
        jobs.org,
        board.REFRESHES,
        jobs.export,
        lambda context: _tick(context, jobs.org),
        every=600,
        description=f"Pulls each exported day again {', '.join(map(str, plan.after_days))} days after its end, and every "
        f"{plan.open_every_days} days while it has conversations that are open or ended late, up to an age of "
        f"{plan.open_for_days} days, or as long as the org keeps it; and a day of which announced conversations are missing "
        "until they are there. A pull that brings nothing is asked for again after 1, 2, 4, 8 and 16 hours and then every "
        "day. Days count on the data lake's clock, so that a pull holds all that happened until then. At most one API "
        "request per tick, once a day two.",
    )


def _tick(context: dg.SensorEvaluationContext, org: Org) -> dg.SensorResult:
    genesys = knowledge.resource(context, org)
    watched, instance, now = Watched.read(context.cursor), context.instance, knowledge.now()
    if not _read_on(instance, org, watched):
        return _skip(watched, "reading the history of materializations; the next tick goes on")
    # What is new and not there yet is the business of another sensor.
    claimed = {line.day for line in board.lines(instance, org, board.NEW_DAYS)}
    # The watermark is never ahead of the clock: it is asked for only if that can make a difference.
    kept = still_kept(instance, org, genesys, _steps(org, watched, claimed, now), now)
    if not ready_now(instance, org, wishes(instance, org, kept.steps), now):
        asked = ask(instance, org, board.REFRESHES, kept.steps, now)
        return _skip(watched, "none can be due yet", asked.words, kept.words)
    try:
        reach = knowledge.reach(genesys)
    except GenesysError as error:
        return _skip(watched, str(error))
    if not reach.has_jobs:
        watched.take_the_query_for_all_there_is()
    kept = still_kept(instance, org, genesys, _steps(org, watched, claimed, reach.until), now)
    asked = ask(instance, org, board.REFRESHES, kept.steps, now)
    if not asked.requests:
        reached = f"none is due by the watermark, {reach.until:%Y-%m-%d %H:%M} UTC"
        return _skip(watched, reached, asked.words, kept.words)
    return dg.SensorResult(run_requests=asked.requests, cursor=watched.text())


def _skip(watched: Watched, *reasons: str) -> dg.SensorResult:
    words = "; ".join([f"{len(watched.days)} days are watched", *filter(None, reasons)])
    return dg.SensorResult(skip_reason=dg.SkipReason(words), cursor=watched.text())


def _read_on(instance: dg.DagsterInstance, org: Org, watched: Watched) -> bool:
    """Read the event log on, for a moment at most; returns whether its end was reached."""
    stop = time.monotonic() + _READING
    while True:
        page = list(pulls_after(instance, org, watched.place, _PAGE))
        for place, pull in page:
            watched.place = place
            if pull is not None and org.days.is_partition(pull.day):
                watched.take(pull)
        at_end = len(page) < _PAGE
        if at_end or time.monotonic() > stop:
            watched.forget(org.plan, org.days)
            return at_end


def _steps(org: Org, watched: Watched, claimed: set[str], until: datetime) -> Iterator[Step]:
    """What is due of days that no other sensor asks for, the youngest first."""
    for day in sorted(watched.days.keys() - claimed, reverse=True):
        known, end = watched.days[day], org.days.end_of(day)
        step = known.step_due(org.plan, end, until)
        if step is not None:
            yield Step(REFRESH, day, f"step of {step.isoformat()}", since=step)
        elif known.is_incomplete and end + _YOUNG <= until:
            yield Step(INCOMPLETE, day, f"until {end.isoformat()}", since=known.pulled_until)
