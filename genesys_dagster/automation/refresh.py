"""The refresh sensor: pulls days again as the plan says, from what the instance remembers of their last pulls.

The event log is read once, from where the last tick ended; what the plan still needs of it travels in the cursor:
the days that are young or have open conversations. So a tick costs the same after ten years as after ten days.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime, timedelta

import dagster as dg

from genesys_dagster.automation import knowledge
from genesys_dagster.automation.days import end_of, is_partition
from genesys_dagster.automation.export import EXPORT_JOB, request
from genesys_dagster.automation.runs import days_in_progress
from genesys_dagster.automation.settings import refresh_plan, sensor_status
from genesys_dagster.genesys.errors import GenesysError
from genesys_dagster.pulls import Pull, pulls_after
from genesys_dagster.resources import GenesysResource

PLAN = refresh_plan()

_PAGE = 50  # events
_READING = 0.4  # s per tick; a long history is read in over several ticks
_MOST_REQUESTS = 50  # per tick
_PATIENCE = timedelta(days=1)  # until a pull that was requested but did not come is requested again
_MOST_ATTEMPTS = 3  # per step


@dataclass(slots=True)
class _Day:
    """What the plan needs to know of a day; instants in seconds since 1970."""

    known_until: float
    open_conversations: int
    latest_end: float | None = None
    requested: float = 0.0
    attempts: int = 0

    def is_over(self, day: str) -> bool:
        return PLAN.is_over(end_of(day), _instant(self.known_until), self._is_settled(day))

    def step_due(self, day: str, now: datetime) -> datetime | None:
        waited = now.timestamp() - self.requested
        if self.attempts and (self.attempts >= _MOST_ATTEMPTS or waited < _PATIENCE.total_seconds()):
            return None
        return PLAN.step_due(end_of(day), _instant(self.known_until), self._is_settled(day), now)

    def take(self, pull: Pull) -> None:
        """Note a pull or an update; the latest knowledge counts, whatever the order in which runs ended."""
        known_until = pull.known_until.timestamp()
        if known_until < self.known_until:
            return
        if known_until > self.known_until:  # an update is no step of the plan
            self.attempts = 0
        self.known_until = known_until
        self.open_conversations = pull.open_conversations
        self.latest_end = pull.latest_end.timestamp() if pull.latest_end else None

    def _is_settled(self, day: str) -> bool:
        latest_end = None if self.latest_end is None else _instant(self.latest_end)
        return PLAN.is_settled(end_of(day), _instant(self.known_until), self.open_conversations, latest_end)


@dataclass(slots=True)
class _Cursor:
    """What the sensor remembers: a place in the event log, and the days that the plan is not done with."""

    place: int = 0
    days: dict[str, _Day] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None) -> "_Cursor":
        if not text:
            return cls()
        said = json.loads(text)
        return cls(said["place"], {day: _Day(*values) for day, values in said["days"].items()})

    def text(self) -> str:
        days = {day: list(astuple(known)) for day, known in self.days.items()}
        return json.dumps({"place": self.place, "days": days}, separators=(",", ":"))

    def forget(self) -> None:
        """Drop the days that the plan is done with, and those that are no partitions any more."""
        self.days = {
            day: known for day, known in self.days.items() if is_partition(day) and not known.is_over(day)
        }


@dg.sensor(
    name="refresh_days",
    job=EXPORT_JOB,
    minimum_interval_seconds=600,
    default_status=sensor_status(),
    description=(
        f"Pulls each exported day again {', '.join(map(str, PLAN.after_days))} days after its end, and every "
        f"{PLAN.open_every_days} days while it has conversations that are open or ended late, up to an age of "
        f"{PLAN.open_for_days} days. Days count on the data lake's clock, so that a pull holds all that happened until "
        "then. At most one API request per tick."
    ),
)
def refresh_days(
    context: dg.SensorEvaluationContext, genesys: GenesysResource
) -> dg.SensorResult | dg.SkipReason:
    """Request the days whose next step has come."""
    missing = knowledge.unconfigured(genesys)
    if missing is not None:
        return missing
    cursor = _Cursor.read(context.cursor)
    if not _read_on(context.instance, cursor):
        return _skip(cursor, "reading the history of materializations; the next tick goes on")
    # The watermark is never ahead of the clock: it is asked for only if that can make a difference.
    if not _is_any_due(cursor, knowledge.now()):
        return _skip(cursor, f"{len(cursor.days)} days are watched, none can be due yet")
    try:
        watermark = knowledge.known_until(genesys)
    except GenesysError as error:
        return _skip(cursor, str(error))
    in_progress = days_in_progress(context.instance, cursor.days)
    requests = list(_due(cursor, watermark, in_progress))
    if not requests:
        reached = f"{watermark:%Y-%m-%d %H:%M} UTC"
        return _skip(cursor, f"{len(cursor.days)} days are watched, none is due by the watermark, {reached}")
    return dg.SensorResult(run_requests=requests, cursor=cursor.text())


def _skip(cursor: _Cursor, reason: str) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=dg.SkipReason(reason), cursor=cursor.text())


def _is_any_due(cursor: _Cursor, now: datetime) -> bool:
    return any(known.step_due(day, now) is not None for day, known in cursor.days.items())


def _read_on(instance: dg.DagsterInstance, cursor: _Cursor) -> bool:
    """Read the event log on, for a moment at most; returns whether its end was reached."""
    stop = time.monotonic() + _READING
    while True:
        page = list(pulls_after(instance, cursor.place, _PAGE))
        for place, pull in page:
            cursor.place = place
            if pull is not None and is_partition(pull.day):
                cursor.days.setdefault(pull.day, _Day(0.0, 0)).take(pull)
        at_end = len(page) < _PAGE
        if at_end or time.monotonic() > stop:
            cursor.forget()
            return at_end


def _due(cursor: _Cursor, watermark: datetime, in_progress: set[str]) -> Iterator[dg.RunRequest]:
    """Request what is due, the youngest days first, and note it."""
    left = _MOST_REQUESTS
    for day in sorted(cursor.days.keys() - in_progress, reverse=True):
        known = cursor.days[day]
        step = known.step_due(day, watermark)
        if step is not None and left:
            left -= 1
            known.requested, known.attempts = watermark.timestamp(), known.attempts + 1
            yield request(day, "refresh", f"{day}, step of {step.isoformat()}, attempt {known.attempts}")


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
