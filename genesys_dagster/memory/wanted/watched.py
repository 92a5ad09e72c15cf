"""The days that the refresh plan is not done with, and what it needs to know of them. Pure: no Dagster instance."""

import json
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime

from genesys_dagster.memory.pulls import Pull
from genesys_dagster.org.days import Days
from genesys_dagster.org.plan import RefreshPlan

_VERSION = 2


@dataclass(slots=True)
class WatchedDay:
    """What the plan needs to know of a day: what its latest commit said; instants in seconds since 1970.

    Attributes:
        known_until: Everything that happened before this instant is in it.
        open_conversations: Conversations without an end.
        latest_end: The latest end of one of its conversations; None if that is not known.
        missing: How many of the announced conversations it lacks.
        is_from_query: Whether it came from the interactive query, although there may be bulk jobs.
    """

    known_until: float
    open_conversations: int
    latest_end: float | None = None
    missing: int = 0
    is_from_query: bool = False

    @property
    def is_incomplete(self) -> bool:
        """Whether a further pull could bring what is not in it."""
        return bool(self.missing) or self.is_from_query

    @property
    def pulled_until(self) -> datetime:
        """`known_until` as an instant."""
        return _instant(self.known_until)

    def is_over(self, plan: RefreshPlan, end: datetime) -> bool:
        """Whether nothing more will be asked for, unless something calls for it."""
        return not self.is_incomplete and plan.is_over(end, self.pulled_until, self._is_settled(plan, end))

    def step_due(self, plan: RefreshPlan, end: datetime, until: datetime) -> datetime | None:
        """The step of the plan that is due; see `RefreshPlan.step_due`."""
        return plan.step_due(end, self.pulled_until, self._is_settled(plan, end), until)

    def _is_settled(self, plan: RefreshPlan, end: datetime) -> bool:
        latest_end = None if self.latest_end is None else _instant(self.latest_end)
        return plan.is_settled(end, self.pulled_until, self.open_conversations, latest_end)


@dataclass(slots=True)
class Watched:
    """What the sensor remembers: a place in the event log, and the days that the plan is not done with."""

    place: int = 0
    days: dict[str, WatchedDay] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None) -> "Watched":
        """Reads what a tick left; of that of versions before this one, all but their count of attempts."""
        if not text:
            return cls()
        said = json.loads(text)
        known = slice(None) if said.get("version") == _VERSION else slice(3)
        return cls(said["place"], {day: WatchedDay(*values[known]) for day, values in said["days"].items()})

    def text(self) -> str:
        """For the next tick."""
        days = {day: list(astuple(known)) for day, known in self.days.items()}
        return json.dumps({"version": _VERSION, "place": self.place, "days": days}, separators=(",", ":"))

    def take(self, pull: Pull) -> None:
        """Note a pull or an update: the latest commit is what lies in the lake, whatever earlier ones knew."""
        self.days[pull.day] = WatchedDay(
            pull.known_until.timestamp(),
            pull.open_conversations,
            pull.latest_end.timestamp() if pull.latest_end else None,
            pull.missing,
            pull.says_source and not pull.is_from_job,
        )

    def take_the_query_for_all_there_is(self) -> None:
        """Note that the org has no bulk jobs for us: what came from the query need not be replaced."""
        for known in self.days.values():
            known.is_from_query = False

    def forget(self, plan: RefreshPlan, all_days: Days) -> None:
        """Drop the days that the plan is done with, and those that are no partitions any more."""
        self.days = {
            day: known
            for day, known in self.days.items()
            if all_days.is_partition(day) and not known.is_over(plan, all_days.end_of(day))
        }


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
